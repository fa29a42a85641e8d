import { Fault, hasCode, mapLimited } from "@cairn/kernel";
import {
  type Deletion,
  type RecordKind,
  type RepositoryHandle,
  readStateAt,
  repositoryNames,
  stateEpoch,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { listAll } from "./gather.ts";
import type { SweepFlaws } from "./options.ts";
import { LISTED, type PackTables } from "./pack-table.ts";
import { packName } from "./transition.ts";

/** Requests that go on at once. */
const AT_ONCE = 8;
const PACK_ID = /^[0-9a-f]{2}\/([0-9a-f]{32})$/;
const SEGMENT_ID = /^[0-9a-f]{32}$/;
/** States that are removed in one sweep at most, and how many stay whatever their age. */
const STATES_MAX = 100;
const STATES_KEPT = 64;

interface At {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly flaws: SweepFlaws;
  readonly signal: AbortSignal;
}

/**
 * Lists the packs of both kinds into the tables; how many there are. A listing may still show what this sweep
 * has just removed (`gone`, by name): counted as seen, the next sweep would miss it and stop for good.
 */
export async function listPacks(
  at: At,
  tables: PackTables,
  gone: ReadonlySet<string>,
): Promise<Readonly<Record<RecordKind, number>>> {
  const names = repositoryNames(at.handle.repositoryId);
  const found = { chunk: 0, page: 0 };
  for (const kind of ["chunk", "page"] as const) {
    const table = tables[kind];
    await listAll(at, names.packs(kind), (rest) => {
      const pack = PACK_ID.exec(rest)?.[1];
      if (pack === undefined || gone.has(packName(kind, pack))) return;
      table.set(table.numberOfHex(pack), LISTED);
      found[kind] += 1;
    });
  }
  return found;
}

/** Names of the index segments within the repository. */
export async function listSegments(at: At): Promise<readonly string[]> {
  const segments: string[] = [];
  await listAll(at, repositoryNames(at.handle.repositoryId).segments, (rest) => {
    if (SEGMENT_ID.test(rest)) segments.push(`i/${rest}`);
  });
  return segments;
}

/** The sizes of packs, as `<kind>/<pack>`; those that are not there (any more) are missing from the map. */
export async function packSizes(
  at: At,
  packs: readonly { readonly kind: RecordKind; readonly pack: string }[],
): Promise<ReadonlyMap<string, number>> {
  const names = repositoryNames(at.handle.repositoryId);
  const sizes = new Map<string, number>();
  await mapLimited(
    packs,
    AT_ONCE,
    async ({ kind, pack }) => {
      const size = await at.store.size(names.within(packName(kind, pack)), at.signal);
      if (size !== undefined) sizes.set(`${kind}/${pack}`, size);
    },
    at.signal,
  );
  return sizes;
}

/** Until when packs are locked, as `<kind>/<pack>`; nothing on a target without object lock. */
export async function packLocks(
  at: At,
  packs: readonly { readonly kind: RecordKind; readonly pack: string }[],
): Promise<ReadonlyMap<string, number>> {
  const locks = new Map<string, number>();
  const { lock } = at.store;
  if (lock === undefined) return locks;
  const names = repositoryNames(at.handle.repositoryId);
  await mapLimited(
    packs,
    AT_ONCE,
    async ({ kind, pack }) => {
      try {
        const until = await lock.lockedUntil(names.within(packName(kind, pack)), at.signal);
        if (until !== undefined) locks.set(`${kind}/${pack}`, until);
      } catch (cause) {
        // It is gone already: nothing keeps it from being removed.
        if (!hasCode(cause, "object-missing")) throw cause;
      }
    },
    at.signal,
  );
  return locks;
}

/** States that are old enough to go, oldest first. The first stays for ever: its absence means something. */
export async function oldStates(at: At, newest: number, olderThanMs: number): Promise<readonly number[]> {
  const epochs: number[] = [];
  await listAll(at, repositoryNames(at.handle.repositoryId).states, (rest) => {
    const epoch = stateEpoch(rest);
    if (epoch !== undefined && epoch > 1 && epoch <= newest - STATES_KEPT) epochs.push(epoch);
  });
  const old: number[] = [];
  for (const epoch of epochs.toSorted((a, b) => a - b).slice(0, STATES_MAX)) {
    if (await isYoung(at, epoch, olderThanMs)) break;
    old.push(epoch);
  }
  return old;
}

async function isYoung({ store, handle, signal }: At, epoch: number, olderThanMs: number): Promise<boolean> {
  try {
    return (await readStateAt(store, handle, { epoch, signal })).at >= olderThanMs;
  } catch (cause) {
    // The listing is behind: another sweep has removed it.
    if (hasCode(cause, "object-missing")) return false;
    throw cause;
  }
}

/** What became of removals. */
export interface RemovalOutcome {
  /** Within the repository. */
  readonly removed: ReadonlySet<string>;
  readonly locked: readonly Deletion[];
}

/**
 * Commits first, so that nothing that can be read lacks what it names; then packs, segments, and the rest.
 */
const ORDER = ["s/", "p/", "m/", "i/", "t/", "w/", "g/"] as const;

/**
 * Removes what the journal says; what is there no more counts as removed. Locked objects stay for the next
 * sweep. Any other failure ends it, with the journal as it is.
 */
export async function removeAll(
  at: {
    readonly remover: Pick<Store, "remove">;
    readonly handle: RepositoryHandle;
    readonly signal: AbortSignal;
  },
  deletions: readonly Deletion[],
  onRemoved: (objects: number) => void,
): Promise<RemovalOutcome> {
  const names = repositoryNames(at.handle.repositoryId);
  const removed = new Set<string>();
  const locked: Deletion[] = [];
  for (const prefix of ORDER) {
    const group = deletions.filter(({ name }) => name.startsWith(prefix));
    // States go one by one in ascending order: whoever climbs them relies on it.
    await mapLimited(
      group,
      prefix === "g/" ? 1 : AT_ONCE,
      async (deletion) => {
        try {
          await at.remover.remove(names.within(deletion.name), at.signal);
          removed.add(deletion.name);
        } catch (cause) {
          if (!(cause instanceof Fault) || !hasCode(cause, "object-locked")) throw cause;
          locked.push(deletion);
        }
        onRemoved(removed.size);
      },
      at.signal,
    );
  }
  return { removed, locked };
}
