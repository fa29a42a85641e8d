/** What a writer says before it looks at anything that it might refer to. */
export interface SessionBegin {
  readonly sessionId: string;
  readonly workloadId?: string;
  /** The snapshot that it is going to commit, when it is known. */
  readonly snapshotId?: string;
  /** Snapshots whose trees it takes over; none of them is removed while it lives. */
  readonly bases: readonly string[];
  /** The epoch of the newest state before the session began. */
  readonly epochSeen: number;
  /** The store's time, ms since 1970. */
  readonly startedAt: number;
  /** The session may commit until `SESSION_MARGIN_MS` before; it counts as over that much after. */
  readonly notAfter: number;
}

/** What a writer says last. */
export interface SessionEnd {
  readonly sessionId: string;
  /** What it committed; nothing when it gave up. */
  readonly commit?: { readonly workloadId: string; readonly snapshotId: string };
  /** The store's time, ms since 1970. */
  readonly endedAt: number;
}

/** A session as it lies on the store. */
export interface Session extends SessionBegin {
  readonly end?: SessionEnd;
}

/** Between the last commit that a session may make and its being over; clocks may differ by half of it. */
export const SESSION_MARGIN_MS = 10 * 60 * 1000;
/** How long a session may last unless told. */
export const SESSION_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;

/** Whether a session may still commit at this time of the store. Ask right before writing the commit. */
export function mayCommit(session: SessionBegin, storeTimeMs: number): boolean {
  return storeTimeMs < session.notAfter - SESSION_MARGIN_MS;
}

/** Whether a session can do nothing any more: it has ended, or its time is over. */
export function isSessionOver(session: Session, storeTimeMs: number): boolean {
  return session.end !== undefined || storeTimeMs > session.notAfter + SESSION_MARGIN_MS;
}
