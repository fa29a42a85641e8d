import {
  EMPTY_STATE,
  listCommits,
  type MaintenanceState,
  openRelocations,
  readCommitStructure,
} from "@cairn/repository";
import { type DegradedSnapshot, damageOf } from "./damage.ts";
import { KnownDamage } from "./known-damage.ts";
import type { MaintenanceScope } from "./scope.ts";
import { type SnapshotToVerify, Verification } from "./verification.ts";

const RECORD_BYTES = 64 * 1024 * 1024;
const RANGES_MAX = 100_000;

/** What is known to be damaged, looked at again: which records in use it really takes away. */
export interface Survey {
  readonly verification: Verification;
  readonly degraded: readonly DegradedSnapshot[];
}

/** Walks all trees, and reads the packs that the state calls damaged. */
export async function surveyDamage(scope: MaintenanceScope, state: MaintenanceState): Promise<Survey> {
  const { store, handle, signal } = scope;
  const snapshots: SnapshotToVerify[] = [];
  const { repositoryId, keys } = handle;
  for (const ids of await Array.fromAsync(listCommits(store, { repositoryId, signal }))) {
    const read = await damageOf(async () => readCommitStructure(store, { ...handle, ...ids, signal }));
    if ("result" in read)
      snapshots.push({ ...ids, createdAt: read.result.createdAt, disks: read.result.disks });
  }
  const known = new KnownDamage(state);
  const opens = keys.chunkId !== undefined && keys.epochs.every(({ data }) => data !== undefined);
  const verification = new Verification({
    store,
    handle,
    relocations: openRelocations(store, handle, { hint: state.epoch, signal }),
    known,
    level: opens ? "data" : "packs",
    only: (pack) => known.has("chunk", pack),
    recordBytes: RECORD_BYTES,
    signal,
    onProgress: () => undefined,
  });
  await verification.run(snapshots);
  return { verification, degraded: await verification.degraded(snapshots, RANGES_MAX) };
}

/**
 * Which stretches of which disks the damage of a state takes away now; by `state` alone when it is given
 * (what a scrub found, before it is recorded). Nothing that has been healed is among them.
 */
export async function locateDamage(
  scope: MaintenanceScope,
  state: Partial<Pick<MaintenanceState, "damaged" | "epoch">>,
): Promise<readonly DegradedSnapshot[]> {
  return (await surveyDamage(scope, { ...EMPTY_STATE, ...state })).degraded;
}
