import { type Static, Type } from "typebox";
import { ImageAccess } from "./image-access.ts";

/**
 * What the engine asks one datamover to do, and what the datamover answers. The datamover fetches orders from
 * cairn-datamover-api over HTTP (outbound only) and holds nothing of its own: the target's address and the
 * repository's keys arrive with each order.
 *
 * Rules that both sides keep:
 * - an order may be carried out twice: everything it makes is named after `runId` or the snapshot, and looked
 *   for first;
 * - `generation` grows each time the order is handed out; a datamover whose generation is stale is answered
 *   `fenced` and stops at once, its results are refused;
 * - offsets and sizes are bytes.
 */

const Bytes = Type.Integer({ minimum: 0 });
const Hex = Type.String({ pattern: "^[0-9a-f]+$" });

/** A backup target, and what a datamover needs to use it. */
export const TargetAddress = Type.Union([
  Type.Object({
    kind: Type.Literal("directory"),
    path: Type.String(),
    /** What the directory's marker says; without it, it is not mounted. */
    marker: Type.Optional(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal("s3"),
    endpoint: Type.String(),
    region: Type.String(),
    bucket: Type.String(),
    prefix: Type.String(),
    accessKeyId: Type.String(),
    secretAccessKey: Type.String(),
    forcePathStyle: Type.Boolean(),
    conditional: Type.Optional(Type.Boolean()),
    lock: Type.Optional(
      Type.Object({
        mode: Type.Union([Type.Literal("governance"), Type.Literal("compliance")]),
        windowMs: Type.Integer({ minimum: 1 }),
      }),
    ),
  }),
]);
export type TargetAddress = Static<typeof TargetAddress>;

/** A repository's keys, opened: base64 of 32 bytes each. */
export const OpenedKeys = Type.Object({
  id: Type.String(),
  chunkId: Type.Optional(Type.String()),
  /** Ascending; the last one seals what is new. */
  epochs: Type.Array(
    Type.Object({
      epoch: Type.Integer({ minimum: 0, maximum: 255 }),
      structure: Type.String(),
      data: Type.Optional(Type.String()),
    }),
  ),
});
export type OpenedKeys = Static<typeof OpenedKeys>;

/** Where a repository lies and what opens it. Keys are base64 of 32 bytes each. */
export const RepositoryAccess = Type.Object({
  repositoryId: Type.String(),
  target: TargetAddress,
  keys: OpenedKeys,
  /**
   * Index segments to consult for deduplication, oldest first; the database keeps this list, so nothing lists
   * the store.
   */
  indexSegments: Type.Array(Type.String()),
  /** Epoch of the newest state object that the control plane knows of; newer ones are asked for by name. */
  stateEpoch: Type.Integer({ minimum: 0 }),
});
export type RepositoryAccess = Static<typeof RepositoryAccess>;

/** Which disk of an instance: its Cinder volume, or a local disk named by its device (`vda`). */
export const DiskSource = Type.Union([
  Type.Object({ kind: Type.Literal("volume"), volumeId: Type.String() }),
  Type.Object({ kind: Type.Literal("local"), device: Type.String() }),
]);
export type DiskSource = Static<typeof DiskSource>;

/**
 * The snapshot that a disk's changes are counted from. Used only when every field still matches what is found
 * on the host; otherwise the disk is read whole and the reason is reported.
 */
export const DiskBase = Type.Object({
  snapshotId: Type.String(),
  /** Page id of the disk's root in the repository. */
  root: Hex,
  sizeBytes: Bytes,
  bitmap: Type.String(),
  /** The QEMU process that held the bitmap: a transient bitmap dies with it. */
  qemu: Type.Object({ pid: Type.Integer(), startTicks: Type.String() }),
  persistent: Type.Boolean(),
  /** Path of the image or device that the bitmap describes. */
  path: Type.String(),
  /** Absent: a bitmap. Else `bitmap` names a snapshot of the storage, which no QEMU process holds. */
  tracker: Type.Optional(Type.Literal("rbd-snapshot")),
});
export type DiskBase = Static<typeof DiskBase>;

export const ProtectedDisk = Type.Object({
  diskId: Type.String(),
  device: Type.String(),
  source: DiskSource,
  /**
   * The last committed snapshot's root of this disk, for deduplication of pages and hash-scan, with or
   * without a bitmap.
   */
  previousRoot: Type.Optional(Hex),
  base: Type.Optional(DiskBase),
});
export type ProtectedDisk = Static<typeof ProtectedDisk>;

/**
 * Where orders of one run wait for each other: the instances (`members`) of a workload take their points
 * together. The protocol is that of `POST /v1/orders/{id}/barrier`.
 */
export const OrderBarrier = Type.Object({ id: Type.String(), members: Type.Array(Type.String()) });
export type OrderBarrier = Static<typeof OrderBarrier>;

/**
 * Take the point in time of all disks of an instance, move them, leave a new bitmap recording, or a snapshot
 * of the storage.
 */
export const ProtectInstance = Type.Object({
  kind: Type.Literal("protect-instance"),
  snapshotId: Type.String(),
  instanceId: Type.String(),
  instanceName: Type.String(),
  disks: Type.Array(ProtectedDisk),
  /** Name of the bitmap that starts recording at the point, or of the snapshot: `cairn-<snapshot id>`. */
  bitmap: Type.String(),
  /** Bytes of data that a bitmap calls unchanged to read and hash all the same, per disk. */
  auditBytes: Bytes,
  barrier: Type.Optional(OrderBarrier),
});
export type ProtectInstance = Static<typeof ProtectInstance>;

/**
 * Undo of `protect-instance`: cancel jobs, remove scratch files and the bitmap of this snapshot. Nothing
 * there is success.
 */
export const AbandonInstance = Type.Object({
  kind: Type.Literal("abandon-instance"),
  snapshotId: Type.String(),
  instanceId: Type.String(),
  bitmap: Type.String(),
});
export type AbandonInstance = Static<typeof AbandonInstance>;

/**
 * After the commit: remove every bitmap of ours on the instance's disks except those to keep. An empty list
 * removes all.
 */
export const SettleInstance = Type.Object({
  kind: Type.Literal("settle-instance"),
  instanceId: Type.String(),
  keepBitmaps: Type.Array(Type.String()),
});
export type SettleInstance = Static<typeof SettleInstance>;

/**
 * Where a disk is written to. `attached` carries Cinder's connection_info as the attachments API gave it.
 * `image` is an image in Glance that waits for its bytes: the disk, and zeroes after it up to `sizeBytes`.
 * What reaches it is sealed (`sealImageAccess`) and opened when the order is handed out: `Order.image`.
 */
export const DiskDestination = Type.Union([
  Type.Object({ kind: Type.Literal("attached"), volumeId: Type.String(), connectionInfo: Type.Unknown() }),
  Type.Object({ kind: Type.Literal("instance"), instanceId: Type.String(), source: DiskSource }),
  Type.Object({
    kind: Type.Literal("image"),
    imageId: Type.String(),
    sizeBytes: Bytes,
    sealedAccess: Type.String(),
  }),
]);
export type DiskDestination = Static<typeof DiskDestination>;

/**
 * Write one disk of a snapshot. `whole` writes data and makes the rest read as zeroes; `differences` reads
 * the destination first and writes only blocks that differ. The destination must not be in use by a running
 * instance.
 */
export const WriteDisk = Type.Object({
  kind: Type.Literal("write-disk"),
  restoreId: Type.String(),
  diskId: Type.String(),
  root: Hex,
  sizeBytes: Bytes,
  destination: DiskDestination,
  mode: Type.Union([Type.Literal("whole"), Type.Literal("differences")]),
});
export type WriteDisk = Static<typeof WriteDisk>;

/**
 * Codes of a `write-disk` that failed because this host cannot have the volume as a disk, whatever it holds:
 * its kind of storage is not known here, the host has no os-brick, or os-brick could not connect it.
 */
export const UNATTACHABLE_CODES = [
  "attachment-unsupported",
  "os-brick-missing",
  "attachment-failed",
] as const;

/** A copy of a disk: a temporary volume that was attached to the instance, found by its serial. */
export const MountedDisk = Type.Object({
  volumeId: Type.String(),
  /** Of the instance that the disk was copied from: its name and id. */
  folder: Type.String(),
  /** What the disk was called in the instance that it was copied from, `vda`. */
  device: Type.String(),
});
export type MountedDisk = Static<typeof MountedDisk>;

/**
 * Names that the guest's paths are made of, `/mnt/cairn/<snapshot id>/<folder>/<device><partition>.mnt`: what
 * no shell and no file system minds. An order with others fails; a datamover that could not read it at all
 * would claim it for ever.
 */
export const GUEST_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;

/**
 * Mount the file systems of attached copies in the guest, as far as its agent, and what is on the disks,
 * allow. What cannot be mounted is a warning, and so is a guest that cannot be asked.
 */
export const MountInGuest = Type.Object({
  kind: Type.Literal("mount-in-guest"),
  snapshotId: Type.String(),
  instanceId: Type.String(),
  disks: Type.Array(MountedDisk),
});
export type MountInGuest = Static<typeof MountInGuest>;

/**
 * Undo of `mount-in-guest`: unmount all below `/mnt/cairn/<snapshot id>`, so that the disks can be detached.
 * Nothing there is success, and so is a guest that cannot be asked: a warning says so.
 */
export const UnmountInGuest = Type.Object({
  kind: Type.Literal("unmount-in-guest"),
  snapshotId: Type.String(),
  instanceId: Type.String(),
});
export type UnmountInGuest = Static<typeof UnmountInGuest>;

export const OrderBody = Type.Union([
  ProtectInstance,
  AbandonInstance,
  SettleInstance,
  WriteDisk,
  MountInGuest,
  UnmountInGuest,
]);
export type OrderBody = Static<typeof OrderBody>;

export const Order = Type.Object({
  id: Type.String(),
  runId: Type.String(),
  generation: Type.Integer({ minimum: 1 }),
  /** Present for orders that touch the repository. */
  repository: Type.Optional(RepositoryAccess),
  /** Present for orders that fill an image. */
  image: Type.Optional(ImageAccess),
  body: OrderBody,
});
export type Order = Static<typeof Order>;

/** How a disk was read, and why not better. */
export const ReadMode = Type.Union([
  Type.Object({
    mode: Type.Literal("incremental"),
    tracker: Type.Union([
      Type.Literal("persistent-bitmap"),
      Type.Literal("transient-bitmap"),
      Type.Literal("rbd-snapshot"),
    ]),
  }),
  Type.Object({ mode: Type.Literal("full"), because: Type.String() }),
]);
export type ReadMode = Static<typeof ReadMode>;

export const ProtectedDiskOutcome = Type.Object({
  diskId: Type.String(),
  sizeBytes: Bytes,
  format: Type.String(),
  root: Hex,
  read: ReadMode,
  /** Bytes fetched from the disk (zeroes and holes are not fetched). */
  readBytes: Bytes,
  /** Of those, bytes the bitmap called unchanged that were read as an audit. */
  auditedBytes: Bytes,
  /** Bytes that the bitmap called dirty; the allocated bytes of a full read. */
  changedBytes: Bytes,
  /** Bytes added to the repository: packs, pages and index segments. */
  storedBytes: Bytes,
  /** The base for the next incremental; absent when no bitmap could be left recording. */
  base: Type.Optional(DiskBase),
});
export type ProtectedDiskOutcome = Static<typeof ProtectedDiskOutcome>;

/**
 * How a point was taken at its barrier: together with the others, so many milliseconds at most after the
 * common word to take it, and thawed so long after the word to freeze, by the control plane's clock; or
 * alone.
 */
export const OrderBarrierOutcome = Type.Union([
  Type.Object({ kind: Type.Literal("together"), takenMs: Bytes, thawedMs: Bytes }),
  Type.Object({ kind: Type.Literal("apart"), because: Type.String() }),
]);
export type OrderBarrierOutcome = Static<typeof OrderBarrierOutcome>;

/** A file system that a guest has mounted: the path in the guest, and what it is, such as `ext4`. */
export const MountedFolder = Type.Object({
  volumeId: Type.String(),
  folder: Type.String(),
  fileSystem: Type.String(),
});
export type MountedFolder = Static<typeof MountedFolder>;

export const OrderOutcome = Type.Union([
  Type.Object({
    kind: Type.Literal("protected"),
    pointAt: Type.Integer({ description: "milliseconds since 1970 at which the point was taken" }),
    consistency: Type.Object({
      quality: Type.Union([Type.Literal("application"), Type.Literal("file-system"), Type.Literal("crash")]),
      reason: Type.String(),
      /** From asking for the freeze until the thaw was answered. */
      freezeMs: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
    /** Of an order with a barrier. */
    barrier: Type.Optional(OrderBarrierOutcome),
    disks: Type.Array(ProtectedDiskOutcome),
    /** Index segments that this order added, to be listed in the commit. */
    indexSegments: Type.Array(Type.String()),
  }),
  Type.Object({ kind: Type.Literal("abandoned") }),
  Type.Object({ kind: Type.Literal("settled") }),
  Type.Object({
    kind: Type.Literal("written"),
    writtenBytes: Bytes,
    comparedBytes: Bytes,
    /** Of all bytes that an image was given. */
    sha512: Type.Optional(Hex),
  }),
  Type.Object({
    kind: Type.Literal("mounted-in-guest"),
    folders: Type.Array(MountedFolder),
    /** Words for users: what could not be mounted, and what to do about it. */
    warnings: Type.Array(Type.String()),
  }),
  Type.Object({ kind: Type.Literal("unmounted-in-guest"), warnings: Type.Array(Type.String()) }),
  Type.Object({
    kind: Type.Literal("failed"),
    code: Type.String(),
    message: Type.String(),
    retry: Type.Union([Type.Literal("later"), Type.Literal("never"), Type.Literal("after-operator")]),
  }),
]);
export type OrderOutcome = Static<typeof OrderOutcome>;

/** Durable progress: bytes count only when they are stored (or written and flushed). */
export const OrderProgress = Type.Object({
  phase: Type.Union([
    Type.Literal("preparing"),
    Type.Literal("reading"),
    Type.Literal("writing"),
    /** To an image in Glance: what was sent counts, though only the whole of it is stored. */
    Type.Literal("uploading"),
    Type.Literal("verifying"),
    Type.Literal("cleaning"),
  ]),
  disks: Type.Array(
    Type.Object({ diskId: Type.String(), doneBytes: Bytes, totalBytes: Bytes, storedBytes: Bytes }),
  ),
});
export type OrderProgress = Static<typeof OrderProgress>;
