import type {
  MountedDisk,
  MountInGuest,
  OrderBody,
  ProtectedDiskOutcome,
  ProtectInstance,
  WriteDisk,
} from "@cairn/contract";
import { Fault, MiB, unreachable } from "@cairn/kernel";
import type { SucceededOutcome } from "../step.ts";
import { type CloudState, find } from "./fake-state.ts";

/** What datamovers keep on hosts and in disks, as plain data. */
export interface HostState {
  /** Names of our bitmaps, by instance. */
  readonly bitmaps: Map<string, string[]>;
  /** What was written last: the disk's root by destination. */
  readonly written: Map<string, string>;
  /** Copies that guests have mounted, by instance and snapshot: `<instance id> <snapshot id>`. */
  readonly mounted: Map<string, readonly MountedDisk[]>;
}

export function emptyHosts(): HostState {
  return { bitmaps: new Map(), written: new Map(), mounted: new Map() };
}

/** Carries out an order at once, the second time like the first. */
export function carryOutFake(state: HostState, body: OrderBody, cloud: CloudState): SucceededOutcome {
  switch (body.kind) {
    case "protect-instance":
      return protect(state, body);
    case "abandon-instance":
      keep(state, body.instanceId, (name) => name !== body.bitmap);
      return { kind: "abandoned" };
    case "settle-instance":
      keep(state, body.instanceId, (name) => body.keepBitmaps.includes(name));
      return { kind: "settled" };
    case "write-disk":
      if (body.destination.kind === "image") return fillImage(body, body.destination, cloud);
      state.written.set(destinationOf(body), body.root);
      return { kind: "written", writtenBytes: body.sizeBytes, comparedBytes: 0 };
    case "mount-in-guest":
      return mount(state, body);
    case "unmount-in-guest":
      state.mounted.delete(`${body.instanceId} ${body.snapshotId}`);
      return { kind: "unmounted-in-guest", warnings: [] };
    default:
      return unreachable(body);
  }
}

function keep(state: HostState, instanceId: string, isKept: (name: string) => boolean): void {
  const left = (state.bitmaps.get(instanceId) ?? []).filter(isKept);
  if (left.length === 0) state.bitmaps.delete(instanceId);
  else state.bitmaps.set(instanceId, left);
}

function destinationOf({ destination }: WriteDisk): string {
  switch (destination.kind) {
    case "attached":
      refuseOpaque(destination.connectionInfo);
      return destination.volumeId;
    case "instance": {
      const { source, instanceId } = destination;
      return source.kind === "volume" ? source.volumeId : `${instanceId}-${source.device}`;
    }
    case "image":
      return destination.imageId;
  }
}

/** What is opaque is attached where Cinder was told of an initiator: by os-brick. */
function refuseOpaque(connectionInfo: unknown): void {
  const { driver_volume_type: type, initiator } = connectionInfo as Record<string, unknown>;
  if (type !== "opaque" || initiator !== "") return;
  throw new Fault("os-brick-missing", "attaching a volume of type opaque", "after-operator");
}

/** Glance takes bytes for an image that waits for them; what they were is found in its checksum. */
function fillImage(
  { root }: WriteDisk,
  { imageId, sizeBytes }: WriteDisk["destination"] & { kind: "image" },
  cloud: CloudState,
): SucceededOutcome {
  const image = find(cloud.images, imageId);
  const hash = { algorithm: "sha512", value: root };
  cloud.images.set(imageId, { ...image, status: "active", sizeBytes, checksum: root, hash });
  return { kind: "written", writtenBytes: sizeBytes, comparedBytes: 0, sha512: root };
}

/** Each copy holds one file system, on its first partition. */
function mount(state: HostState, { instanceId, snapshotId, disks }: MountInGuest): SucceededOutcome {
  state.mounted.set(`${instanceId} ${snapshotId}`, disks);
  const folders = disks.map(({ volumeId, folder, device }) => {
    return { volumeId, folder: `/mnt/cairn/${snapshotId}/${folder}/${device}1.mnt`, fileSystem: "ext4" };
  });
  return { kind: "mounted-in-guest", folders, warnings: [] };
}

function protect(state: HostState, order: ProtectInstance): SucceededOutcome {
  const before = (state.bitmaps.get(order.instanceId) ?? []).filter((name) => name !== order.bitmap);
  state.bitmaps.set(order.instanceId, [...before, order.bitmap]);
  return {
    kind: "protected",
    pointAt: 1_700_000_000_000,
    consistency: { quality: "crash", reason: "no guest agent" },
    disks: order.disks.map((disk): ProtectedDiskOutcome => {
      const root = Buffer.from(`${order.snapshotId} ${disk.diskId}`).toString("hex");
      const sizeBytes = disk.source.kind === "volume" ? 1024 * MiB : 2048 * MiB;
      return {
        diskId: disk.diskId,
        sizeBytes,
        format: "qcow2",
        root,
        read:
          disk.base === undefined
            ? { mode: "full", because: "there is no base" }
            : { mode: "incremental", tracker: "persistent-bitmap" },
        readBytes: MiB,
        auditedBytes: 0,
        changedBytes: MiB,
        storedBytes: MiB,
        base: {
          snapshotId: order.snapshotId,
          root,
          sizeBytes,
          bitmap: order.bitmap,
          qemu: { pid: 1, startTicks: "1" },
          persistent: disk.source.kind === "volume",
          path: `/disks/${disk.diskId}`,
        },
      };
    }),
    indexSegments: [`${order.snapshotId}/${order.instanceId}`],
  };
}
