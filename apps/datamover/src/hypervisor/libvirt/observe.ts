import type { ProtectedDisk, ProtectInstance } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import type { Monitor } from "../monitor.ts";
import { pointName } from "../names.ts";
import { listDeviceNodes, listNodes, type QemuNode } from "../nodes.ts";
import type { ReadPlan } from "../port.ts";
import { planRead } from "../read-plan.ts";
import { type DescribedDisk, type DescribedDomain, describedDisk, storagePath } from "./domain-xml.ts";
import type { QemuProcess } from "./link.ts";

/** One disk between observation and point. */
export interface PlannedDisk {
  readonly order: ProtectedDisk;
  readonly disk: DescribedDisk;
  readonly path: string;
  readonly top: QemuNode;
  readonly plan: ReadPlan;
  /** Name of the export that carries its changes. */
  readonly name: string;
}

/** A running instance as it is found. */
export interface FoundInstance {
  readonly described: DescribedDomain;
  readonly monitor: Monitor;
  readonly qemu: QemuProcess;
}

/**
 * Finds the disks' nodes and judges their bases. Node names change with each start: nothing is remembered.
 */
export async function observeDisks(
  { described, monitor, qemu }: FoundInstance,
  request: ProtectInstance,
  signal: AbortSignal,
): Promise<readonly PlannedDisk[]> {
  const nodes = await listNodes(monitor, signal);
  const tops = await listDeviceNodes(monitor, signal);
  return request.disks.map((order) => {
    const disk = describedDisk(described, order.source, request.instanceId);
    const top = topNode(disk, nodes, tops);
    const below = nodesOf(disk.indexesBelow, nodes);
    const others = nodes.filter((node) => node !== top);
    const path = storagePath(disk.storage);
    const plan = planRead(order, {
      sizeBytes: top.sizeBytes,
      path,
      bitmaps: top.bitmaps,
      bitmapsElsewhere: bitmapNames(others),
      bitmapsBelow: bitmapNames(below),
      qemu: qemu.identity,
    });
    return { order, disk, path, top, plan, name: pointName(request.snapshotId, disk.device) };
  });
}

/**
 * Proves that each disk still has the node that was judged: a live snapshot may have moved it while the point
 * waited for others, and a bitmap of the old node misses what is written since.
 */
export async function assertUnmoved(
  monitor: Monitor,
  planned: readonly PlannedDisk[],
  signal: AbortSignal,
): Promise<void> {
  const tops = new Set((await listDeviceNodes(monitor, signal)).values());
  for (const { disk, top } of planned)
    if (!tops.has(top.name)) throw new Fault("disk-moved", `${disk.device} has another node now`, "later");
}

/** The node that libvirt made for an image; newer ones leave the format's node out where it does nothing. */
export function nodeNames(index: string): readonly string[] {
  return [`libvirt-${index}-format`, `libvirt-${index}-storage`];
}

/**
 * The node that the guest writes to, by what libvirt describes and by what the device has: a bitmap anywhere
 * else misses writes without a sign of it (nova-bitmaps.md, H).
 */
function topNode(
  disk: DescribedDisk,
  nodes: readonly QemuNode[],
  tops: ReadonlyMap<string, string>,
): QemuNode {
  const { alias, device, index } = disk;
  if (alias === undefined || index === undefined)
    throw new Fault("disk-moved", `libvirt describes ${device} without a node`, "later");
  // virtio-blk's block device belongs to a child of the device that has the alias.
  const qdev = [...tops.keys()].find((each) => each === alias || each.includes(`/${alias}/`));
  const name = qdev === undefined ? undefined : tops.get(qdev);
  if (name === undefined || !nodeNames(index).includes(name)) {
    const what = `the top node of ${device} is ${name ?? "absent"}, described as libvirt-${index}`;
    throw new Fault("disk-moved", what, "later");
  }
  const node = nodes.find((each) => each.name === name);
  if (node === undefined) throw new Fault("disk-moved", `node ${name} has gone`, "later");
  return node;
}

function nodesOf(indexes: readonly string[], nodes: readonly QemuNode[]): readonly QemuNode[] {
  const names = new Set(indexes.flatMap(nodeNames));
  return nodes.filter(({ name }) => names.has(name));
}

function bitmapNames(nodes: readonly QemuNode[]): readonly string[] {
  return nodes.flatMap(({ bitmaps }) => bitmaps.map(({ name }) => name));
}
