import type { CapturedDisk, CapturedInstance } from "./captured.ts";

/** Whether several instances may write into a disk: then no one QEMU's bitmap knows all that has changed. */
export function isShared({ source }: CapturedDisk): boolean {
  return source.kind === "volume" && source.isMultiattach === true;
}

/**
 * The instances with each multi-attach volume in one of them only, the first that has it: it is read once,
 * at one point. The others name it among what was omitted, and where it is. An instance that would be left
 * without any disk keeps its own.
 */
export function readSharedOnce(instances: readonly CapturedInstance[]): CapturedInstance[] {
  const owners = new Map<string, CapturedInstance>();
  return instances.map((instance) => {
    const others = instance.disks.filter((disk) => isShared(disk) && owners.has(disk.diskId));
    const disks = instance.disks.filter((disk) => !others.includes(disk));
    for (const disk of disks) if (isShared(disk)) owners.set(disk.diskId, instance);
    if (others.length === 0 || disks.length === 0) return instance;
    const omitted = others.map(({ device, diskId }) => {
      const owner = owners.get(diskId)?.name ?? "";
      return { device, because: `multi-attach volume ${diskId}: in the snapshot with instance ${owner}` };
    });
    return { ...instance, disks, omitted: [...instance.omitted, ...omitted] };
  });
}
