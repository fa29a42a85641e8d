import type { ApiClient, RestoreDetail, SnapshotDetail, WorkloadDetail } from "@cairn/contract";
import { type Clock, Fault, systemClock } from "@cairn/kernel";

const LOOK_EVERY_MS = 1_000;
/** The API may be restarted while one waits: this many looks in a row may go unanswered. */
const UNANSWERED_MAX = 60;

/** How one looks again and again. */
export interface LookOptions {
  /** What is waited for, as errors name it. */
  readonly title: string;
  readonly clock?: Clock;
  /** Ends the waiting, not what is waited for. */
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
}

/**
 * Looks once a second for as long as the caller goes on, and passes over an API that is away for a moment. A
 * refusal ends it, and so does a signal, with its reason.
 */
export async function* looks<Seen>(
  look: () => Promise<Seen>,
  { title, clock = systemClock, signal, everyMs = LOOK_EVERY_MS }: LookOptions,
): AsyncGenerator<Seen, never, undefined> {
  let unanswered = 0;
  for (;;) {
    signal?.throwIfAborted();
    const seen = await answered(look);
    unanswered = seen === undefined ? unanswered + 1 : 0;
    if (unanswered > UNANSWERED_MAX) throw new Fault("api-unreachable", `waiting for ${title}`, "later");
    if (seen !== undefined) yield seen.value;
    await clock.sleep(everyMs, signal);
  }
}

async function answered<Seen>(look: () => Promise<Seen>): Promise<{ readonly value: Seen } | undefined> {
  try {
    return { value: await look() };
  } catch (cause) {
    if (cause instanceof Fault && cause.retry === "later") return undefined;
    throw cause;
  }
}

const MOVING_SNAPSHOT = new Set([
  "creating",
  "executing",
  "snapshotting",
  "uploading",
  "cancelling",
  "mounting",
]);
const MOVING_RESTORE = new Set(["creating", "executing", "restoring", "cancelling"]);
const MOVING_WORKLOAD = new Set(["creating", "locked", "updating", "resetting", "deleting"]);

/** Whether a snapshot of this status is still being taken, or mounted. */
export function isSnapshotMoving(status: string): boolean {
  return MOVING_SNAPSHOT.has(status);
}

/** Whether a restore of this status is still running. */
export function isRestoreMoving(status: string): boolean {
  return MOVING_RESTORE.has(status);
}

/** How to wait for something, and what to tell meanwhile. */
export interface WaitOptions<Seen> extends Omit<LookOptions, "title"> {
  /** Called with each look. */
  readonly onLook?: (seen: Seen) => void;
}

/**
 * Waits until a snapshot has ended, and gives it as it ended: `available`, `error` or `cancelled`; one that
 * is being mounted `mounted`, or `available` with the reason in `error_msg`.
 */
export async function waitForSnapshot(
  api: ApiClient,
  id: string,
  options: WaitOptions<SnapshotDetail> = {},
): Promise<SnapshotDetail> {
  const look = async () => (await api.showSnapshot({ params: { snapshot_id: id } })).snapshot;
  return until(look, (seen) => !isSnapshotMoving(seen.status), { title: `snapshot ${id}`, ...options });
}

/** Waits until a restore has ended, and gives it as it ended: `available`, `error` or `cancelled`. */
export async function waitForRestore(
  api: ApiClient,
  id: string,
  options: WaitOptions<RestoreDetail> = {},
): Promise<RestoreDetail> {
  const look = async () => (await api.showRestore({ params: { restore_id: id } })).restore;
  return until(look, (seen) => !isRestoreMoving(seen.status), { title: `restore ${id}`, ...options });
}

/** Waits until nothing works on a workload any more; one that is deleted meanwhile is refused: not found. */
export async function waitForWorkload(
  api: ApiClient,
  id: string,
  options: WaitOptions<WorkloadDetail> = {},
): Promise<WorkloadDetail> {
  const look = async () => (await api.showWorkload({ params: { workload_id: id } })).workload;
  return until(look, (seen) => !MOVING_WORKLOAD.has(seen.status), { title: `workload ${id}`, ...options });
}

async function until<Seen>(
  look: () => Promise<Seen>,
  isOver: (seen: Seen) => boolean,
  { onLook, ...options }: WaitOptions<Seen> & LookOptions,
): Promise<Seen> {
  for await (const seen of looks(look, options)) {
    onLook?.(seen);
    if (isOver(seen)) return seen;
  }
  throw new Error(`bug: looking at ${options.title} ended by itself`);
}
