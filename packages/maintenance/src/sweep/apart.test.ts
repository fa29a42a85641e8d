import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Fault, hasCode } from "@cairn/kernel";
import { directoryStore } from "@cairn/store";
import { storeSnapshot, type TestRepository, testRepository } from "../test-repository.ts";
import { type SweepRequest, sweepApart } from "./apart.ts";
import { assertReadable, piecesOf, removeSnapshot } from "./testing.ts";

let path: string;
let repository: TestRepository;
const environment = process.env;
const { signal } = new AbortController();

before(async () => {
  path = await mkdtemp(join(tmpdir(), "cairn-apart-"));
  repository = { ...(await testRepository()), store: directoryStore(path) };
});

after(async () => rm(path, { recursive: true, force: true }));

function requested(): SweepRequest {
  const { handle } = repository;
  return { target: { kind: "directory", path }, handle, by: "test", heldSnapshots: new Set() };
}

describe("a sweep in a process of its own", () => {
  it("does what a sweep does, and reports it", async () => {
    const kept = await storeSnapshot(repository, piecesOf("a", 2));
    const gone = await storeSnapshot(repository, piecesOf("b", 3));
    await removeSnapshot(repository, gone);
    const report = await sweepApart({ ...requested(), dryRun: true }, { environment, signal });
    assert.deepEqual([report.dryRun, report.found.snapshots], [true, 1]);
    assert.equal(report.condemned.length, 2);
    const done = await sweepApart(requested(), { environment, signal });
    assert.equal(done.epochAfter, 1);
    await assertReadable(repository, [kept]);
  });

  it("fails as the sweep does, with its code and when to try again", async () => {
    const target = { kind: "directory", path: join(path, "absent"), marker: "m" } as const;
    await assert.rejects(
      sweepApart({ ...requested(), target }, { environment, signal }),
      (cause) => cause instanceof Fault && hasCode(cause, "store-away") && cause.retry === "after-operator",
    );
  });

  it("that dies is a failure of this sweep alone, and says why", async () => {
    const broken = { ...environment, NODE_OPTIONS: "--require=/absent" };
    await assert.rejects(
      sweepApart(requested(), { environment: broken, signal }),
      (cause) => hasCode(cause, "sweep-died") && /code 1: .*\/absent/s.test(String(cause)),
    );
  });

  it("is killed when it is not wanted any more", async () => {
    const stop = new AbortController();
    const sweeping = sweepApart(requested(), { environment, signal: stop.signal });
    stop.abort(new Error("not wanted"));
    await assert.rejects(sweeping, /not wanted/);
  });
});
