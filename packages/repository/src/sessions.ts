import { assert, Fault, hasCode } from "@cairn/kernel";
import { fromReserve, type Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import type { RepositoryHandle } from "./commits.ts";
import { repositoryNames } from "./names.ts";
import { readSealedJson, sealJson } from "./sealed-json.ts";
import {
  decodeSessionBegin,
  decodeSessionEnd,
  encodeSessionBegin,
  encodeSessionEnd,
  SESSION_MAGIC,
} from "./session/codec.ts";
import { SESSION_LIFETIME_MS, type Session, type SessionBegin, type SessionEnd } from "./session/session.ts";
import type { MaintenanceState } from "./state/state.ts";
import { readState } from "./states.ts";

const KIND = { magic: SESSION_MAGIC, purpose: "cairn session " };
const SESSION_ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** A session that has begun, and the state that its writer goes by for as long as it lasts. */
export interface OpenSession extends SessionBegin {
  readonly state: MaintenanceState;
}

/**
 * Announces a writer: reads the state, writes `begin`, reads the state again. The order is what makes
 * sweeping beside writers safe: what is condemned after the first reading waits for this session, and what
 * was condemned before the second one is in the state that is returned and must not be referred to.
 *
 * The same session may be begun again after a failure; what it said first counts. Faults: those of the store,
 * `object-exists` when the id is another session's, `session-ended`.
 */
export async function beginSession(
  store: Store,
  handle: RepositoryHandle,
  request: {
    readonly sessionId: string;
    readonly workloadId?: string;
    readonly snapshotId?: string;
    readonly bases: readonly string[];
    readonly lifetimeMs?: number;
    readonly hint?: number;
    readonly signal?: AbortSignal;
  },
): Promise<OpenSession> {
  const {
    sessionId,
    workloadId,
    snapshotId,
    bases,
    lifetimeMs = SESSION_LIFETIME_MS,
    hint,
    signal,
  } = request;
  assert(SESSION_ID.test(sessionId), `session id ${sessionId}`);
  const stop = signal === undefined ? {} : { signal };
  const before = await readState(store, handle, { ...stop, ...(hint === undefined ? {} : { hint }) });
  const startedAt = Math.floor(await store.time(signal));
  const wanted: SessionBegin = {
    sessionId,
    ...(workloadId === undefined ? {} : { workloadId }),
    ...(snapshotId === undefined ? {} : { snapshotId }),
    bases,
    epochSeen: before.epoch,
    startedAt,
    notAfter: startedAt + lifetimeMs,
  };
  const begin = await storeBegin(store, handle, wanted, signal);
  const state = await readState(store, handle, { ...stop, hint: before.epoch });
  return { ...begin, state };
}

async function storeBegin(
  store: Store,
  handle: RepositoryHandle,
  begin: SessionBegin,
  signal?: AbortSignal,
): Promise<SessionBegin> {
  const name = repositoryNames(handle.repositoryId).sessionBegin(begin.sessionId);
  try {
    await store.put(name, [sealJson(KIND, handle, name, encodeSessionBegin(begin))], signal);
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  const found = await readBegin(store, handle, begin.sessionId, signal);
  if (found === undefined) throw new Fault("object-missing", `reading ${name} back`, "later");
  const same =
    found.workloadId === begin.workloadId &&
    found.snapshotId === begin.snapshotId &&
    found.bases.join() === begin.bases.join();
  if (!same) throw new Fault("object-exists", `storing ${name}: it is another session`, "never");
  if (found.startedAt === begin.startedAt && found.epochSeen === begin.epochSeen) return found;
  if ((await readEnd(store, handle, begin.sessionId, signal)) !== undefined) {
    throw new Fault("session-ended", `beginning session ${begin.sessionId} again: it has ended`, "never");
  }
  return found;
}

/**
 * Says that a session refers to nothing that is not in its commit, which must be durable. Ending it again is
 * success; with another commit a Fault `object-exists`.
 */
export async function endSession(
  store: Store,
  handle: RepositoryHandle,
  request: {
    readonly sessionId: string;
    readonly commit?: { readonly workloadId: string; readonly snapshotId: string };
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { sessionId, commit, signal } = request;
  const name = repositoryNames(handle.repositoryId).sessionEnd(sessionId);
  const endedAt = Math.floor(await store.time(signal));
  const end: SessionEnd = { sessionId, ...(commit === undefined ? {} : { commit }), endedAt };
  try {
    await fromReserve(store).put(name, [sealJson(KIND, handle, name, encodeSessionEnd(end))], signal);
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  const found = await readEnd(store, handle, sessionId, signal);
  if (found?.commit?.workloadId !== commit?.workloadId || found?.commit?.snapshotId !== commit?.snapshotId) {
    throw new Fault("object-exists", `storing ${name}: it ended with another commit`, "never");
  }
}

/** The sessions that a listing of `w/` shows; begin and end of each are read. */
export async function* readSessions(
  store: Store,
  handle: RepositoryHandle,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Session> {
  const prefix = repositoryNames(handle.repositoryId).sessions;
  const ids = new Set<string>();
  for await (const name of store.list(prefix, options.signal)) {
    const [sessionId] = name.slice(prefix.length).split("/");
    if (sessionId !== undefined) ids.add(sessionId);
  }
  for (const sessionId of ids) {
    const session = await readSession(store, handle, { ...options, sessionId });
    if (session !== undefined) yield session;
  }
}

/** One session, or `undefined` when it has no `begin` (any more). */
export async function readSession(
  store: Store,
  handle: RepositoryHandle,
  options: { readonly sessionId: string; readonly signal?: AbortSignal },
): Promise<Session | undefined> {
  const { sessionId, signal } = options;
  const begin = await readBegin(store, handle, sessionId, signal);
  if (begin === undefined) return undefined;
  const end = await readEnd(store, handle, sessionId, signal);
  return { ...begin, ...(end === undefined ? {} : { end }) };
}

async function readBegin(
  store: Store,
  handle: RepositoryHandle,
  sessionId: string,
  signal?: AbortSignal,
): Promise<SessionBegin | undefined> {
  const name = repositoryNames(handle.repositoryId).sessionBegin(sessionId);
  const bytes = await ifThere(async () => readSealedJson(KIND, { store, handle, name }, signal));
  if (bytes === undefined) return undefined;
  const begin = decodeSessionBegin(name, bytes);
  if (begin.sessionId !== sessionId) throw damaged(name, 0, "it is another session");
  return begin;
}

async function readEnd(
  store: Store,
  handle: RepositoryHandle,
  sessionId: string,
  signal?: AbortSignal,
): Promise<SessionEnd | undefined> {
  const name = repositoryNames(handle.repositoryId).sessionEnd(sessionId);
  const bytes = await ifThere(async () => readSealedJson(KIND, { store, handle, name }, signal));
  if (bytes === undefined) return undefined;
  const end = decodeSessionEnd(name, bytes);
  if (end.sessionId !== sessionId) throw damaged(name, 0, "it is another session");
  return end;
}

async function ifThere<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (hasCode(cause, "object-missing")) return undefined;
    throw cause;
  }
}
