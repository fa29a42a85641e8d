import { stat } from "node:fs/promises";
import type { OrderOutcome, RepositoryAccess, WriteDisk } from "@cairn/contract";
import { Fault, formatDuration, hasCode } from "@cairn/kernel";
import { connectNbd, type NbdClient, NbdRequestFault } from "@cairn/nbd";
import { isRefusal } from "@cairn/qmp";
import { fileNode, rbdNode } from "../hypervisor/image-node.ts";
import type { DiskImage } from "../hypervisor/port.ts";
import { type OrderContext, openOrderTransfer } from "../orders/context.ts";
import { type StorageDaemon, startStorageDaemon } from "../storage-daemon/daemon.ts";
import { type AttachedVolume, attachedVolume } from "./attachment.ts";
import { attachByBrick } from "./brick-attachment.ts";
import { diskDestination, zeroStretch } from "./destination.ts";

const NODE = "cairn-write";
const REQUESTS_IN_FLIGHT_MAX = 16;
/** Zeroing a stretch on storage without holes writes it out. */
const SILENCE_MS = 120_000;

/**
 * Writes one disk of a snapshot through a storage daemon, which takes QEMU's locks: a disk in use is refused.
 * The disk is flushed before this resolves. May be carried out again from the start.
 */
export async function writeDisk(
  order: WriteDisk,
  repository: RepositoryAccess | undefined,
  context: OrderContext,
): Promise<OrderOutcome> {
  const { scratch, clock, orderId, progress, signal } = context;
  await using destination = await findImage(order, context);
  const { image } = destination;
  // Not before: a disk that cannot be had here is written by another order, and counts once.
  progress.tell(order.diskId, { doneBytes: 0, totalBytes: order.sizeBytes, storedBytes: 0 });
  const folderName = `w-${orderId.slice(0, 8)}`;
  const folder = await scratch.open(folderName);
  try {
    await using daemon = await startStorageDaemon(folder, clock, signal);
    await openForWriting(daemon, image, signal);
    await using client = await connectNbd({
      address: { kind: "unix", path: daemon.nbdSocket },
      exportName: NODE,
      contexts: ["base:allocation"],
      requestsMax: REQUESTS_IN_FLIGHT_MAX,
      silenceMs: SILENCE_MS,
      signal,
    });
    return await writeThrough(client, { order, image, repository, context });
  } finally {
    await scratch.remove(folderName);
  }
}

/** What is written to; disposing takes back what was done to reach it. */
interface Destination extends AsyncDisposable {
  readonly image: DiskImage;
}

async function findImage(order: WriteDisk, context: OrderContext): Promise<Destination> {
  const { destination } = order;
  switch (destination.kind) {
    case "attached":
      return openAttached(attachedVolume(destination.connectionInfo, context.attachmentsFolder), context);
    case "image":
      throw new Fault("bad-order", "an image is filled by a stream, not written to", "never");
    case "instance": {
      const { instanceId, source } = destination;
      return asItIs(await context.hypervisor.findStoppedDisk(instanceId, source, context.signal));
    }
  }
}

function asItIs(image: DiskImage): Destination {
  return { image, [Symbol.asyncDispose]: async () => Promise.resolve() };
}

async function openAttached(volume: AttachedVolume, context: OrderContext): Promise<Destination> {
  const { hypervisor, orderId, signal } = context;
  const name = orderId.slice(0, 8);
  switch (volume.kind) {
    case "file": {
      const { path, format, connection } = volume;
      if (await isThere(path)) return asItIs({ path, format, ...fileNode(path) });
      return attachByBrick(context, connection, { name, signal });
    }
    case "rbd": {
      const node = await rbdNode(volume, async (uuid) => hypervisor.storageKey(uuid, signal));
      return asItIs({ path: `rbd:${volume.pool}/${volume.image}`, format: "raw", ...node });
    }
    case "brick":
      return attachByBrick(context, volume.connection, { name, signal });
  }
}

/** Nova mounts a share on a host when the first of its instances there has a volume on it. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw new Fault("destination-unusable", `looking for ${path}`, "later", cause);
  }
}

async function openForWriting(daemon: StorageDaemon, image: DiskImage, signal: AbortSignal): Promise<void> {
  const node = {
    driver: image.format,
    "node-name": NODE,
    discard: "unmap",
    file: { ...image.storage, discard: "unmap" },
  };
  try {
    for (const object of image.objects ?? []) await daemon.addObject(object, signal);
    await daemon.addNode(node, signal);
    await daemon.startServer(signal);
    const names = { id: NODE, "node-name": NODE, name: NODE };
    await daemon.qmp.execute("block-export-add", { type: "nbd", ...names, writable: true }, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    // block/file-posix.c: "Failed to get \"write\" lock", with a hint that another process uses the image.
    if (isRefusal(cause, /failed to get .*lock/i)) {
      throw new Fault("destination-in-use", `writing to ${image.path}, which is in use`, "later", cause);
    }
    throw new Fault("destination-unusable", `opening ${image.path} for writing`, "later", cause);
  }
}

interface WriteWork {
  readonly order: WriteDisk;
  readonly image: DiskImage;
  readonly repository: RepositoryAccess | undefined;
  readonly context: OrderContext;
}

async function writeThrough(client: NbdClient, work: WriteWork): Promise<OrderOutcome> {
  const { order, image, repository, context } = work;
  const { progress, signal } = context;
  if (client.sizeBytes < order.sizeBytes) {
    const what = `writing ${order.sizeBytes} bytes to ${image.path}, which has ${client.sizeBytes}`;
    throw new Fault("destination-too-small", what, "never");
  }
  const transfer = await openOrderTransfer(context, repository, signal);
  try {
    progress.enter("writing");
    const written = await transfer.writeDisk({
      root: order.root,
      destination: diskDestination(client, order.sizeBytes),
      disk: order.diskId,
      mode: order.mode,
      onProgress: (state) => {
        progress.tell(order.diskId, state);
      },
      signal,
    });
    const rest = { offset: order.sizeBytes, length: client.sizeBytes - order.sizeBytes };
    // A larger destination reads as zeroes where the snapshot had no disk.
    if (rest.length > 0) await zeroStretch(client, rest, signal);
    progress.enter("cleaning");
    await client.flush(signal);
    return { kind: "written", writtenBytes: written.writtenBytes, comparedBytes: written.comparedBytes };
  } catch (cause) {
    signal.throwIfAborted();
    if (isStorageFull(cause)) throw storageFull(work, cause);
    throw hasCode(cause, "nbd-timeout") ? storageSilent(work, cause) : cause;
  } finally {
    await transfer.close();
  }
}

/** The volume was promised more than its storage has: a person must make room. */
function storageFull({ order, image }: WriteWork, cause: unknown): Fault {
  const what = `writing disk ${order.diskId} to ${image.path}`;
  const remedy = "the storage under it is full: have room made there, or restore to another volume type";
  return new Fault("storage-full", `${what}: ${remedy}`, "after-operator", cause);
}

/** Ceph does not refuse what it has no room for: it waits until there is some (librados, `FLAG_FULL`). */
function storageSilent({ order, image }: WriteWork, cause: unknown): Fault {
  const what = `writing disk ${order.diskId} to ${image.path}`;
  const silence = `its storage has not answered for ${formatDuration(SILENCE_MS)}`;
  const remedy = "a Ceph pool that is full or degraded makes writers wait: have its health looked at";
  return new Fault("storage-silent", `${what}: ${silence}; ${remedy}`, "later", cause);
}

function isStorageFull(cause: unknown): boolean {
  if (hasCode(cause, "destination-full")) return true;
  const errors: unknown[] = [];
  for (let at: unknown = cause; at instanceof Error && errors.length < 10; at = at.cause) errors.push(at);
  return errors.some((each) => each instanceof NbdRequestFault && ["ENOSPC", "EDQUOT"].includes(each.errno));
}
