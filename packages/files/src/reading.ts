import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import type { RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { Answer } from "./answers.ts";
import type { Appliance } from "./appliance/appliance.ts";
import { type Machine, startMachine } from "./machine.ts";
import { DISKS_MAX } from "./machine-arguments.ts";
import { makeReadingFolder } from "./reading-folder.ts";
import { type MachineDisk, type ServedDisks, serveDisks } from "./serving.ts";

/** A disk of a snapshot as its commit has it. */
export interface ReadableDisk {
  readonly diskId: string;
  /** `vda` or `/dev/vda`. */
  readonly device: string;
  readonly root: string;
}

/** The disks of one instance in one snapshot. */
export interface ReadableSnapshot {
  readonly snapshotId: string;
  readonly disks: readonly ReadableDisk[];
}

export interface ReadingOptions {
  readonly appliance: Appliance;
  /** Tried one after the other, as QEMU calls them: `kvm`, `tcg`. */
  readonly accelerators: readonly string[];
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly snapshots: readonly ReadableSnapshot[];
  readonly signal: AbortSignal;
}

/** Questions about one snapshot's file systems, one at a time. Answers are to be read to their end. */
export interface FileReader {
  readonly snapshotId: string;
  /** Volumes, each with what matches in it; at most `hitsMax` files, then `more`. */
  search(pattern: string, hitsMax: number): AsyncGenerator<Answer, void, undefined>;
  /** Volumes, and the files of a folder of one of them, by name, after one of them. */
  list(place: Place, page: { readonly after: string; readonly limit: number }): Answers;
  /** A file, or a folder and all that is in it, each file with its bytes. */
  get(place: Place): Answers;
}

/** A path of a volume; without a label, volumes are told and nothing else. */
export interface Place {
  readonly volume: string;
  readonly path: string;
}

type Answers = AsyncGenerator<Answer, void, undefined>;

/**
 * Calls back with a reader for each snapshot, in their order. As many as fit share one machine: a search over
 * many costs few starts. Faults: those of `openReadSession`, `files-machine-died`, `files-protocol`,
 * `files-disks` when a repository's data could not be read.
 */
export async function readFiles(
  options: ReadingOptions,
  work: (reader: FileReader) => Promise<void>,
): Promise<void> {
  for (const batch of batches(options.snapshots)) await readBatch({ ...options, snapshots: batch }, work);
}

/** Snapshots that go into one machine together. */
function batches(snapshots: readonly ReadableSnapshot[]): ReadableSnapshot[][] {
  const all: ReadableSnapshot[][] = [];
  let room = 0;
  for (const snapshot of snapshots) {
    const fits = snapshot.disks.length <= room;
    const last = fits ? all.at(-1) : undefined;
    if (last === undefined) {
      all.push([snapshot]);
      room = DISKS_MAX - snapshot.disks.length;
    } else {
      last.push(snapshot);
      room -= snapshot.disks.length;
    }
  }
  return all;
}

async function readBatch(
  options: ReadingOptions,
  work: (reader: FileReader) => Promise<void>,
): Promise<void> {
  const { snapshots, signal } = options;
  const folder = await makeReadingFolder();
  try {
    const disks = snapshots.flatMap((snapshot, index) => machineDisks(snapshot, index));
    await using served = await serveDisks({ ...options, disks, folder });
    await using machine = await startAny(options, { folder, served, serials: disks.map((d) => d.serial) });
    for (const [index, { snapshotId }] of snapshots.entries()) {
      signal.throwIfAborted();
      await work(readerOf(machine, snapshotId, `s${String(index)}`));
      assertRead(served, snapshotId);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is beyond the machine's room is not looked at: no instance has so many disks. */
function machineDisks({ disks }: ReadableSnapshot, index: number): MachineDisk[] {
  return disks.slice(0, DISKS_MAX).map(({ diskId, device, root }) => ({
    serial: `s${String(index)}.${device.replace(/^\/dev\//, "")}`,
    diskId,
    root,
  }));
}

interface Started {
  readonly folder: string;
  readonly served: ServedDisks;
  readonly serials: readonly string[];
}

/** Virtualisation by the processor may be there and not work: then the next way is tried. */
async function startAny(
  { appliance, accelerators, signal }: Pick<ReadingOptions, "appliance" | "accelerators" | "signal">,
  { folder, served, serials }: Started,
): Promise<Machine> {
  const [accelerator = "tcg", ...others] = accelerators;
  const disksSocket = served.socketPath;
  try {
    return await startMachine({ appliance, folder, serials, disksSocket, accelerator, signal });
  } catch (cause) {
    if (others.length === 0 || !hasCode(cause, "files-machine-died")) throw cause;
    await rm(join(folder, "port.sock"), { force: true });
    const rest = { appliance, accelerators: others, signal };
    return startAny(rest, { folder, served, serials });
  }
}

/** To the machine, bytes that cannot be read are a broken disk: whose fault it is, only the server knows. */
function assertRead({ failures }: ServedDisks, snapshotId: string): void {
  const [first] = failures;
  if (first === undefined) return;
  throw new Fault("files-disks", `reading disks of snapshot ${snapshotId} from the target`, "later", first);
}

function readerOf(machine: Machine, snapshotId: string, tag: string): FileReader {
  return {
    snapshotId,
    search: (pattern, hitsMax) => machine.ask("search", [tag, hex(pattern), String(hitsMax)]),
    list: ({ volume, path }, { after, limit }) =>
      machine.ask("list", [tag, hex(volume), hex(path), hex(after), String(limit)]),
    get: ({ volume, path }) => machine.ask("get", [tag, hex(volume), hex(path)]),
  };
}

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}
