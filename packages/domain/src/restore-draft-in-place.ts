import { formatBytes, GiB } from "@cairn/kernel";
import type { CapturedDisk, CapturedInstance } from "./captured.ts";
import { collectWarnings, type DraftWarning, type Warn } from "./restore-draft-warning.ts";

/** An instance of the snapshot as it is today. */
export interface InstanceToday {
  readonly id: string;
  readonly status: string;
  readonly volumes: readonly { readonly id: string; readonly sizeGiB: number }[];
}

export interface InPlaceDisk {
  readonly volumeId: string;
  readonly name: string;
  readonly device: string;
  /** Whether it can be written back, and so is ticked. */
  readonly isRestored: boolean;
}

export interface InPlaceDraft {
  readonly instances: readonly {
    readonly id: string;
    readonly name: string;
    /** False when it is gone, or nothing of it can be written. */
    readonly isIncluded: boolean;
    readonly bootDisk: boolean;
    readonly disks: readonly InPlaceDisk[];
  }[];
  readonly warnings: readonly DraftWarning[];
}

/** Proposes to write every disk back that is still there and large enough, and says of the others why not. */
export function draftInPlace(
  captured: readonly CapturedInstance[],
  today: readonly InstanceToday[],
): InPlaceDraft {
  const { warn, all } = collectWarnings();
  const instances = captured.map((instance) => {
    const say = (sentence: string): void => warn({ field: "instance", id: instance.id, sentence });
    const now = today.find((each) => each.id === instance.id);
    if (now === undefined) say(`Instance ${instance.name} is gone; restore it one-click or selectively`);
    else if (now.status !== "ACTIVE" && now.status !== "SHUTOFF") {
      say(`Instance ${instance.name} is ${now.status}; it must be ACTIVE or SHUTOFF when it is restored`);
    }
    const disks = instance.disks.flatMap((disk) => draftDisk(instance, disk, { now, warn }));
    const bootDisk = now !== undefined && instance.disks.some(isLocalRoot);
    const isIncluded = bootDisk || disks.some((disk) => disk.isRestored);
    if (now !== undefined && !isIncluded) say(`Nothing of instance ${instance.name} can be written back`);
    return { id: instance.id, name: instance.name, isIncluded, bootDisk, disks };
  });
  return { instances, warnings: all() };
}

function isLocalRoot(disk: CapturedDisk): boolean {
  return disk.isRoot && disk.source.kind === "local";
}

interface Today {
  readonly now: InstanceToday | undefined;
  readonly warn: Warn;
}

function draftDisk({ name }: CapturedInstance, disk: CapturedDisk, { now, warn }: Today): InPlaceDisk[] {
  const { source, device, sizeBytes } = disk;
  if (source.kind === "local") return [];
  const say = (sentence: string): void => warn({ field: "volume", id: source.volumeId, sentence });
  const volume = now?.volumes.find((each) => each.id === source.volumeId);
  const isRestored = volume !== undefined && volume.sizeGiB * GiB >= sizeBytes;
  if (now !== undefined && volume === undefined) {
    say(`Volume ${source.name} (${source.volumeId}) is not attached to instance ${name} any more`);
  } else if (volume !== undefined && !isRestored) {
    const sizes = `${formatBytes(volume.sizeGiB * GiB)}, the snapshot's has ${formatBytes(sizeBytes)}`;
    say(`Volume ${source.name} (${source.volumeId}) of instance ${name} has ${sizes}`);
  }
  return [{ volumeId: source.volumeId, name: source.name, device, isRestored }];
}
