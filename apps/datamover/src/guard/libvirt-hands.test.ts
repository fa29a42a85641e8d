import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Fault, MiB, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { pullJobXml } from "../hypervisor/libvirt/backup-xml.ts";
import { pointFolder } from "../hypervisor/names.ts";
import { guardInProcess } from "../testing/guard-in-process.ts";
import { ScriptedLibvirt } from "../testing/scripted-libvirt.ts";
import type { GuardClient } from "./client.ts";
import type { PointGuard } from "./port.ts";

const never = new AbortController().signal;
/** `virDomainState` with its reason: paused by an operator, and for a failed write. */
const PAUSED = { byUser: [3, 1], forIoError: [3, 5] } as const;

interface Scene extends AsyncDisposable {
  readonly instanceId: string;
  readonly snapshotId: string;
  readonly scratch: string;
  readonly libvirt: ScriptedLibvirt;
  readonly guard: GuardClient;
  readonly events: readonly string[];
}

async function open(change: { silenceMs?: number; reserveBytes?: number } = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-gl-"));
  const scratch = join(folder, "scratch");
  await mkdir(scratch);
  const instanceId = randomUUID();
  const libvirt = await ScriptedLibvirt.open(join(folder, "libvirt.sock"), instanceId);
  const events: string[] = [];
  const write = (line: string): void => void events.push((JSON.parse(line) as { event: string }).event);
  const settings = {
    datamover: { pid: 0, startTicks: "0" },
    scratchPath: scratch,
    reserveBytes: change.reserveBytes ?? 0,
    budgetBytes: 0,
    intervalMs: 50,
    silenceMs: change.silenceMs ?? 60_000,
  };
  const guard = guardInProcess(settings, createLog("guard", { write }));
  return {
    instanceId,
    snapshotId: randomUUID(),
    scratch,
    libvirt,
    guard,
    events,
    [Symbol.asyncDispose]: async () => {
      await guard.close();
      await libvirt[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(5);
}

/** A point whose job libvirt has, with its scratch folder. */
async function openPoint(scene: Scene, wasPaused = false): Promise<PointGuard> {
  const { guard, instanceId, libvirt, scratch, snapshotId } = scene;
  const folder = join(scratch, pointFolder(snapshotId, instanceId));
  await mkdir(folder);
  libvirt.domain.backup = pullJobXml({ socket: join(folder, "nbd.sock"), disks: [] });
  const reach = { kind: "libvirt", place: libvirt.place, wasPaused } as const;
  return guard.watch({ instanceId, snapshotId, reach }, never);
}

const codeOf = ({ broken }: PointGuard): unknown => (broken.reason as Fault | undefined)?.code;

void test("a guest that is not thawed in time is thawed by the guard, which writes it down", async () => {
  await using scene = await open();
  const { guard, instanceId, libvirt } = scene;
  const freeze = await guard.watchFreeze({ instanceId, place: libvirt.place, withinMs: 100 }, never);
  libvirt.domain.frozen = true;
  await until(() => scene.events.includes("guard.thawed"));
  assert.equal(libvirt.domain.frozen, false);
  assert.equal(await freeze.thawed(), "guard");
});

void test("an agent that does not answer is asked again until the guest is thawed", async () => {
  await using scene = await open();
  const { guard, instanceId, libvirt } = scene;
  libvirt.domain.agentRefusals = 4;
  libvirt.domain.frozen = true;
  const freeze = await guard.watchFreeze({ instanceId, place: libvirt.place, withinMs: 0 }, never);
  await until(() => !libvirt.domain.frozen);
  assert.equal(await freeze.thawed(), "guard");
  assert.ok(scene.events.includes("guard.thaw-failed"));
});

void test("a guest that the datamover thawed is left alone", async () => {
  await using scene = await open();
  const { guard, instanceId, libvirt } = scene;
  const freeze = await guard.watchFreeze({ instanceId, place: libvirt.place, withinMs: 150 }, never);
  assert.equal(await freeze.thawed(), "datamover");
  const second = await guard.watchFreeze(
    { instanceId: randomUUID(), place: libvirt.place, withinMs: 150 },
    never,
  );
  await until(() => scene.events.includes("guard.thawed"));
  assert.deepEqual(libvirt.asked, [], "the second has no domain: it has no guest to thaw");
  assert.equal(await second.thawed(), "guard");
});

void test("a guest that QEMU paused because scratch was full runs on when the job has gone", async () => {
  await using scene = await open({ reserveBytes: 2 ** 50 });
  scene.libvirt.domain.state = PAUSED.forIoError;
  const point = await openPoint(scene);
  await until(() => point.broken.aborted);
  await point.settled();
  assert.equal(codeOf(point), "scratch-full");
  assert.deepEqual(scene.libvirt.asked, ["abort", "resume"]);
  await point.release();
  assert.deepEqual(await readdir(scene.scratch), []);
});

for (const [name, state, wasPaused] of [
  ["that its owner paused stays paused", PAUSED.byUser, false],
  ["that was paused before the point stays paused", PAUSED.forIoError, true],
] as const) {
  void test(`a guest ${name}`, async () => {
    await using scene = await open({ reserveBytes: 2 ** 50 });
    scene.libvirt.domain.state = state;
    const point = await openPoint(scene, wasPaused);
    await until(() => point.broken.aborted);
    await point.settled();
    assert.deepEqual(scene.libvirt.asked, ["abort"]);
    await point.release();
  });
}

void test("a job that is not ours is left alone", async () => {
  await using scene = await open({ reserveBytes: MiB });
  const point = await openPoint(scene);
  const foreign = pullJobXml({ socket: "/run/somebody/else.sock", disks: [] });
  scene.libvirt.domain.backup = foreign;
  point.expectThresholds(["vda[4]"]);
  await until(() => scene.libvirt.listeners === 1);
  scene.libvirt.passThreshold("vda[4]");
  await until(() => point.broken.aborted);
  await point.settled();
  assert.equal(scene.libvirt.domain.backup, foreign);
  assert.deepEqual(scene.libvirt.asked, []);
  await point.release();
});

void test("a threshold of its own disk ends a point; the connection closes with the last point", async () => {
  await using scene = await open();
  const point = await openPoint(scene);
  point.expectThresholds(["vda[4]", "vdb[5]"]);
  await until(() => scene.libvirt.listeners === 1);
  scene.libvirt.passThreshold("vdc[9]");
  await point.confirm(never);
  scene.libvirt.passThreshold("vdb[5]");
  await until(() => point.broken.aborted);
  await point.settled();
  assert.equal(codeOf(point), "scratch-full");
  assert.deepEqual(scene.libvirt.asked, ["abort"]);
  await point.release();
  await until(() => scene.libvirt.listeners === 0);
});
