import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { readTls } from "./tls.ts";

it("reads the authorities of a file, and says when it holds none", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-ca-"));
  await using made = new AsyncDisposableStack();
  made.defer(async () => rm(folder, { recursive: true }));
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const [good, empty] = [join(folder, "ca.pem"), join(folder, "empty.pem")];
  await writeFile(good, pem);
  await writeFile(empty, "");
  assert.deepEqual(await readTls({ caFile: good, insecure: false }), { authorities: pem });
  assert.deepEqual(await readTls({ caFile: good, insecure: true }), { authorities: pem, isInsecure: true });
  assert.deepEqual(await readTls({ caFile: "", insecure: true }), { isInsecure: true });
  assert.equal(await readTls({ caFile: "", insecure: false }), undefined);
  for (const caFile of [empty, join(folder, "absent.pem")]) {
    await assert.rejects(readTls({ caFile, insecure: false }), { code: "ca-file", retry: "after-operator" });
  }
});
