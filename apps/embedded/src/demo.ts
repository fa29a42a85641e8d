import { join } from "node:path";
import type { RestoreDetail, SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, type Embedded, loseInstance, networkId } from "@cairn/embedded";
import { formatBytes, KiB } from "@cairn/kernel";
import { cairnCommand } from "./cairn-command.ts";
import type { Narrator } from "./narrator.ts";
import {
  DATA_RANGE_BYTES,
  disksOf,
  isIdentical,
  keepCopies,
  type Scene,
  type SceneDisk,
  setScene,
  writeLikeAGuest,
} from "./scene.ts";
import {
  restoredInstances,
  runRestore,
  type SnapshotResult,
  secondsBetween,
  type Tenant,
  takeSnapshot,
} from "./tenant.ts";

/**
 * One restore of the demo; `identical` when every restored disk equals the disk at the snapshot, byte for
 * byte.
 */
export interface RestoreResult {
  readonly type: "oneclick" | "inplace" | "selective";
  readonly disks: number;
  readonly identical: boolean;
  readonly seconds: number;
}

/** What `./cairn demo --json` ends with. */
export interface DemoResult {
  readonly ok: boolean;
  readonly instances: number;
  readonly disks: number;
  readonly snapshots: readonly SnapshotResult[];
  readonly restores: readonly RestoreResult[];
}

/** The demo's cast: who acts on what. */
interface Stage extends Tenant {
  readonly scene: Scene;
  readonly restores: RestoreResult[];
}

const USER = "demo";
const PROJECT = "demo";
const WORKLOAD = "shop-floor";

/** Plays the main job on a running tree: protect, change, protect again, lose, bring back, compare. */
export async function playDemo(
  embedded: Embedded,
  environment: Readonly<Record<string, string | undefined>>,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<DemoResult> {
  const cloud = embedded.cloud(USER, PROJECT);
  narrator.chapter("A project with four instances, their disks full of real files");
  const scene = await setScene(embedded, cloud, join(embedded.layout.root, "images"), signal);
  const cairn = cairnCommand({ ...environment, ...embedded.environmentOfUser(USER, PROJECT) }, narrator);
  const tenant = { embedded, cloud, cairn, narrator, signal, workload: WORKLOAD, snapshots: [] };
  const stage: Stage = { ...tenant, scene, restores: [] };
  const disks = await disksOf(embedded, scene.instances);
  showDisks(stage, disks);

  await protect(stage);
  const incremental = await changeAndProtectAgain(stage, disks);
  const restored = await loseAndBringBack(stage, incremental, disks);
  const latest = await protectTheRestored(stage, restored);
  await restoreInPlace(stage, latest, restored);
  await restoreSelectively(stage, latest);
  return {
    ok: stage.restores.every((restore) => restore.identical),
    instances: scene.instances.length,
    disks: disks.length,
    snapshots: stage.snapshots,
    restores: stage.restores,
  };
}

function showDisks({ narrator }: Stage, disks: readonly SceneDisk[]): void {
  const names = [...new Set(disks.map((disk) => disk.instance))];
  const rows = names.map((name) => [
    name,
    disks
      .filter((disk) => disk.instance === name)
      .map((disk) => disk.device)
      .join(" "),
  ]);
  narrator.table([["instance", "disks"], ...rows]);
}

async function protect(stage: Stage): Promise<void> {
  stage.narrator.chapter("Protect them: a workload, and its first snapshot");
  const members = stage.scene.instances.flatMap((instance) => ["--instance", instance.name]);
  await stage.cairn.run(["workload", "create", WORKLOAD, ...members], stage.signal);
  await takeSnapshot(stage, "first", true);
}

/** Changes every disk while it runs, protects again, and protects once more with nothing changed. */
async function changeAndProtectAgain(stage: Stage, disks: readonly SceneDisk[]): Promise<SnapshotDetail> {
  stage.narrator.chapter("Change the disks while they run, and protect again");
  let written = 0;
  for (const disk of disks) written += await writeLikeAGuest(stage.embedded, disk, DATA_RANGE_BYTES);
  stage.narrator.line(`the guests wrote ${formatBytes(written)} to ${String(disks.length)} disks`);
  await keepCopies(stage.embedded, stage.scene, disks);
  const incremental = await takeSnapshot(stage, "second", false);
  await takeSnapshot(stage, "nothing-changed", false);
  return incremental;
}

async function loseAndBringBack(
  stage: Stage,
  snapshot: SnapshotDetail,
  disks: readonly SceneDisk[],
): Promise<readonly BootedInstance[]> {
  stage.narrator.chapter("Lose everything, and bring it back with one click");
  for (const instance of stage.scene.instances) {
    await loseInstance(stage.cloud, instance, stage.signal);
    stage.narrator.line(`deleted ${instance.name} and its volumes`);
  }
  const restore = await runRestore(stage, "oneclick", [snapshot.id]);
  const restored = await restoredInstances(stage, restore);
  await judge(stage, { type: "oneclick", restore }, await disksOf(stage.embedded, restored), (disk) => disk);
  if (restored.length !== stage.scene.instances.length || stage.restores.at(-1)?.disks !== disks.length) {
    throw new Error("the one-click restore did not bring back every instance and disk");
  }
  return restored;
}

/**
 * The restored instances take the places of the lost ones; the repository knows nearly all of their data
 * already.
 */
async function protectTheRestored(
  stage: Stage,
  restored: readonly BootedInstance[],
): Promise<SnapshotDetail> {
  stage.narrator.chapter("Protect the restored instances: their data are known, little is stored");
  stage.narrator.line(
    `the workload has ${String(restored.length)} members: the restored instances took the places`,
  );
  return takeSnapshot(stage, "restored", true);
}

async function restoreInPlace(
  stage: Stage,
  snapshot: SnapshotDetail,
  instances: readonly BootedInstance[],
): Promise<void> {
  stage.narrator.chapter("Spoil one disk, and put it back in place");
  const database = instanceCalled(instances, "database");
  const spoiled: SceneDisk = { instance: "database", instanceId: database.id, device: "vdb" };
  await writeLikeAGuest(stage.embedded, spoiled, DATA_RANGE_BYTES);
  await stage.embedded.sandbox.zero(database.id, "vdb", 0, 256 * KiB);
  const choice = ["--instance", "database", "--volume", "vdb"];
  const restore = await runRestore(stage, "inplace", [snapshot.id, ...choice]);
  stage.narrator.line(
    `what it overwrote is in the safety snapshot ${restore.safety_snapshot_id ?? "(none)"}`,
  );
  const all = await disksOf(stage.embedded, [database]);
  await judge(stage, { type: "inplace", restore }, all, (disk) => disk);
}

async function restoreSelectively(stage: Stage, snapshot: SnapshotDetail): Promise<void> {
  stage.narrator.chapter("Restore one instance beside the original: other name, flavor and network");
  const choice = ["--instance", "database", "--new-name", "database-copy", "--flavor", "m1.micro"];
  const restore = await runRestore(stage, "selective", [
    snapshot.id,
    ...choice,
    "--network",
    "private=second",
  ]);
  const copies = await restoredInstances(stage, restore);
  await checkCopy(stage, copies);
  const disks = await disksOf(stage.embedded, copies);
  await judge(stage, { type: "selective", restore }, disks, (disk) => ({
    instance: "database",
    device: disk.device,
  }));
}

/** The copy must have the flavor and the network that were asked for. */
async function checkCopy({ cloud, signal }: Stage, copies: readonly BootedInstance[]): Promise<void> {
  const copy = instanceCalled(copies, "database-copy");
  const server = await cloud.nova.servers.get(copy.id, signal);
  const ports = await cloud.neutron.ports.list({ deviceId: copy.id }, signal);
  const second = await networkId(cloud, "second", signal);
  const flavors = await cloud.nova.flavors.list(signal);
  const flavor = flavors.find((each) => each.name === "m1.micro");
  if (server.flavor.ramMiB !== flavor?.ramMiB)
    throw new Error("database-copy has another flavor than asked for");
  if (ports.some((port) => port.networkId !== second)) throw new Error("database-copy is on another network");
}

/** Compares the restored disks with the copies of the disks they come from, and notes the result. */
async function judge(
  stage: Stage,
  { type, restore }: { readonly type: RestoreResult["type"]; readonly restore: RestoreDetail },
  disks: readonly SceneDisk[],
  originalOf: (disk: SceneDisk) => { instance: string; device: string },
): Promise<void> {
  let identical = disks.length > 0;
  for (const disk of disks) {
    const same = await isIdentical(stage.embedded, stage.scene, disk, originalOf(disk));
    stage.narrator.line(
      `${disk.instance} ${disk.device}: ${same ? "identical, byte for byte" : "DIFFERENT"}`,
    );
    identical &&= same;
  }
  const seconds = secondsBetween(restore.created_at, restore.finished_at);
  stage.restores.push({ type, disks: disks.length, identical, seconds });
}

function instanceCalled(instances: readonly BootedInstance[], name: string): BootedInstance {
  const found = instances.find((instance) => instance.name === name);
  if (found === undefined) throw new Error(`there is no instance called ${name}`);
  return found;
}
