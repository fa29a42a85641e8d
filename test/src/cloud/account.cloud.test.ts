import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, type TestContext, test } from "node:test";
import {
  type Account,
  type BootedInstance,
  bootInstance,
  type Guest,
  loseInstance,
  type SampleInstance,
} from "@cairn/embedded";
import { newId } from "@cairn/kernel";
import { beginRestore, endOfRestore, makeWorkload, restoreOptions, takeSnapshot, whenIdle } from "../job.ts";
import { explained } from "../tree.ts";
import { type Files, mountFolders, prepareFolders, readFiles, writeFiles } from "./short-guest.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * The main job where no program of ours is root: the datamover has Nova's account, with the groups of
 * libvirt's socket and of QEMU, as docs/living-with-nova.md says. What it may do besides is one capability,
 * and only where it writes the local disks of instances.
 */

const BOOT_MS = 180_000;
const NOVA = { user: "nova", groups: ["libvirt", "libvirt-qemu"] } as const;

let folder: string;
let tree: CloudTree | undefined;
const name = `account-${newId<"instance">().slice(-8)}`;

before(() => {
  folder = process.env["CAIRN_TEST_CLOUD"] ?? "";
  assert.ok(folder !== "", "this test needs a real cloud: ./cairn test --cloud testcloud");
});

after(async () => tree?.close());

/** The user and the effective capabilities of the running datamover, as the kernel knows them. */
async function rightsOf({ embedded }: CloudTree): Promise<{ uid: number; capabilities: bigint }> {
  const pid = embedded.pidOf(`datamover-${embedded.hosts[0] ?? ""}`) ?? 0;
  const status = await readFile(`/proc/${String(pid)}/status`, "utf8");
  const uid = /^Uid:\s+(?<uid>\d+)/m.exec(status)?.groups?.["uid"];
  const capabilities = /^CapEff:\s+(?<set>[0-9a-f]+)/m.exec(status)?.groups?.["set"];
  return { uid: Number(uid), capabilities: BigInt(`0x${capabilities ?? ""}`) };
}

async function guestOf({ guests, signal }: CloudTree, id: string): Promise<Guest> {
  return guests.of(id, { withinMs: BOOT_MS, signal });
}

/** Protects a new instance, loses it, and has it back with the files of its second snapshot. */
async function mainJob(on: CloudTree, sample: SampleInstance): Promise<void> {
  const { cloud, signal, api } = on;
  const instance = await bootInstance(cloud, sample, signal);
  const guest = await guestOf(on, instance.id);
  await prepareFolders(guest, signal);
  await writeFiles(guest, "before-full", signal);
  const workload = await makeWorkload(on, sample.name, [instance.id]);
  const full = await takeSnapshot(on, workload, true);
  await writeFiles(guest, "before-incremental", signal);
  const expected = await readFiles(guest, signal);
  const incremental = await takeSnapshot(on, workload);
  assert.equal(incremental.snapshot_type, "incremental");
  const read = [full, incremental].map(({ read_bytes: bytes }) => bytes);
  assert.ok((read[1] ?? 0) < (read[0] ?? 0) / 2, `the snapshots read ${read.join(" and ")} bytes`);
  await writeFiles(guest, "after", signal);
  await loseInstance(cloud, instance, signal);
  const restored = await restoredFrom(on, incremental.id, expected);
  await loseInstance(cloud, restored, signal);
  await api.deleteWorkload({ params: { workload_id: workload }, query: { database_only: true } });
  await whenIdle(on);
}

async function restoredFrom(on: CloudTree, snapshotId: string, expected: Files): Promise<BootedInstance> {
  const restore = await endOfRestore(on, await beginRestore(on, snapshotId, restoreOptions("oneclick")));
  assert.equal(restore.status, "available", `${restore.error_msg ?? ""} ${restore.warning_msg ?? ""}`);
  const id = restore.instances[0]?.id;
  const server = (await on.cloud.nova.servers.list({}, on.signal)).find((each) => each.id === id);
  assert.ok(server !== undefined);
  const guest = await guestOf(on, server.id);
  await mountFolders(guest, on.signal);
  assert.deepEqual(await readFiles(guest, on.signal), expected);
  return { id: server.id, name: server.name, volumeIds: server.volumes.map((volume) => volume.id) };
}

async function as(context: TestContext, account: Account, work: (on: CloudTree) => Promise<void>) {
  const on = await startCloudTree(folder, account);
  tree = on;
  await explained(context, on, async () => work(on));
  await on.close();
  tree = undefined;
}

const HERE = { network: "priv", zone: "nova" } as const;

test("without any capability it reads all disks, and writes volumes", async (context) => {
  await as(context, { ...NOVA, capabilities: [] }, async (on) => {
    const { uid, capabilities } = await rightsOf(on);
    assert.notEqual(uid, 0);
    assert.equal(capabilities, 0n);
    const boot = { kind: "volume", imageId: on.imageId, sizeGiB: 1, volumeType: "ceph" } as const;
    const volumes = [{ name: `${name}-share`, sizeGiB: 1, volumeType: "nfs" }];
    await mainJob(on, { ...HERE, name, flavor: "t1", boot, volumes });
  });
});

test("with one capability it writes the local disks of instances, too", async (context) => {
  await as(context, { ...NOVA, capabilities: ["dac_override"] }, async (on) => {
    // CAP_DAC_OVERRIDE is the second of all (linux/capability.h).
    assert.equal((await rightsOf(on)).capabilities, 2n);
    const boot = { kind: "image", imageId: on.imageId } as const;
    const volumes = [{ name: `${name}-ceph`, sizeGiB: 1, volumeType: "ceph" }];
    await mainJob(on, { ...HERE, name: `${name}-local`, flavor: "t1.disk", boot, volumes });
  });
});
