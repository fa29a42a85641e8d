import { Fault, mapLimited } from "@cairn/kernel";
import { qemuImg } from "../../host/commands.ts";
import type { Scratch } from "../../host/scratch.ts";
import type { Monitor } from "../monitor.ts";
import { listNodes } from "../nodes.ts";
import { BITMAP_GRANULARITY_BYTES } from "../read-plan.ts";
import { pullJobXml } from "./backup-xml.ts";
import type { DescribedDomain } from "./domain-xml.ts";
import { type DomainHandle, findJob } from "./job.ts";
import { nodeNames, type PlannedDisk } from "./observe.ts";

/** The frozen copy of a base's bitmap, on the scratch node. */
export const CHANGES_BITMAP = "r";

/**
 * The new bitmaps, on all disks at once and before the point: they may say dirty too much, never too little.
 * In a qcow2 image they are persistent. libvirt is not told of them: a checkpoint that it knows keeps Nova
 * from starting, rebooting and deleting the instance (openstack.md, 5.3).
 */
export function startBitmapActions(planned: readonly PlannedDisk[], name: string): readonly unknown[] {
  return planned.map(({ top }) => ({
    type: "block-dirty-bitmap-add",
    data: {
      node: top.name,
      name,
      granularity: BITMAP_GRANULARITY_BYTES,
      persistent: top.canKeepBitmaps,
    },
  }));
}

const FILES_AT_ONCE = 4;

/**
 * Makes the scratch files. libvirt would make them inside of the job's start, with jobs of QEMU's for each,
 * one after the other, while guests are frozen.
 */
export async function makeScratch(
  planned: readonly PlannedDisk[],
  place: {
    readonly scratch: Scratch;
    readonly groupId: number;
    readonly fileOf: (device: string) => string;
  },
  signal: AbortSignal,
): Promise<void> {
  const make = async ({ disk, top }: PlannedDisk, stop: AbortSignal): Promise<void> => {
    const file = place.fileOf(disk.device);
    await qemuImg(["create", "-q", "-f", "qcow2", file, String(top.sizeBytes)], stop);
    await place.scratch.shareFile(file, place.groupId);
  };
  await mapLimited(planned, FILES_AT_ONCE, make, signal);
}

/** The job over the disks that are wanted. */
export function pullJobOf(
  described: DescribedDomain,
  planned: readonly PlannedDisk[],
  place: { readonly socket: string; readonly scratchOf: (device: string) => string },
): string {
  const wanted = new Set(planned.map(({ disk }) => disk.device));
  return pullJobXml({
    socket: place.socket,
    disks: described.disks.map(({ device }) => ({
      device,
      scratch: wanted.has(device) ? place.scratchOf(device) : undefined,
    })),
  });
}

/** N of the scratch nodes by device, once the job runs; every disk has one. */
export async function scratchIndexes(
  handle: DomainHandle,
  planned: readonly PlannedDisk[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const job = await findJob(handle, signal);
  for (const { disk } of planned) {
    if (job?.indexes.has(disk.device) !== true)
      throw new Fault("point-lost", `the job on ${disk.device} ended before it was read`, "later");
  }
  return job?.indexes ?? new Map();
}

/**
 * Puts a copy of each proven base's bitmap on the scratch node, which is the disk as it was at the point, and
 * serves it. The base was read no earlier than the point, so that it has every write before it; it goes on
 * recording.
 */
export async function exportChanges(
  monitor: Monitor,
  planned: readonly PlannedDisk[],
  indexes: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const found = new Set((await listNodes(monitor, signal)).map(({ name }) => name));
  const copies = planned.flatMap(({ disk, name, plan, top }) => {
    if (plan.mode === "full") return [];
    const index = indexes.get(disk.device) ?? "";
    const node = nodeNames(index).find((each) => found.has(each));
    if (node === undefined) throw new Fault("point-lost", `scratch of ${disk.device} has gone`, "later");
    return [{ node, name, from: { node: top.name, name: plan.since.bitmap } }];
  });
  const actions = copies.flatMap(({ node, from }) => {
    const bitmap = { node, name: CHANGES_BITMAP, granularity: BITMAP_GRANULARITY_BYTES };
    return [
      { type: "block-dirty-bitmap-add", data: { ...bitmap, persistent: false, disabled: true } },
      { type: "block-dirty-bitmap-merge", data: { node, target: CHANGES_BITMAP, bitmaps: [from] } },
    ];
  });
  if (actions.length > 0) await monitor.execute("transaction", { actions }, { signal });
  for (const { node, name } of copies) {
    const names = { id: name, "node-name": node, name };
    const how = { type: "nbd", writable: false, bitmaps: [CHANGES_BITMAP] };
    await monitor.execute("block-export-add", { ...names, ...how }, { signal });
  }
}
