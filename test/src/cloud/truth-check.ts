import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SnapshotDetail } from "@cairn/contract";
import { openStored } from "../stored.ts";
import type { FoundDisk } from "./model.ts";
import type { CloudTree } from "./short-tree.ts";
import { findWrites, findWritesInFile, RootFileSystem, SparseFile } from "./stored-disk.ts";
import { FROZEN_FILE, ROOT_SLOTS_FILE, type TruthInstance, VOLUME_STRIDE_BLOCKS } from "./truth-instance.ts";

/** A snapshot that was committed, and what its instance had written before and after. */
export interface TakenSnapshot {
  readonly detail: SnapshotDetail;
  readonly atLeast: number;
  readonly atMost: number;
  /** Disks that were there before and after it. */
  readonly mustHave: readonly string[];
  /** The root disk was made anew meanwhile: it may be either. */
  readonly isRootReplaced: boolean;
}

interface FoundRoot {
  readonly disk: FoundDisk | undefined;
  readonly frozenAt: number | undefined;
}

/** Reads a snapshot from the repository with its key, and says what of it is not as the guest wrote it. */
export async function complaintAbout(
  tree: CloudTree,
  instance: TruthInstance,
  taken: TakenSnapshot,
): Promise<string | undefined> {
  const stored = await openStored(tree, taken.detail.id);
  const quality = taken.detail.instances.find(({ id }) => id === instance.id)?.consistency?.quality;
  const found: FoundDisk[] = [];
  let root: FoundRoot = { disk: undefined, frozenAt: undefined };
  for (const { diskId, device } of stored.commit.disks) {
    const path = join(tree.folder, `truth-${device}.raw`);
    const make = async (sizeBytes: number): Promise<SparseFile> => SparseFile.make(path, sizeBytes);
    await using disk = await stored.write(instance.id, device, make);
    try {
      const volume = instance.volumes.find(({ id }) => id === diskId);
      if (volume === undefined) root = await readRoot(instance, path, quality ?? "crash");
      else found.push(await findWrites(disk, placeOf(instance, volume.key)));
    } finally {
      await rm(path);
    }
  }
  // Whether the old or the new root is in it, and how far that was made, is a matter of the moment.
  if (taken.isRootReplaced) root = { disk: undefined, frozenAt: undefined };
  if (root.disk !== undefined) found.push(root.disk);
  const keys = new Set(found.map(({ key }) => key));
  const missing = taken.mustHave.filter((key) => !keys.has(key));
  if (missing.length > 0 && !(taken.isRootReplaced && missing.every((key) => key === instance.rootKey)))
    return `${missing.join(" and ")} are not in it`;
  const { atLeast, atMost } = taken;
  const judgement = instance.model.judge(found, { atLeast, atMost, frozenAt: root.frozenAt });
  return judgement.kind === "equal" ? undefined : judgement.because;
}

const placeOf = ({ wish }: TruthInstance, key: string) => ({
  seed: wish.seed,
  key,
  strideBlocks: VOLUME_STRIDE_BLOCKS,
});

/** The slots on the root, and what the freeze hook left there. */
async function readRoot(instance: TruthInstance, path: string, quality: string): Promise<FoundRoot> {
  await using root = await RootFileSystem.cutFrom(path);
  if (quality === "crash") {
    await root.replayJournal();
  } else {
    const complaint = await root.complaint();
    if (complaint !== undefined)
      throw new Error(`it is ${quality}-consistent, but its root is not clean: ${complaint}`);
  }
  const slots = await root.file(ROOT_SLOTS_FILE);
  const said = (await root.file(FROZEN_FILE))?.toString("latin1").trim();
  return {
    disk:
      slots === undefined
        ? undefined
        : findWritesInFile(slots, { seed: instance.wish.seed, key: instance.rootKey }),
    frozenAt: said === undefined || said === "unknown" ? undefined : Number(said),
  };
}
