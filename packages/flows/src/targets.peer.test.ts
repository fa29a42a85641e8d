import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import {
  createTestDatabase,
  type Database,
  findDefaultTarget,
  openDatabase,
  type TestDatabase,
} from "@cairn/database";
import { hasCode, Rejection, Secret, systemClock } from "@cairn/kernel";
import { type Ceph, startCeph } from "@cairn/store";
import { openTarget, type Registration, useTarget } from "./targets.ts";

let ceph: Ceph;
let place: TestDatabase;
let database: Database;
before(async () => {
  [ceph, place] = await Promise.all([startCeph(), createTestDatabase(process.env)]);
  database = openDatabase(place.url);
});
after(async () => {
  await database.close();
  await Promise.all([ceph.stop(), place.drop()]);
});

const masterKey = new Secret(Buffer.alloc(32, 7));
const told: unknown[] = [];
const note = (event: string, fields: unknown): void => void told.push([event, fields]);

function world(): Registration {
  const log = { info: note, warn: note, error: note, debug: note };
  const { signal } = new AbortController();
  return { database, masterKey, clock: systemClock, log, signal };
}

async function stored(): Promise<string> {
  return inspect(await findDefaultTarget(database.handle), { depth: 9, maxArrayLength: null });
}

test("a bucket becomes the default target, and its secrets are nowhere to be seen", async () => {
  const { maintainer, writer } = await ceph.makeBucket({ prefix: "cloud/" });
  const { accessKeyId, secretAccessKey } = writer;
  const configured = { target: maintainer, mover: { accessKeyId, secretAccessKey } };
  const row = await useTarget(world(), configured);
  assert.deepEqual([row.kind, row.path], ["s3", `s3://${maintainer.bucket}/cloud/`]);
  const report = row.report as { mayRemove: string; mover: { mayRemove: string } };
  assert.deepEqual([report.mayRemove, report.mover.mayRemove], ["yes", "no"]);
  const seen = (await stored()) + inspect(told, { depth: 9 });
  for (const secret of [maintainer.secretAccessKey, secretAccessKey]) assert.ok(!seen.includes(secret));

  const store = openTarget(row, masterKey);
  await store.put("a", [Buffer.from("1")]);
  await store.remove("a");
  assert.throws(
    () => openTarget(row, new Secret(Buffer.alloc(32))),
    (error) => hasCode(error, "target-sealed"),
  );
});

test("a target that is known is not probed again, and one that is configured otherwise is", async () => {
  const { maintainer, writer } = await ceph.makeBucket();
  await useTarget(world(), { target: maintainer });
  const probes = (): number => told.filter((each) => inspect(each).includes("target.probed")).length;
  const before = probes();
  await useTarget(world(), { target: maintainer });
  assert.equal(probes(), before);
  const { accessKeyId, secretAccessKey } = writer;
  await useTarget(world(), { target: maintainer, mover: { accessKeyId, secretAccessKey } });
  assert.equal(probes(), before + 1);
  await useTarget(world(), { target: maintainer, mover: { accessKeyId, secretAccessKey } });
  assert.equal(probes(), before + 1);
  const wrong = { target: maintainer, mover: { accessKeyId, secretAccessKey: "changed" } };
  await assert.rejects(useTarget(world(), wrong), (error) => error instanceof Rejection);
});

test("a target whose secret was sealed with another key file is sealed with the new one", async () => {
  const { maintainer } = await ceph.makeBucket();
  await useTarget(world(), { target: maintainer });
  const fresh = new Secret(Buffer.alloc(32, 8));
  const row = await useTarget({ ...world(), masterKey: fresh }, { target: maintainer });
  await openTarget(row, fresh).put("a", [Buffer.from("1")]);
});

test("a directory gets its marker, and is the default again when it is configured again", async () => {
  const path = await mkdtemp(join(tmpdir(), "cairn-target-"));
  try {
    const row = await useTarget(world(), { target: { kind: "directory", path } });
    assert.equal((await findDefaultTarget(database.handle))?.id, row.id);
    await rm(join(path, ".cairn-target"));
    await assert.rejects(openTarget(row, masterKey).get("a"), (error) => hasCode(error, "store-away"));
    assert.equal((await useTarget(world(), { target: { kind: "directory", path } })).id, row.id);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});
