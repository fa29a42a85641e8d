import { createHash } from "node:crypto";
import type { ImageAccess, OrderOutcome, RepositoryAccess, WriteDisk } from "@cairn/contract";
import { Fault, MiB } from "@cairn/kernel";
import { importKeys } from "@cairn/repository";
import { openStore } from "@cairn/store";
import { type DiskReader, openDiskReader } from "@cairn/transfer";
import type { OrderContext } from "../orders/context.ts";
import { putImage } from "./put-image.ts";

/** Plaintext kept for chunks that are shared within a disk; what is read ahead comes on top. */
const CACHE_BYTES = 32 * MiB;
const WORKERS = 2;
const PART_BYTES = MiB;

/** The part of an order that fills an image. */
export type ImageDestination = Extract<WriteDisk["destination"], { kind: "image" }>;

/**
 * Sends one disk of a snapshot to an image of Glance, from its first byte to its last: Glance takes a stream.
 * Holes are sent as zeroes, because a raw image knows no other way. Nothing is kept on this host. An upload
 * that ends early leaves the image unusable; it is begun anew with another image.
 */
export async function uploadImage(
  order: WriteDisk,
  destination: ImageDestination,
  access: { readonly repository: RepositoryAccess | undefined; readonly image: ImageAccess | undefined },
  context: OrderContext,
): Promise<OrderOutcome> {
  const { repository, image } = access;
  if (repository === undefined || image === undefined)
    throw new Fault("bad-order", "an order to fill an image without repository or access", "never");
  const { progress, signal } = context;
  const { sizeBytes } = destination;
  progress.tell(order.diskId, { doneBytes: 0, totalBytes: sizeBytes, storedBytes: 0 });
  const reader = await openDiskReader({
    store: openStore(repository.target),
    handle: { repositoryId: repository.repositoryId, keys: importKeys(repository.keys) },
    root: order.root,
    disk: order.diskId,
    cacheBytes: CACHE_BYTES,
    workers: WORKERS,
    signal,
  });
  try {
    if (reader.sizeBytes > sizeBytes) {
      const what = `filling an image of ${sizeBytes} bytes with a disk of ${reader.sizeBytes}`;
      throw new Fault("destination-too-small", what, "never");
    }
    progress.enter("uploading");
    const counted = count(bytesOf(reader, sizeBytes, signal), (doneBytes) => {
      progress.tell(order.diskId, { doneBytes, totalBytes: sizeBytes, storedBytes: 0 });
    });
    await putImage({ access: image, imageId: destination.imageId, sizeBytes }, counted.bytes, signal);
    progress.enter("cleaning");
    return { kind: "written", writtenBytes: sizeBytes, comparedBytes: 0, sha512: counted.sha512() };
  } finally {
    await reader.close();
  }
}

const ZEROES = Buffer.alloc(PART_BYTES);

/** The disk in order, and zeroes after its end up to `sizeBytes`: no part is longer than `PART_BYTES`. */
export async function* bytesOf(
  reader: Pick<DiskReader, "sizeBytes" | "extents" | "read">,
  sizeBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const { kind, offset, length } of reader.extents(undefined, signal)) {
    if (kind === "zero") {
      yield* zeroes(length);
      continue;
    }
    for (let at = offset; at < offset + length; at += PART_BYTES) {
      yield await reader.read(at, Math.min(PART_BYTES, offset + length - at), signal);
    }
  }
  yield* zeroes(sizeBytes - reader.sizeBytes);
}

function* zeroes(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= PART_BYTES) {
    yield left >= PART_BYTES ? ZEROES : ZEROES.subarray(0, left);
  }
}

interface Counted {
  readonly bytes: AsyncIterable<Buffer>;
  /** Of all that was sent; to be asked once, at the end. */
  sha512(): string;
}

function count(parts: AsyncIterable<Buffer>, tell: (doneBytes: number) => void): Counted {
  const hash = createHash("sha512");
  let doneBytes = 0;
  return {
    bytes: (async function* () {
      for await (const part of parts) {
        hash.update(part);
        yield part;
        doneBytes += part.length;
        tell(doneBytes);
      }
    })(),
    sha512: () => hash.digest("hex"),
  };
}
