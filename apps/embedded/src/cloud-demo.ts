import { randomBytes } from "node:crypto";
import {
  type BootedInstance,
  bootInstance,
  type Embedded,
  type Guest,
  type Guests,
  loseInstance,
  type SampleInstance,
} from "@cairn/embedded";
import { Fault, formatDuration } from "@cairn/kernel";
import { cairnCommand } from "./cairn-command.ts";
import type { Narrator } from "./narrator.ts";
import {
  restoredInstances,
  runRestore,
  type SnapshotResult,
  secondsBetween,
  type Tenant,
  takeSnapshot,
} from "./tenant.ts";

/** What `./cairn demo --cloud … --json` ends with. */
export interface CloudDemoResult {
  /** Every file that was written before the point is back as it was, and none that was written after. */
  readonly ok: boolean;
  readonly instances: number;
  /** Files compared by their SHA-256 inside the restored guests. */
  readonly files: number;
  readonly snapshots: readonly SnapshotResult[];
  readonly restore_seconds: number;
}

/** Files by path, with their SHA-256 as the guest computes it. */
type Files = ReadonlyMap<string, string>;

/** An instance of the demo and what its guest's disks must hold after a restore. */
interface Cast {
  readonly instance: BootedInstance;
  /** Mount points of its disks; the first is the root's. */
  readonly folders: readonly string[];
}

const USER = "demo";
const BOOT_MS = 180_000;
const FILE_KIB = 700;

/** Image, flavors, network and volume types are those that `./cairn testcloud up` makes. */
function sampleInstances(imageId: string, volumeTypes: readonly string[]): readonly SampleInstance[] {
  const here = { network: "priv", zone: "nova" };
  const volume = (name: string, volumeType: string) => ({ name, sizeGiB: 1, volumeType });
  return [
    {
      ...here,
      name: "ledger",
      flavor: "t1.disk",
      boot: { kind: "image", imageId },
      volumes: volumeTypes.map((type) => volume(`ledger-${type}`, type)),
    },
    ...volumeTypes.map(
      (volumeType): SampleInstance => ({
        ...here,
        name: `shop-${volumeType}`,
        flavor: "t1",
        boot: { kind: "volume", imageId, sizeGiB: 1, volumeType },
        volumes: [],
      }),
    ),
  ];
}

/**
 * The main job on a real cloud with real guests: they write files, are protected while they run, write more,
 * are protected again, write what must not come back, are lost and restored.
 */
export async function playCloudDemo(
  embedded: Embedded,
  guests: Guests,
  stage: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly narrator: Narrator;
    readonly signal: AbortSignal;
  },
): Promise<CloudDemoResult> {
  const { narrator, signal } = stage;
  const cloud = embedded.cloud(USER, USER);
  const cairn = cairnCommand({ ...stage.environment, ...embedded.environmentOfUser(USER, USER) }, narrator);
  const workload = `demo-${randomBytes(3).toString("hex")}`;
  const tenant: Tenant = { embedded, cloud, cairn, narrator, signal, workload, snapshots: [] };

  narrator.chapter("Real instances with real guests");
  const cast = await setCast(tenant, guests);
  await writeEverywhere(tenant, guests, cast, "before-full");
  narrator.chapter("Protect them while they run");
  const members = cast.flatMap(({ instance }) => ["--instance", instance.name]);
  await cairn.run(["workload", "create", workload, ...members], signal);
  await takeSnapshot(tenant, "first", true);
  await writeEverywhere(tenant, guests, cast, "before-incremental");
  const expected = await filesOf(guests, cast, signal);
  const snapshot = await takeSnapshot(tenant, "second", false);
  await writeEverywhere(tenant, guests, cast, "after");

  narrator.chapter("Lose them, and bring them back with one click");
  for (const { instance } of cast) await loseInstance(cloud, instance, signal);
  const restore = await runRestore(tenant, "oneclick", [snapshot.id]);
  const restored = await restoredInstances(tenant, restore);
  const back = cast.map((former) => ({
    ...former,
    instance: instanceCalled(restored, former.instance.name),
  }));
  const found = await filesOf(guests, back, signal);
  const wrong = differences(expected, found);
  for (const line of wrong) narrator.line(line);
  narrator.line(`${String(found.size)} files compared inside the guests: ${String(wrong.length)} differ`);
  return {
    ok: wrong.length === 0,
    instances: cast.length,
    files: found.size,
    snapshots: tenant.snapshots,
    restore_seconds: secondsBetween(restore.created_at, restore.finished_at),
  };
}

async function setCast(tenant: Tenant, guests: Guests): Promise<readonly Cast[]> {
  const { cloud, narrator, signal } = tenant;
  const image = (await cloud.glance.images.list({ name: "guest" }, signal))[0];
  if (image === undefined) throw new Fault("no-image", "looking for the image guest", "after-operator");
  const types = (await cloud.cinder.volumeTypes.list(signal)).map(({ name }) => name);
  const volumeTypes = types.filter((name) => name === "nfs" || name === "ceph");
  const cast: Cast[] = [];
  for (const sample of sampleInstances(image.id, volumeTypes)) {
    const begunMs = performance.now();
    const instance = await bootInstance(cloud, sample, signal);
    const guest = await guests.of(instance.id, { withinMs: BOOT_MS, signal });
    const folders = ["/data", ...(await mountData(guest, sample.volumes.length, signal))];
    const took = formatDuration(performance.now() - begunMs);
    narrator.line(`${sample.name} runs, its guest answers: ${folders.join(" ")} (${took})`);
    cast.push({ instance, folders });
  }
  return cast;
}

/** Makes file systems on the data disks and mounts them; gives the mount points. */
async function mountData(guest: Guest, disks: number, signal: AbortSignal): Promise<readonly string[]> {
  const devices = Array.from({ length: disks }, (_, index) => `vd${String.fromCharCode(98 + index)}`);
  for (const device of devices) {
    await guest.run(`mkfs.ext4 -q -F /dev/${device} && mkdir -p /mnt/${device}`, signal);
    await guest.run(`mount -t ext4 /dev/${device} /mnt/${device}`, signal);
  }
  return devices.map((device) => `/mnt/${device}`);
}

async function writeEverywhere(
  { narrator, signal }: Tenant,
  guests: Guests,
  cast: readonly Cast[],
  name: string,
): Promise<void> {
  for (const { instance, folders } of cast) {
    const guest = await guests.of(instance.id, { withinMs: BOOT_MS, signal });
    for (const folder of folders) {
      const write = `dd if=/dev/urandom of=${folder}/${name} bs=1024 count=${String(FILE_KIB)} 2>/dev/null`;
      await guest.run(`mkdir -p ${folder} && ${write} && sync`, signal);
    }
  }
  narrator.line(`the guests wrote ${name} to each of their file systems`);
}

/** All files of the demo as the guests see them. A restored guest mounts its data disks first. */
async function filesOf(guests: Guests, cast: readonly Cast[], signal: AbortSignal): Promise<Files> {
  const files = new Map<string, string>();
  for (const { instance, folders } of cast) {
    const guest = await guests.of(instance.id, { withinMs: BOOT_MS, signal });
    for (const folder of folders) {
      const device = `/dev/${folder.slice("/mnt/".length)}`;
      const isMounted = `grep -q " ${folder} " /proc/mounts`;
      const mount = `mkdir -p ${folder}; ${isMounted} || mount -t ext4 ${device} ${folder}`;
      if (folder.startsWith("/mnt/")) await guest.run(mount, signal);
      const sums = await guest.run(`cd ${folder} && find . -type f | xargs sha256sum`, signal);
      for (const line of sums.trim().split("\n")) {
        const [sum = "", path = ""] = line.split(/\s+/);
        files.set(`${instance.name}:${folder}/${path.replace("./", "")}`, sum);
      }
    }
  }
  return files;
}

function differences(expected: Files, found: Files): readonly string[] {
  const lost = [...expected].filter(([path]) => !found.has(path)).map(([path]) => `${path} is missing`);
  const extra = [...found].filter(([path]) => !expected.has(path)).map(([path]) => `${path} is from later`);
  const other = [...expected].filter(([path, sum]) => found.has(path) && found.get(path) !== sum);
  return [...lost, ...extra, ...other.map(([path]) => `${path} has other content`)];
}

function instanceCalled(instances: readonly BootedInstance[], name: string): BootedInstance {
  const found = instances.find((instance) => instance.name === name);
  if (found === undefined) throw new Fault("not-restored", `the restore did not bring back ${name}`, "never");
  return found;
}
