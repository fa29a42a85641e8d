import type { LibvirtClient } from "@cairn/libvirt";
import type { DriverContext } from "../libvirt/context.ts";
import type { DescribedDisk } from "../libvirt/domain-xml.ts";
import { deleteFromTrash, isOurs, listSnapshots, removeSnapshot } from "./image.ts";
import { listNotes, type NotedImage, removeNote } from "./notes.ts";
import { rbdDisks } from "./plan.ts";
import { openRbdTool, type RbdTool } from "./tool.ts";

/** The disks of an instance as libvirt describes them; none when it does not know the instance. */
export interface InstanceDisks {
  readonly client: LibvirtClient;
  readonly instanceId: string;
  readonly disks: readonly DescribedDisk[];
}

/** Removes snapshots of ours from the images of an instance's disks, and wherever they are noted. */
export async function removeSnapshots(
  context: DriverContext,
  { client, disks, instanceId }: InstanceDisks,
  isUnwanted: (name: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const notes = await listNotes(context.scratch.path);
  const others = notes.filter((note) => note.instanceId !== instanceId);
  // A volume can be another instance's, too. One that came from another host has snapshots noted there.
  const isHere = (name: string): boolean =>
    isOurs(name) && isUnwanted(name) && !others.some(({ snapshot }) => snapshot === name);
  for (const { storage } of context.rbdChanges === "fast-diff" ? rbdDisks(disks) : []) {
    await using tool = await openTool(context, client, storage, signal);
    for (const { name } of (await listSnapshots(tool, storage, signal)) ?? [])
      if (isHere(name)) await removeSnapshot(tool, storage, name, signal);
  }
  for (const note of notes) {
    if (note.instanceId !== instanceId || !isUnwanted(note.snapshot)) continue;
    const { snapshot } = note;
    for (const image of note.images) await releaseImage(context, client, { image, snapshot }, signal);
    await removeNote(context.scratch.path, note);
  }
}

/**
 * Removes a noted snapshot from its image, whatever that is called now, and deletes the image from the trash
 * if it was put there because of the snapshot.
 */
export async function releaseImage(
  context: DriverContext,
  client: LibvirtClient,
  { image, snapshot }: { readonly image: NotedImage; readonly snapshot: string },
  signal: AbortSignal,
): Promise<void> {
  await using tool = await openTool(context, client, image, signal);
  const { id, pool } = image;
  await removeSnapshot(tool, { pool, id }, snapshot, signal);
  if (await deleteFromTrash(tool, { pool, id }, signal))
    context.log.info("rbd.trash-emptied", { image: `${pool}/${image.image}` });
}

async function openTool(
  { scratch }: DriverContext,
  client: LibvirtClient,
  image: Parameters<typeof openRbdTool>[0],
  signal: AbortSignal,
): Promise<RbdTool> {
  return openRbdTool(image, { scratch, keyOf: async (uuid) => client.secretValue(uuid, { signal }) });
}
