import { type Clock, describeFault } from "@cairn/kernel";
import type { LibvirtClient } from "@cairn/libvirt";
import type { DriverContext } from "../libvirt/context.ts";
import { describeDomain, storagePath } from "../libvirt/domain-xml.ts";
import { openLibvirt } from "../libvirt/link.ts";
import { listNotes, type NotedImage, noteSnapshot, removeNote, type SnapshotNote } from "./notes.ts";
import { rbdDisks } from "./plan.ts";
import { releaseImage } from "./remove.ts";

const LOOK_MS = 5_000;
/** Nova undefines a domain for some seconds while it resizes or hard-reboots the instance. */
export const LOOSE_MS = 10_000;

/** Which noted images have lost their disk, and since when: asked at every look. */
export class LooseImages {
  readonly #since = new Map<string, number>();
  readonly #clock: Pick<Clock, "now">;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Whether the image has not been among the instance's disks (`attached`, by path) for long enough. */
  isLoose(note: SnapshotNote, image: NotedImage, attached: ReadonlySet<string>): boolean {
    const key = keyOf(note, image);
    if (attached.has(storagePath({ kind: "rbd", ...image }))) {
      this.#since.delete(key);
      return false;
    }
    const since = this.#since.get(key) ?? this.#clock.now();
    this.#since.set(key, since);
    return this.#clock.now() - since >= LOOSE_MS;
  }

  /** The note has been dealt with. */
  forget(note: SnapshotNote): void {
    for (const image of note.images) this.#since.delete(keyOf(note, image));
  }
}

function keyOf({ snapshot }: SnapshotNote, { id, pool }: NotedImage): string {
  return `${snapshot} ${pool}/${id}`;
}

interface Tending {
  readonly context: DriverContext;
  readonly loose: LooseImages;
}

/**
 * Removes snapshots from images that their instance has no more: a volume that was detached, an instance that
 * was deleted or has moved. While they are there, nobody can delete such an image for good. Resolves when the
 * signal is aborted.
 */
export async function tendSnapshots(context: DriverContext, signal: AbortSignal): Promise<void> {
  const tending = { context, loose: new LooseImages(context.clock) };
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      await look(tending, signal);
    } catch (cause) {
      // Libvirt or Ceph is away: looked at again as soon as otherwise.
      if (!isOver()) context.log.warn("rbd.tend-failed", { fault: describeFault(cause) });
    }
    await untilNext(context.clock, signal);
  }
}

async function untilNext(clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(LOOK_MS, signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}

async function look(tending: Tending, signal: AbortSignal): Promise<void> {
  const { place, scratch } = tending.context;
  const notes = await listNotes(scratch.path);
  if (notes.length === 0) return;
  using client = await openLibvirt(place, signal);
  for (const note of notes) await tendNote(tending, { client, note }, signal);
}

/** One sick image must not keep the others from being let go. */
async function tendNote(
  { context, loose }: Tending,
  { client, note }: { readonly client: LibvirtClient; readonly note: SnapshotNote },
  signal: AbortSignal,
): Promise<void> {
  const attached = await attachedTo(client, note.instanceId, signal);
  const gone = note.images.filter((image) => loose.isLoose(note, image, attached));
  if (gone.length === 0) return;
  const kept = note.images.filter((image) => !gone.includes(image));
  for (const image of gone) {
    await releaseImage(context, client, { image, snapshot: note.snapshot }, signal);
    const what = `${image.pool}/${image.image}`;
    context.log.info("rbd.snapshot-removed", { instance: note.instanceId, image: what });
  }
  if (kept.length > 0) await noteSnapshot(context.scratch.path, { ...note, images: kept });
  else await removeNote(context.scratch.path, note);
  loose.forget(note);
}

/** Paths of the instance's disks in Ceph; none when this host does not have it. */
async function attachedTo(
  client: LibvirtClient,
  instanceId: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const domain = await client.findDomain(instanceId, { signal });
  if (domain === undefined) return new Set();
  const { disks } = describeDomain(await client.domainXml(domain, "current", { signal }));
  return new Set(rbdDisks(disks).map(({ storage }) => storagePath(storage)));
}
