import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import {
  changeTarget,
  createTarget,
  createTestDatabase,
  type Database,
  findTarget,
  openDatabase,
  type TargetRow,
  type TestDatabase,
} from "@cairn/database";
import { asId, newId, Secret, systemClock, type TargetId } from "@cairn/kernel";
import { type Ceph, startCeph } from "@cairn/store";
import { type WatchingWorld, watchTargetOnce } from "./target-watching.ts";
import { openTarget } from "./targets.ts";
import { type FakeBarbican, fakeBarbican } from "./testing/fake-barbican.ts";

let ceph: Ceph;
let place: TestDatabase;
let database: Database;
let folder: string;
let barbican: FakeBarbican;
const told: unknown[] = [];
const masterKey = new Secret(Buffer.alloc(32, 7));
const { signal } = new AbortController();
const SERVICE_USER = asId<"user">("service-user");

before(async () => {
  [ceph, place] = await Promise.all([startCeph(), createTestDatabase(process.env)]);
  database = openDatabase(place.url);
  folder = await mkdtemp(join(tmpdir(), "cairn-watching-"));
  barbican = fakeBarbican();
});

after(async () => {
  await database.close();
  await Promise.all([ceph.stop(), place.drop(), rm(folder, { recursive: true, force: true })]);
});

function world(): WatchingWorld {
  const note = (event: string, fields: unknown): void => void told.push([event, fields]);
  const log = { info: note, warn: note, error: note, debug: note };
  const admin = barbican.view("service");
  const common = { database, masterKey, clock: systemClock, log, signal, admin };
  return { ...common, everyMs: 60_000, hanging: new Map() };
}

interface Wanted {
  readonly kind: "directory" | "s3";
  readonly path: string;
  readonly address?: Readonly<Record<string, unknown>>;
  readonly secretId?: string;
  readonly filesystemExport?: string;
}

async function wanted({ kind, path, address = {}, secretId, filesystemExport }: Wanted): Promise<TargetId> {
  return database.transaction(async (transaction) => {
    const made = await createTarget(transaction, {
      kind,
      path,
      address,
      wish: secretId === undefined ? {} : { secretId },
      filesystemExport: filesystemExport ?? null,
      nfsMountOpts: null,
      secretRef: secretId === undefined ? null : `https://kms/v1/secrets/${secretId}`,
      moverSecretRef: null,
      metadata: {},
      type: { name: path, description: "", isPublic: true },
      by: { userId: asId("root"), projectId: asId("admin") },
    });
    assert.equal(made.kind, "created");
    return made.target.id;
  });
}

/** An engine looks at this target alone, now. */
async function watched(id: TargetId): Promise<TargetRow> {
  const later = new Date(Date.now() + 3_600_000);
  await database.handle.updateTable("target").set({ look_at: later }).where("id", "<>", id).execute();
  await database.handle
    .updateTable("target")
    .set({ look_at: new Date(0) })
    .where("id", "=", id)
    .execute();
  assert.equal(await watchTargetOnce(world(), signal), true);
  const row = await findTarget(database.handle, id);
  assert.ok(row !== undefined);
  return row;
}

test("a directory that is wanted is proved, sealed and watched", async () => {
  const path = join(folder, "one");
  await mkdir(path);
  const id = await wanted({ kind: "directory", path });
  const proven = await watched(id);
  assert.deepEqual([proven.state, proven.is_online, proven.fault, proven.wish], ["ready", true, null, null]);
  await openTarget(proven, masterKey).put("a", [Buffer.from("1")]);
  const seen = await watched(id);
  assert.ok((seen.capacity_bytes ?? 0) > (seen.used_bytes ?? 0) && (seen.used_bytes ?? 0) > 0);
  await rename(path, `${path}-away`);
  const away = await watched(id);
  assert.deepEqual([away.state, away.is_online], ["ready", false]);
  assert.match(away.offline_reason ?? "", /one is not there/);
  await mkdir(path);
  const empty = await watched(id);
  assert.match(empty.offline_reason ?? "", /has no marker: it is not mounted/);
  await rm(path, { recursive: true });
  await rename(`${path}-away`, path);
  const back = await watched(id);
  assert.deepEqual([back.is_online, back.offline_reason], [true, null]);
  assert.ok(back.online_at > away.online_at);
});

test("what cannot be a target is refused in the request's terms; mended, it is proved", async () => {
  const path = join(folder, "absent");
  const id = await wanted({ kind: "directory", path });
  const refused = await watched(id);
  assert.equal(refused.state, "refused");
  assert.equal(refused.fault?.field, "filesystem_export_mount_path");
  assert.equal(refused.fault.value, path);
  assert.match(refused.fault.remedy ?? "", /make the directory/);
  await mkdir(path);
  await changeTarget(database.handle, id, { wish: {} });
  const proven = await watched(id);
  assert.deepEqual([proven.state, proven.fault], ["ready", null]);
});

test("a directory in which the export is not mounted is no target", async () => {
  const path = join(folder, "unmounted");
  await mkdir(path);
  const id = await wanted({ kind: "directory", path, filesystemExport: "files:/backup" });
  const { state, fault } = await watched(id);
  assert.equal(state, "refused");
  assert.match(fault?.message ?? "", /files:\/backup is not mounted at/);
  assert.match(fault?.remedy ?? "", /^Mount files:\/backup at .* on every engine and compute node/);
});

/** A secret that the service user may read, unless told otherwise. */
async function stored(payload: unknown, mayRead = true): Promise<string> {
  const { secrets } = barbican.view("tenant").barbican;
  const bytes = new Secret(Buffer.from(JSON.stringify(payload)));
  const id = await secrets.create({ name: "keys", payload: bytes });
  if (mayRead) await secrets.setReaders(id, { users: [SERVICE_USER], projectAccess: true });
  return id;
}

test("a bucket is opened by its secrets, with an identity for datamovers, and shows neither", async () => {
  const { maintainer, writer } = await ceph.makeBucket({ prefix: "cloud/" });
  const { accessKeyId, secretAccessKey, ...address } = maintainer;
  const mover = { accessKeyId: writer.accessKeyId, secretAccessKey: writer.secretAccessKey };
  const path = `s3://${maintainer.bucket}/cloud/`;
  const secretId = await stored({ accessKeyId, secretAccessKey, mover });
  const id = await wanted({ kind: "s3", path, address: { ...address }, secretId });
  const proven = await watched(id);
  assert.deepEqual([proven.state, proven.fault, proven.mover_key_id], ["ready", null, writer.accessKeyId]);
  const report = proven.report as { mayRemove: string; mover: { mayRemove: string } };
  assert.deepEqual([report.mayRemove, report.mover.mayRemove], ["yes", "no"]);
  await openTarget(proven, masterKey).put("a", [Buffer.from("1")]);
  const seen = await watched(id);
  assert.deepEqual([seen.is_online, seen.capacity_bytes, seen.used_bytes], [true, null, 0]);
  const shown = inspect([proven, seen, told], { depth: 9, maxArrayLength: null });
  for (const secret of [secretAccessKey, writer.secretAccessKey]) assert.ok(!shown.includes(secret));
  // Other keys that are wrong: what was proven goes on.
  const planted = "planted-secret-key";
  const wrong = await stored({ accessKeyId, secretAccessKey: planted });
  await changeTarget(database.handle, id, { secretRef: wrong, wish: { secretId: wrong } });
  const kept = await watched(id);
  assert.deepEqual([kept.state, kept.is_online, kept.fault?.field], ["ready", true, "secret_ref"]);
  assert.equal(kept.fault?.value, wrong);
  await openTarget(kept, masterKey).put("b", [Buffer.from("1")]);
  assert.ok(!inspect([kept, told], { depth: 9, maxArrayLength: null }).includes(planted));
});

test("a secret that cannot be read is named, with what lets the service user read it", async () => {
  const { maintainer } = await ceph.makeBucket();
  const { accessKeyId, secretAccessKey, ...address } = maintainer;
  const path = `s3://${maintainer.bucket}/`;
  const secretId = await stored({ accessKeyId, secretAccessKey }, false);
  const id = await wanted({ kind: "s3", path, address: { ...address }, secretId });
  const forbidden = await watched(id);
  assert.deepEqual([forbidden.state, forbidden.fault?.field], ["refused", "secret_ref"]);
  assert.match(forbidden.fault?.remedy ?? "", /^openstack acl user add --user service-user .*v1\/secrets/);
  barbican.isAway = true;
  await changeTarget(database.handle, id, { wish: { secretId } });
  const waiting = await watched(id);
  barbican.isAway = false;
  assert.deepEqual([waiting.wish, waiting.fault?.remedy], [{ secretId }, "It is tried again by itself."]);
  await changeTarget(database.handle, id, { wish: { secretId: newId() } });
  assert.match((await watched(id)).fault?.message ?? "", /no such secret/);
  await barbican.view("tenant").barbican.secrets.setReaders(secretId, {
    users: [SERVICE_USER],
    projectAccess: true,
  });
  await changeTarget(database.handle, id, { wish: { secretId } });
  assert.equal((await watched(id)).state, "ready");
});

test("a mount that hangs is away, and is not asked again while it does", async () => {
  const path = join(folder, "hangs");
  await mkdir(path);
  const id = await wanted({ kind: "directory", path });
  await watched(id);
  const hanging = new Map([[id, new Promise(() => undefined)]]);
  await database.handle
    .updateTable("target")
    .set({ look_at: new Date(0) })
    .where("id", "=", id)
    .execute();
  await watchTargetOnce({ ...world(), hanging }, signal);
  const row = await findTarget(database.handle, id);
  assert.deepEqual([row?.is_online, hanging.size], [false, 1]);
  assert.match(row?.offline_reason ?? "", /does not answer/);
});
