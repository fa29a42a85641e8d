import { mapLimited } from "@cairn/kernel";
import { listCommits, type RepositoryHandle, readTombstone, writeTombstone } from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damageOf } from "./damage.ts";

export interface MirrorRemovalRequest {
  readonly source: Store;
  readonly target: Store;
  /** Structure keys are enough. */
  readonly handle: RepositoryHandle;
  /** How long the mirror keeps a snapshot after its removal was asked for at the source. */
  readonly keepMs: number;
  readonly signal: AbortSignal;
}

/** What a mirror has that its source has no more. It is JSON. */
export interface MirrorRemovals {
  /** Snapshots that go with the mirror's sweeps from now on, each when its time is over. */
  readonly removed: readonly string[];
  /**
   * Snapshots that stay: nothing at the source says that anybody wanted them gone. Perhaps the source lost
   * them.
   */
  readonly kept: readonly string[];
}

const PARALLEL = 8;

/**
 * Gives the snapshots that were deleted at the source a tombstone at the mirror, dated `keepMs` after that of
 * the source; the mirror's own sweep goes by it. Only a tombstone says that something was deleted: a source
 * that is empty, or another one, takes nothing from its mirror. A second time changes nothing.
 */
export async function mirrorRemovals(request: MirrorRemovalRequest): Promise<MirrorRemovals> {
  const { source, target, handle, signal } = request;
  // The mirror first: what is stored at the source meanwhile is in its list, and not in ours.
  const there = await Array.fromAsync(listCommits(target, { ...handle, signal }));
  const here = new Set<string>();
  for await (const { snapshotId } of listCommits(source, { ...handle, signal })) here.add(snapshotId);
  const missing = there.filter(({ snapshotId }) => !here.has(snapshotId));
  const verdicts = await mapLimited(missing, PARALLEL, async ({ snapshotId }) => ({
    snapshotId,
    isRemoved: await removeLater(request, snapshotId),
  }));
  const named = (isRemoved: boolean): string[] =>
    verdicts.filter((each) => each.isRemoved === isRemoved).map(({ snapshotId }) => snapshotId);
  return { removed: named(true), kept: named(false) };
}

async function removeLater(
  { source, target, handle, keepMs, signal }: MirrorRemovalRequest,
  snapshotId: string,
): Promise<boolean> {
  const at = { ...handle, snapshotId, signal };
  if ((await readTombstone(target, at)) !== undefined) return true;
  const read = await damageOf(async () => readTombstone(source, at));
  // A tombstone that cannot be read says nothing.
  if ("fault" in read || read.result === undefined) return false;
  const { requestedAt } = read.result;
  const notBefore = new Date(Date.parse(requestedAt) + keepMs).toISOString();
  await writeTombstone(target, { ...handle, tombstone: { ...read.result, notBefore }, signal });
  return true;
}
