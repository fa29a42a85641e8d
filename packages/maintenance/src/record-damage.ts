import { Fault, hasCode } from "@cairn/kernel";
import {
  type DamagedPack,
  type MaintenanceState,
  type RepositoryHandle,
  readState,
  repositoryNames,
  writeState,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { Damage } from "./damage.ts";
import type { MaintenanceScope } from "./scope.ts";

const ATTEMPTS_MAX = 5;

/**
 * Writes into the state which packs and records are damaged: from then on no writer refers to them, so that
 * the next backup stores them again, and `heal` finds them. Returns the epoch of the state that says so; when
 * all of it was known already, that is the newest one. `by` names the run, for the journal.
 */
export async function recordDamage(
  request: MaintenanceScope & { readonly damage: readonly Damage[]; readonly by: string },
): Promise<{ readonly epoch: number; readonly added: number }> {
  const { store, handle, signal, by } = request;
  const found = damagedPacks(handle.repositoryId, request.damage);
  let added = 0;
  const epoch = await changeState({ store, handle, by, signal }, (state) => {
    const damaged = mergeDamage(state.damaged, found);
    added = countIds(damaged) - countIds(state.damaged);
    const same = JSON.stringify(damaged) === JSON.stringify(state.damaged);
    return same ? undefined : { ...state, damaged };
  });
  return { epoch, added };
}

/** Packs and their damaged records, from a report. A pack whose frame is damaged counts as a whole. */
export function damagedPacks(repositoryId: string, damage: readonly Damage[]): readonly DamagedPack[] {
  const names = repositoryNames(repositoryId);
  return damage.flatMap((each): DamagedPack[] => {
    if (each.kind === "commit" || each.kind === "object") return [];
    const kind = each.kind === "chunk" || each.kind === "chunk-pack" ? "chunk" : "page";
    const pack = /^[0-9a-f]{2}\/([0-9a-f]{32})$/.exec(each.object.slice(names.packs(kind).length))?.[1];
    if (pack === undefined) return [];
    return [{ pack, kind, ids: each.record === undefined ? "all" : [each.record.id] }];
  });
}

/** Both together; the same pack once. */
export function mergeDamage(
  known: readonly DamagedPack[],
  found: readonly DamagedPack[],
): readonly DamagedPack[] {
  const merged = new Map<string, DamagedPack>();
  for (const each of [...known, ...found]) {
    const key = `${each.kind} ${each.pack}`;
    const there = merged.get(key);
    if (there === undefined) merged.set(key, each);
    else if (there.ids === "all" || each.ids === "all") merged.set(key, { ...there, ids: "all" });
    else merged.set(key, { ...there, ids: [...new Set([...there.ids, ...each.ids])] });
  }
  return [...merged.values()];
}

function countIds(damaged: readonly DamagedPack[]): number {
  return damaged.reduce((sum, { ids }) => sum + (ids === "all" ? 1 : ids.length), 0);
}

/**
 * Writes the next state as `change` makes it of the newest, anew when other maintenance was faster.
 * `undefined`: it is as it should be. Returns the epoch that counts.
 */
export async function changeState(
  at: {
    readonly store: Store;
    readonly handle: RepositoryHandle;
    readonly by: string;
    readonly signal: AbortSignal;
  },
  change: (state: MaintenanceState) => MaintenanceState | undefined,
): Promise<number> {
  const { store, handle, by, signal } = at;
  let hint: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const state = await readState(store, handle, { signal, ...(hint === undefined ? {} : { hint }) });
    const changed = change(state);
    if (changed === undefined) return state.epoch;
    const next = { ...changed, epoch: state.epoch + 1, at: await store.time(signal), by };
    try {
      await writeState(store, handle, { state: next, signal });
      return next.epoch;
    } catch (cause) {
      if (!(cause instanceof Fault) || !hasCode(cause, "object-exists") || attempt === ATTEMPTS_MAX)
        throw cause;
      hint = state.epoch;
    }
  }
}
