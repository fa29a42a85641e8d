import { assert, Fault, hasCode } from "@cairn/kernel";
import { fromReserve, type Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import type { RepositoryHandle } from "./commits.ts";
import { repositoryNames } from "./names.ts";
import { readSealedJson, sealJson } from "./sealed-json.ts";
import { decodeState, encodeState, STATE_MAGIC } from "./state/codec.ts";
import { EMPTY_STATE, type MaintenanceState } from "./state/state.ts";

const KIND = { magic: STATE_MAGIC, purpose: "cairn state " };
/** How often a search begins anew because old states are being removed under it. */
const ATTEMPTS_MAX = 5;

/**
 * The newest state. With a `hint` (an epoch that was the newest once) nothing is listed: it is looked upwards
 * from there. Without one, `g/` is listed; a listing that is out of date does no harm, because it is looked
 * upwards from what it shows, and the states of the last days are never removed. Faults: those of the store,
 * `object-damaged`, `wrong-key`.
 */
export async function readState(
  store: Store,
  handle: RepositoryHandle,
  options: { readonly hint?: number; readonly signal?: AbortSignal } = {},
): Promise<MaintenanceState> {
  const { hint, signal } = options;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const listed = attempt > 0 || hint === undefined;
    const epoch = listed ? await greatestListed(store, handle, signal) : hint;
    const found = await climb(store, handle, { epoch, listed }, signal);
    if (found !== undefined) return found;
  }
  const message = `reading the state of repository ${handle.repositoryId}: it changes faster than it is read`;
  throw new Fault("state-outrun", message, "later");
}

/**
 * From a state that was there, up to the last one that has no successor. States are removed in ascending
 * order, and never the newest: if the last one is still there after its successor was found absent, then it
 * was the newest at that moment. State 1 alone is never removed, so that its absence proves that there is
 * none, and its presence proves nothing. `undefined`: it cannot be told from here.
 */
async function climb(
  store: Store,
  handle: RepositoryHandle,
  from: { readonly epoch: number; readonly listed: boolean },
  signal?: AbortSignal,
): Promise<MaintenanceState | undefined> {
  let newest = from.epoch === 0 ? EMPTY_STATE : await readIfThere(store, handle, from.epoch, signal);
  if (newest === undefined) return undefined;
  for (;;) {
    const next = await readIfThere(store, handle, newest.epoch + 1, signal);
    if (next === undefined) break;
    newest = next;
  }
  if (newest.epoch === 0) return newest;
  if (newest.epoch === 1) return from.listed ? newest : undefined;
  const name = repositoryNames(handle.repositoryId).state(newest.epoch);
  return (await store.size(name, signal)) === undefined ? undefined : newest;
}

async function greatestListed(store: Store, handle: RepositoryHandle, signal?: AbortSignal): Promise<number> {
  const prefix = repositoryNames(handle.repositoryId).states;
  let greatest = 0;
  for await (const name of store.list(prefix, signal)) {
    const epoch = stateEpoch(name.slice(prefix.length));
    if (epoch !== undefined) greatest = Math.max(greatest, epoch);
  }
  return greatest;
}

/** The epoch that the last part of a state's name says. */
export function stateEpoch(part: string): number | undefined {
  return /^[0-9a-f]{8}$/.test(part) ? Number.parseInt(part, 16) : undefined;
}

/**
 * One state that is known to be there, for those who verify. Fault `object-missing` when it is not (any
 * more).
 */
export async function readStateAt(
  store: Store,
  handle: RepositoryHandle,
  options: { readonly epoch: number; readonly signal?: AbortSignal },
): Promise<MaintenanceState> {
  const state = await readIfThere(store, handle, options.epoch, options.signal);
  if (state !== undefined) return state;
  const name = repositoryNames(handle.repositoryId).state(options.epoch);
  throw new Fault("object-missing", `reading ${name}`, "never");
}

async function readIfThere(
  store: Store,
  handle: RepositoryHandle,
  epoch: number,
  signal?: AbortSignal,
): Promise<MaintenanceState | undefined> {
  const name = repositoryNames(handle.repositoryId).state(epoch);
  try {
    const state = decodeState(name, await readSealedJson(KIND, { store, handle, name }, signal));
    if (state.epoch !== epoch) throw damaged(name, 0, `it says that it is state ${state.epoch}`);
    return state;
  } catch (cause) {
    if (hasCode(cause, "object-missing")) return undefined;
    throw cause;
  }
}

/**
 * Makes a state the newest: durable and read back when it resolves. Its epoch must be the newest one's plus
 * one. Fault `object-exists` when other maintenance was faster: what was decided from the former state must
 * not be done. The same state again (after a write whose answer was lost) is success.
 */
export async function writeState(
  store: Store,
  handle: RepositoryHandle,
  request: { readonly state: MaintenanceState; readonly signal?: AbortSignal },
): Promise<void> {
  const { state, signal } = request;
  assert(state.epoch > 0 && state.epoch < 2 ** 32, `epoch ${state.epoch} of a state`);
  const name = repositoryNames(handle.repositoryId).state(state.epoch);
  const json = encodeState(state);
  try {
    await fromReserve(store).put(name, [sealJson(KIND, handle, name, json)], signal);
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  const found = await readSealedJson(KIND, { store, handle, name }, signal);
  if (!found.equals(json)) {
    throw new Fault("object-exists", `storing ${name}: other maintenance was faster`, "later");
  }
}

/**
 * Packs that a writer must not refer to anew: what is condemned, is being deleted, or is damaged in any part.
 */
export function packsToAvoid(state: MaintenanceState): ReadonlySet<string> {
  const packs = new Set<string>();
  for (const { pack } of state.condemned) packs.add(pack);
  for (const { pack } of state.damaged) packs.add(pack);
  for (const { name } of state.deleting) {
    const pack = /^[pm]\/[0-9a-f]{2}\/([0-9a-f]{32})$/.exec(name)?.[1];
    if (pack !== undefined) packs.add(pack);
  }
  return packs;
}
