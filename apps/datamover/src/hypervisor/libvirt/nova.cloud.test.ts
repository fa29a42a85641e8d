import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { MiB } from "@cairn/kernel";
import { type BenchPlace, OrderBench, type Protected, protectOrder } from "../../testing/bench-of-orders.ts";
import { NovaInstance } from "../../testing/nova-instance.ts";
import type { Point } from "../port.ts";
import { libvirtHypervisor } from "./driver.ts";

const run = promisify(execFile);
/** qcow2 files, and RBD images where the cloud has Ceph. */
const VOLUME_TYPES = ["nfs", "ceph"];
/** Long enough that the guest writes during all of a point. */
const HASHED_BYTES = 8 * MiB;

/** The folders of one test, where QEMU of another user can reach the scratch folder. */
async function openPlace(): Promise<BenchPlace & AsyncDisposable & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-cl-"));
  await chmod(folder, 0o711);
  const at = (name: string): string => join(folder, name);
  const place = {
    folder,
    scratchFolder: at("scratch"),
    repositoryFolder: at("repository"),
    sandboxFolder: at("sandbox"),
    instancesFolder: at("instances"),
  };
  for (const name of ["scratch", "repository", "reference"]) await mkdir(at(name), { mode: 0o711 });
  return { ...place, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }) };
}

const modes = ({ disks }: Protected): string[] =>
  disks.map(({ read }) => (read.mode === "full" ? read.because : read.tracker));

async function snapshot(
  bench: OrderBench,
  server: NovaInstance,
  since: Protected | undefined,
  hooks: Parameters<OrderBench["perform"]>[1] = {},
): Promise<Protected> {
  const outcome = await bench.perform(protectOrder(server, since), hooks);
  if (outcome.kind === "protected") return outcome;
  throw new Error(`the order ended otherwise: ${JSON.stringify(outcome)}`);
}

/** The disks at a point as libvirt's own exports give them: all of them, whatever a bitmap says. */
async function copyReference(point: Point, folder: string): Promise<void> {
  for (const { address, order } of point.disks) {
    assert.ok(address.kind === "unix");
    const from = `nbd+unix:///${order.device}?socket=${address.path}`;
    await run("qemu-img", ["convert", "-f", "raw", "-O", "raw", from, join(folder, `${order.device}.raw`)]);
  }
}

async function assertEqual(one: string, other: string): Promise<void> {
  await run("cmp", [one, other]);
}

async function hashOf(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path, { end: bytes - 1 })) hash.update(part as Buffer);
  return hash.digest("hex");
}

const folderOfCloud = process.env["CAIRN_TEST_CLOUD"] ?? "";

void test("a server of a real Nova is protected: root disk and volume, full and incremental", async (t) => {
  await using place = await openPlace();
  const volumeTypes = await NovaInstance.volumeTypes(folderOfCloud, VOLUME_TYPES);
  await using server = await NovaInstance.create(folderOfCloud, volumeTypes);
  const bench = await OrderBench.open(place, (tools) => libvirtHypervisor({ place: server.place, ...tools }));
  const references = join(place.folder, "reference");
  let last: Protected | undefined;

  /** One snapshot while the guest writes, compared with the whole of libvirt's export of the same job. */
  const protect = async (
    duringPoint: () => Promise<void> = async () => Promise.resolve(),
  ): Promise<string[]> => {
    await server.guest(`for d in /dev/vd[b-z]; do for i in 3 9 500 7000; do
      dd if=/dev/urandom of=$d bs=64k seek=$i count=3 conv=notrunc 2>/dev/null; done; done
      dd if=/dev/urandom of=/root/before bs=64k count=20 2>/dev/null; sync`);
    const hashes = await server.guest(
      `for d in /dev/vd[b-z]; do head -c ${HASHED_BYTES} $d | sha256sum | cut -d' ' -f1; done`,
    );
    const done = await snapshot(bench, server, last, {
      afterPoint: async (point) => {
        await duringPoint();
        // What broke this point leads to another one, and the guest must still hold what it was asked for.
        if (point.broken.aborted) return;
        await server.guest(`for d in /dev/vd[b-z]; do
          dd if=/dev/urandom of=$d bs=64k seek=2 count=60 conv=notrunc 2>/dev/null; done
          dd if=/dev/urandom of=/root/after bs=64k count=20 2>/dev/null; sync`);
        await copyReference(point, references);
      },
    });
    for (const [position, disk] of done.disks.entries()) {
      const restored = await bench.restore(disk.root, disk.sizeBytes);
      await assertEqual(restored, join(references, `${disk.diskId}.raw`));
      // A witness that is not QEMU's: what the guest itself read before the point.
      if (position > 0)
        assert.equal(await hashOf(restored, HASHED_BYTES), hashes.split("\n")[position - 1], disk.diskId);
      await rm(restored);
    }
    last = done;
    const keepBitmaps = done.disks.flatMap(({ base }) => (base === undefined ? [] : [base.bitmap]));
    await bench.perform({ kind: "settle-instance", instanceId: server.id, keepBitmaps });
    const { bitmaps, others } = await server.traces();
    assert.deepEqual([bitmaps, others], [keepBitmaps, []]);
    assert.deepEqual(await readdir(place.scratchFolder), []);
    assert.equal(done.consistency.quality, "file-system", done.consistency.reason);
    t.diagnostic(`${modes(done).join(", ")}; ${done.consistency.reason}`);
    return modes(done);
  };

  const hasCeph = volumeTypes.includes("ceph");
  const each = (root: string, file: string, rbd: string): string[] =>
    hasCeph ? [root, file, rbd] : [root, file];
  const incremental = each("persistent-bitmap", "persistent-bitmap", "transient-bitmap");
  await t.test("the first snapshot reads all", async () => {
    assert.deepEqual(await protect(), each("first-snapshot", "first-snapshot", "first-snapshot"));
  });
  await t.test("later ones read what changed", async () => {
    assert.deepEqual(await protect(), incremental);
    assert.deepEqual(await protect(), incremental);
  });
  await t.test("an image made of the server ends the job; all is read from a new point", async () => {
    let images = 0;
    const makeImage = async (): Promise<void> => {
      images += 1;
      if (images === 1) await server.nova("image create", "--name", `image-${server.id}`, "--wait");
    };
    try {
      assert.deepEqual(await protect(makeImage), incremental);
    } finally {
      await server.cloud("image", "delete", `image-${server.id}`);
    }
    assert.ok(bench.lines.some((line) => line.includes("point.taken-again")));
  });
  await t.test("bitmaps outlive a hard reboot, which Nova can make while they are there", async () => {
    await server.nova("reboot", "--hard", "--wait");
    await server.ready();
    assert.deepEqual(await protect(), each("persistent-bitmap", "persistent-bitmap", "qemu-restarted"));
  });
  await t.test("a stopped server is read from its images, and starts meanwhile", async () => {
    await server.nova("stop");
    const stopped = async (): Promise<boolean> => (await server.domain()).id === -1;
    while (!(await stopped())) await server.nova("show");
    const done = await snapshot(bench, server, last);
    assert.deepEqual(modes(done), each("persistent-bitmap", "persistent-bitmap", "instance-stopped"));
    // Nova destroys a domain that has shut down; where it is quicker than QEMU, libvirt knows only that.
    assert.match(done.consistency.reason, /^the instance (is stopped|was switched off while it ran)$/);
    const starting = snapshot(bench, server, last, {
      afterPoint: async () => {
        await server.nova("start");
        while (await stopped()) await server.nova("show");
      },
    });
    await assert.rejects(starting, /instance-started/);
    await server.ready();
    assert.deepEqual(await protect(), each("persistent-bitmap", "persistent-bitmap", "qemu-restarted"));
  });
});
