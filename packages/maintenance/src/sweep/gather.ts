import { Fault, hasCode, mapLimited } from "@cairn/kernel";
import {
  type CommitStructure,
  type MaintenanceState,
  type RepositoryHandle,
  readCommitStructure,
  readSession,
  readTombstone,
  repositoryNames,
  SESSION_MARGIN_MS,
  type Session,
  type Tombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { SweepFlaws } from "./options.ts";

/** Small objects that are read at once. */
const READS_AT_ONCE = 8;

/** Who asks, and as of when. */
export interface Gathering {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly state: MaintenanceState;
  /** The store's time before anything was listed. */
  readonly nowMs: number;
  readonly graceMs: number;
  readonly flaws: SweepFlaws;
  readonly signal: AbortSignal;
}

export interface SnapshotName {
  readonly workloadId: string;
  readonly snapshotId: string;
}

/** A writer's session, judged. */
export interface JudgedSession extends Session {
  /** Whether it may still refer to what no commit leads to yet. */
  readonly live: boolean;
  /** Bases of a live session whose commits are gone: what they led to cannot be marked. */
  readonly basesGone: readonly string[];
}

/** What there is, and from where trees are walked. */
export interface Gathered {
  readonly sessions: readonly JudgedSession[];
  readonly snapshots: readonly SnapshotName[];
  readonly tombstones: readonly Tombstone[];
  /** Addresses of the root pages of all snapshots. */
  readonly roots: readonly string[];
  /** Index segments that snapshots name. */
  readonly segments: ReadonlySet<string>;
}

/**
 * Finds every snapshot that must be kept. Sessions are listed first and commits second: a session that is not
 * seen live has committed before, so that its commit is among what is listed then. What a listing may not
 * show yet is asked for by its name: commits of sessions, and whatever the last sweep has seen. What has gone
 * without a reason stops the sweep.
 */
export async function gather(gathering: Gathering): Promise<Gathered> {
  const sessions = await gatherSessions(gathering);
  const found = await gatherCommits(gathering, sessions);
  const roots: string[] = [];
  const segments = new Set<string>();
  for (const { disks, indexSegments } of found.values()) {
    roots.push(...disks.map(({ root }) => root));
    for (const segment of indexSegments) segments.add(segment);
  }
  const tombstones = await gatherTombstones(gathering);
  const snapshots = Array.from(found.values(), ({ workloadId, snapshotId }) => ({ workloadId, snapshotId }));
  const there = new Set(snapshots.map(({ snapshotId }) => snapshotId));
  const judged = sessions.map((session) => {
    const live = isLive(session, gathering);
    return { ...session, live, basesGone: live ? session.bases.filter((base) => !there.has(base)) : [] };
  });
  return { sessions: judged, snapshots, tombstones, roots, segments };
}

/** A listing whose failure is the caller's; a flawed sweep takes what it got. */
export async function listAll(
  gathering: Pick<Gathering, "store" | "flaws" | "signal">,
  prefix: string,
  visit: (rest: string) => void,
): Promise<void> {
  try {
    for await (const name of gathering.store.list(prefix, gathering.signal)) visit(name.slice(prefix.length));
  } catch (cause) {
    if (gathering.flaws.trustsListings !== true) throw cause;
  }
}

async function gatherSessions(gathering: Gathering): Promise<Session[]> {
  const { store, handle, state, flaws, signal } = gathering;
  const listed = new Set<string>();
  await listAll(gathering, repositoryNames(handle.repositoryId).sessions, (rest) => {
    const [sessionId] = rest.split("/");
    if (sessionId !== undefined) listed.add(sessionId);
  });
  const known = new Set(flaws.trustsListings === true ? [] : state.seen?.sessions);
  const going = new Set(state.deleting.map(({ name }) => name));
  const ids = Array.from(new Set([...listed, ...known]));
  const read = await mapLimited(
    ids,
    READS_AT_ONCE,
    async (sessionId) => {
      const session = await readSession(store, handle, { sessionId, signal });
      const gone = session === undefined && known.has(sessionId) && !going.has(`w/${sessionId}/begin`);
      if (gone) throw vanished(`session ${sessionId}`);
      return session;
    },
    signal,
  );
  return read.filter((session) => session !== undefined);
}

function vanished(what: string): Fault {
  const gone = "was there at the last sweep, is not now, and nobody removed it by the rules";
  const message = `sweeping: ${what} ${gone}`;
  return new Fault("object-vanished", message, "after-operator");
}

/**
 * A session whose time is over is live for a while longer if it did not say what it was going to commit: a
 * commit of its last minutes may not be listed yet.
 */
function isLive(session: Session, { nowMs, graceMs }: Pick<Gathering, "nowMs" | "graceMs">): boolean {
  if (session.end !== undefined) return false;
  const named = session.workloadId !== undefined && session.snapshotId !== undefined;
  return nowMs <= session.notAfter + SESSION_MARGIN_MS + (named ? 0 : graceMs);
}

interface Wanted extends SnapshotName {
  /** It must be there, or have a tombstone. */
  readonly promised: boolean;
}

async function gatherCommits(
  gathering: Gathering,
  sessions: readonly Session[],
): Promise<ReadonlyMap<string, CommitStructure>> {
  const { handle, signal } = gathering;
  const wanted = new Map<string, Wanted>();
  const want = (workloadId: string, snapshotId: string, promised: boolean): void => {
    const key = `${workloadId}/${snapshotId}`;
    wanted.set(key, { workloadId, snapshotId, promised: promised || wanted.get(key)?.promised === true });
  };
  await listAll(gathering, repositoryNames(handle.repositoryId).commits(), (rest) => {
    const [workloadId, snapshotId, ...more] = rest.split("/");
    if (workloadId !== undefined && snapshotId !== undefined && more.length === 0) {
      want(workloadId, snapshotId, true);
    }
  });
  if (gathering.flaws.trustsListings !== true) wantByName(gathering, sessions, want);
  const found = new Map<string, CommitStructure>();
  await mapLimited(
    Array.from(wanted),
    READS_AT_ONCE,
    async ([key, each]) => {
      const commit = await readWanted(gathering, each);
      if (commit !== undefined) found.set(key, commit);
    },
    signal,
  );
  return found;
}

/** What must be asked for by name, listed or not. */
function wantByName(
  { state }: Gathering,
  sessions: readonly Session[],
  want: (workloadId: string, snapshotId: string, promised: boolean) => void,
): void {
  for (const [workloadId, snapshots] of Object.entries(state.seen?.commits ?? {})) {
    for (const snapshotId of snapshots) want(workloadId, snapshotId, true);
  }
  for (const { workloadId, snapshotId, bases, end } of sessions) {
    if (end?.commit !== undefined) want(end.commit.workloadId, end.commit.snapshotId, true);
    if (workloadId === undefined) continue;
    if (snapshotId !== undefined) want(workloadId, snapshotId, false);
    for (const base of bases) want(workloadId, base, false);
  }
}

async function readWanted(gathering: Gathering, wanted: Wanted): Promise<CommitStructure | undefined> {
  const { store, handle, flaws, signal } = gathering;
  const { workloadId, snapshotId, promised } = wanted;
  try {
    return await readCommitStructure(store, { ...handle, workloadId, snapshotId, signal });
  } catch (cause) {
    if (!hasCode(cause, "object-missing")) throw cause;
  }
  if (!promised || flaws.trustsListings === true) return undefined;
  if ((await readTombstone(store, { ...handle, snapshotId, signal })) !== undefined) return undefined;
  throw vanished(`snapshot ${snapshotId} of workload ${workloadId}`);
}

async function gatherTombstones(gathering: Gathering): Promise<readonly Tombstone[]> {
  const { store, handle, signal } = gathering;
  const ids: string[] = [];
  await listAll(gathering, repositoryNames(handle.repositoryId).tombstones, (rest) => {
    ids.push(rest);
  });
  const read = await mapLimited(
    ids,
    READS_AT_ONCE,
    async (snapshotId) => readTombstone(store, { ...handle, snapshotId, signal }),
    signal,
  );
  return read.filter((tombstone) => tombstone !== undefined);
}
