import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { MiB } from "@cairn/kernel";
import { listOf, optionalText } from "../../host/json.ts";
import { type Hooks, OrderBench, type Protected, protectOrder } from "../../testing/bench-of-orders.ts";
import { NovaInstance } from "../../testing/nova-instance.ts";
import { libvirtHypervisor } from "../libvirt/driver.ts";

const run = promisify(execFile);
const HASHED_BYTES = 8 * MiB;
const GONE_TIMEOUT_MS = 120_000;
const POLL_MS = 500;

const cloudFolder = process.env["CAIRN_TEST_CLOUD"] ?? "";

/** Ceph's own tool, as the cloud's administrator has it: a witness that is not ours. */
async function rbd(...words: readonly string[]): Promise<string> {
  const how = ["--conf", join(cloudFolder, "conf", "ceph.conf"), "--id", "cinder"];
  return (await run("rbd", [...how, ...words])).stdout;
}

async function snapshotsOf(volumeId: string): Promise<readonly string[]> {
  const told = await rbd("snap", "ls", `volumes/volume-${volumeId}`, "--format", "json");
  return listOf(JSON.parse(told)).map((each) => optionalText(each, "name") ?? "");
}

async function trash(): Promise<readonly string[]> {
  const told = await rbd("trash", "ls", "volumes", "--format", "json");
  return listOf(JSON.parse(told)).map((each) => optionalText(each, "name") ?? "");
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(GONE_TIMEOUT_MS);
  while (!(await isSo())) {
    limit.throwIfAborted();
    await sleep(POLL_MS);
  }
}

async function hashOf(path: string, bytes?: number): Promise<string> {
  const hash = createHash("sha256");
  const part = bytes === undefined ? {} : { end: bytes - 1 };
  for await (const each of createReadStream(path, part)) hash.update(each as Buffer);
  return hash.digest("hex");
}

const modes = ({ disks }: Protected): string[] =>
  disks.map(({ read }) => (read.mode === "full" ? read.because : read.tracker));

const incremental = ["rbd-snapshot", "rbd-snapshot"];

void test("two volumes in Ceph are protected by snapshots, in whose way nothing of Nova's is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-rs-"));
  t.after(async () => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const at = (name: string): string => join(folder, name);
  const place = {
    scratchFolder: at("scratch"),
    repositoryFolder: at("repository"),
    sandboxFolder: at("sandbox"),
    instancesFolder: at("instances"),
  };
  for (const name of ["scratch", "repository", "reference"]) await mkdir(at(name), { mode: 0o711 });
  const server = await NovaInstance.create(cloudFolder, ["ceph", "ceph"]);
  const volumes = server.disks.flatMap((disk) => disk.volumeId ?? []);
  const bench = await OrderBench.open(place, (tools) =>
    libvirtHypervisor({ place: server.place, rbdChanges: "fast-diff", ...tools }),
  );
  // The root disk is a file: with it, all would be cut by bitmaps.
  const guest = { id: server.id, disks: server.disks.filter(({ volumeId }) => volumeId !== undefined) };
  let last: Protected | undefined;

  const take = async (hooks: Hooks = {}): Promise<Protected> => {
    const done = await bench.perform(protectOrder(guest, last), hooks);
    assert.ok(done.kind === "protected", JSON.stringify(done));
    last = done;
    for (const [index, { root, sizeBytes }] of done.disks.entries()) {
      const reference = at(`reference/${index}`);
      const name = done.disks[index]?.base?.bitmap ?? "";
      await rm(reference, { force: true });
      await rbd("export", "--no-progress", `volumes/volume-${volumes[index]}@${name}`, reference);
      const restored = await bench.restore(root, sizeBytes);
      assert.equal(await hashOf(restored), await hashOf(reference));
      await rm(restored);
    }
    const keepBitmaps = done.disks.flatMap(({ base }) => base?.bitmap ?? []);
    await bench.perform({ kind: "settle-instance", instanceId: guest.id, keepBitmaps });
    for (const volume of volumes) assert.deepEqual(await snapshotsOf(volume), [keepBitmaps[0]]);
    t.diagnostic(`${modes(done).join(", ")}; ${done.consistency.reason}`);
    return done;
  };

  /** While the guest writes; what it read before the point is what the snapshot has. */
  const takeWriting = async (duringPoint?: () => Promise<void>): Promise<string[]> => {
    await server.guest(`for d in /dev/vd[bc]; do for i in 3 9 500 7000; do
      dd if=/dev/urandom of=$d bs=64k seek=$i count=3 conv=notrunc 2>/dev/null; done; done; sync`);
    const hashes = await server.guest(
      `for d in /dev/vd[bc]; do head -c ${HASHED_BYTES} $d | sha256sum | cut -d' ' -f1; done`,
    );
    const done = await take({
      afterPoint: async () => {
        await server.guest(`for d in /dev/vd[bc]; do
          dd if=/dev/urandom of=$d bs=64k seek=2 count=60 conv=notrunc 2>/dev/null; done; sync`);
        await duringPoint?.();
      },
    });
    for (const index of volumes.keys())
      assert.equal(await hashOf(at(`reference/${index}`), HASHED_BYTES), hashes.split("\n")[index]);
    assert.equal(done.consistency.quality, "file-system", done.consistency.reason);
    return modes(done);
  };

  await t.test("the first snapshot reads all, the next ones what changed", async () => {
    assert.deepEqual(await takeWriting(), ["first-snapshot", "first-snapshot"]);
    assert.deepEqual(await takeWriting(), incremental);
  });
  await t.test("suspending and resuming the server while it is read disturbs nobody", async () => {
    const suspendAndResume = async (): Promise<void> => {
      await server.nova("suspend");
      await until(async () => (await server.nova("show", "-f", "value", "-c", "status")) === "SUSPENDED");
      await server.nova("resume");
      await server.ready();
    };
    assert.deepEqual(await takeWriting(suspendAndResume), incremental);
  });
  await t.test("a stopped server is read, starts meanwhile, and changes count across it", async () => {
    await server.nova("stop");
    await until(async () => (await server.domain()).id === -1);
    const done = await take({ afterPoint: async () => void (await server.nova("start")) });
    assert.deepEqual(modes(done), incremental);
    assert.match(done.consistency.reason, /the snapshots of its disks were made within \d+ ms/);
    await server.ready();
    assert.deepEqual(await takeWriting(), incremental);
  });
  await t.test("deleted volumes leave nothing in Ceph, though they had snapshots of ours", async () => {
    await server[Symbol.asyncDispose]();
    const names = volumes.map((volume) => `volume-${volume}`);
    await until(async () => {
      const thrown = await trash();
      return names.every((name) => thrown.includes(name));
    });
    const tending = new AbortController();
    const tended = bench.hypervisor.tend?.(tending.signal);
    await until(async () => (await readdir(place.scratchFolder)).length === 0);
    tending.abort(new Error("enough"));
    await tended;
    const left = [...(await trash()), ...(await rbd("ls", "volumes")).split("\n")];
    assert.deepEqual(
      left.filter((name) => names.includes(name)),
      [],
    );
  });
});
