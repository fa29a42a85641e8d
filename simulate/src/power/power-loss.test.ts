import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { directoryStore } from "@cairn/store";
import { checkEveryMoment, checkFiles, type Ledger, withLedger } from "./ledger.ts";
import { Recorder } from "./recorder.ts";

let scratch = "";
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "cairn-power-"));
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  return mkdtemp(join(scratch, "target-"));
}

describe("a power failure after any operation of a store in a directory", () => {
  it("leaves an object whole or absent, and keeps every promise", async () => {
    const root = await folder();
    const ledger: Ledger = { entries: [], bytes: new Map() };
    using recorder = new Recorder(root);
    const store = withLedger(directoryStore(root), recorder, ledger);
    await store.put("repo", [randomBytes(59)]);
    await store.put("p/00/small", [randomBytes(3000), randomBytes(2000)]);
    await store.put("p/00/large", [randomBytes(5_000_000)]);
    await store.put("empty", []);
    await store.put("p/00/small", [ledger.bytes.get("p/00/small") ?? Buffer.alloc(0)]);
    await store.remove("p/00/large");
    await Promise.all(
      ["p/01/a", "p/01/b", "p/02/c"].map(async (name) => store.put(name, [randomBytes(700)])),
    );
    await store.remove("repo");
    checkEveryMoment(root, recorder.operations, (files, at) => checkFiles(files, ledger, at));
    assert.ok(recorder.operations.length > 40, `${recorder.operations.length} operations`);
  });

  it("keeps what a second process has stored after a first one died at any operation", async () => {
    const bytes = randomBytes(2000);
    for (let operations = 0; operations < 12; operations += 1) {
      const root = await folder();
      using recorder = new Recorder(root);
      recorder.dieAfter(operations);
      void directoryStore(root).put("a/b/object", [bytes]);
      await quiet(recorder);
      await recorder.revive();
      const ledger: Ledger = { entries: [], bytes: new Map() };
      await withLedger(directoryStore(root), recorder, ledger).put("a/b/object", [bytes]);
      await withLedger(directoryStore(root), recorder, ledger).put("a/b/other", [bytes]);
      checkEveryMoment(root, recorder.operations, (files, at) => {
        if (at === recorder.operations.length) checkFiles(files, ledger, at);
      });
    }
  });
});

/** Waits until a process that died does nothing any more. */
async function quiet(recorder: Recorder): Promise<void> {
  for (let [seen, same] = [-1, 0]; same < 20; ) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
    same = recorder.operations.length === seen ? same + 1 : 0;
    seen = recorder.operations.length;
  }
}
