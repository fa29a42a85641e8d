import { randomBytes } from "node:crypto";
import { type BootedInstance, type Embedded, type Guests, loseInstance } from "@cairn/embedded";
import { Fault } from "@cairn/kernel";
import { cairnCommand } from "./cairn-command.ts";
import { BOOT_MS, type Cast, inventoryOf, ownerOf, removeCast, setCast } from "./cast.ts";
import type { Narrator } from "./narrator.ts";
import { sshGreeting } from "./ssh-greeting.ts";
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
  /**
   * Every file that was written before the point is back as it was, none that was written after, and each
   * restored instance answers ssh at its former floating address.
   */
  readonly ok: boolean;
  readonly instances: number;
  /** Files compared by their SHA-256 inside the restored guests. */
  readonly files: number;
  /** Restored instances that answer ssh at the floating address that they had. */
  readonly addresses: number;
  readonly snapshots: readonly SnapshotResult[];
  readonly restore_seconds: number;
}

/** Files by path, with their SHA-256 as the guest computes it. */
type Files = ReadonlyMap<string, string>;

const USER = "demo";
const FILE_KIB = 700;

/**
 * The main job on a real cloud with real guests: they write files, are protected while they run, write more,
 * are protected again, write what must not come back, are lost and restored. Unless `keep` says otherwise
 * nothing of theirs stays in the cloud, however it ends.
 */
export async function playCloudDemo(
  embedded: Embedded,
  guests: Guests,
  stage: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly narrator: Narrator;
    readonly keep: boolean;
    readonly signal: AbortSignal;
  },
): Promise<CloudDemoResult> {
  const { narrator, signal } = stage;
  const cloud = embedded.cloud(USER, USER);
  const cairn = cairnCommand({ ...stage.environment, ...embedded.environmentOfUser(USER, USER) }, narrator);
  const workload = `demo-${randomBytes(3).toString("hex")}`;
  const tenant: Tenant = { embedded, cloud, cairn, narrator, signal, workload, snapshots: [] };
  const before = await inventoryOf(tenant);
  try {
    return await protectAndRestore(tenant, guests);
  } finally {
    if (!stage.keep) {
      narrator.line("taking the instances of the demo away");
      await removeCast(tenant, before);
    }
  }
}

async function protectAndRestore(tenant: Tenant, guests: Guests): Promise<CloudDemoResult> {
  const { cloud, cairn, narrator, signal, workload } = tenant;
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
  const addresses = await answeringAddresses(tenant, back);
  return {
    ok: wrong.length === 0 && addresses === back.length,
    instances: cast.length,
    files: found.size,
    addresses,
    snapshots: tenant.snapshots,
    restore_seconds: secondsBetween(restore.created_at, restore.finished_at),
  };
}

/** How many restored instances have their floating address again and answer ssh there. */
async function answeringAddresses(tenant: Tenant, back: readonly Cast[]): Promise<number> {
  const { narrator, signal } = tenant;
  let answering = 0;
  for (const { instance, floatingIp } of back) {
    if ((await ownerOf(tenant, floatingIp)) !== instance.id) {
      narrator.line(`${instance.name} does not have its floating address ${floatingIp}`);
      continue;
    }
    const greeting = await sshGreeting(floatingIp, { withinMs: BOOT_MS, signal });
    narrator.line(`${instance.name} answers ssh at ${floatingIp}: ${greeting}`);
    answering += 1;
  }
  return answering;
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
