/** Everything of ours in a hypervisor begins with this; nothing else is ever touched. */
export const PREFIX = "cairn-";

/** Begins the names of nodes, jobs and exports of one snapshot. QEMU's node names have at most 31 letters. */
export function pointPrefix(snapshotId: string): string {
  return `${PREFIX}${snapshotId.slice(0, 8)}-`;
}

/** Node, job and export of one disk at a point. */
export function pointName(snapshotId: string, device: string): string {
  return `${pointPrefix(snapshotId)}${device}`;
}

/** The scratch folder of a point. */
export function pointFolder(snapshotId: string, instanceId: string): string {
  return `p-${snapshotId.slice(0, 8)}-${instanceId.slice(0, 8)}`;
}

/** The scratch folders of all points of an instance. */
export function pointFoldersOf(instanceId: string): RegExp {
  return new RegExp(`^p-[a-z0-9]+-${instanceId.slice(0, 8)}$`);
}

/** The bitmap that records since a snapshot's point. */
export function bitmapName(snapshotId: string): string {
  return `${PREFIX}${snapshotId}`;
}
