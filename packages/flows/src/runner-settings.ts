import { hasCode } from "@cairn/kernel";

/** The limits of a runner, all of them: each wait and each repetition has its bound here. */
export interface RunnerSettings {
  /** How long a run stays an engine's without a sign of life. Bounds how long a dead engine holds it up. */
  readonly leaseMs: number;
  /** How often the lease is renewed and cancellation looked for. */
  readonly renewMs: number;
  /** Steps of one stage that are performed or undone at once. */
  readonly stepsMax: number;
  readonly perform: AttemptSettings;
  readonly undo: AttemptSettings;
  /** A datamover that was not seen for so long is away. */
  readonly awayMs: number;
  /** How often an order's row is looked at when nothing was notified. */
  readonly orderPollMs: number;
}

export interface AttemptSettings {
  readonly attemptsMax: number;
  /** The same while OpenStack gives no answer: that says nothing about the step, and passes. */
  readonly outageAttemptsMax: number;
  /** Of one attempt. */
  readonly deadlineMs: number;
  /** The pause after the first attempt; doubled after each further one up to `pauseMaxMs`. */
  readonly pauseMs: number;
  readonly pauseMaxMs: number;
}

const HOUR_MS = 3_600_000;

/**
 * For production. Twelve seconds of lease and a look for stranded runs every five bound the recovery from a
 * dead engine to under 20 s. A step may move terabytes: a day. An undo only removes things: ten minutes.
 * Undo tries longer than perform: what it cannot remove stays in the user's cloud. An outage of OpenStack is
 * waited out for about half an hour, and for a day when there is something to remove.
 */
export const runnerDefaults: RunnerSettings = {
  leaseMs: 12_000,
  renewMs: 1_000,
  stepsMax: 8,
  perform: {
    attemptsMax: 8,
    outageAttemptsMax: 60,
    deadlineMs: 24 * HOUR_MS,
    pauseMs: 1_000,
    pauseMaxMs: 30_000,
  },
  undo: {
    attemptsMax: 20,
    outageAttemptsMax: 2_880,
    deadlineMs: HOUR_MS / 6,
    pauseMs: 1_000,
    pauseMaxMs: 30_000,
  },
  awayMs: 60_000,
  orderPollMs: 1_000,
};

/** Whether attempt number `attempt` (from 1) was not the last, given why it failed. */
export function mayTryAgain(settings: AttemptSettings, attempt: number, cause: unknown): boolean {
  return attempt < (isOutage(cause) ? settings.outageAttemptsMax : settings.attemptsMax);
}

/** No answer, or a gateway's: neither a refusal nor a success. A lost answer to a write is one, too. */
function isOutage(cause: unknown): boolean {
  return hasCode(cause, "openstack-unavailable") || hasCode(cause, "openstack-outcome-unknown");
}

/** The pause after attempt number `attempt` (from 1). */
export function pauseAfter(settings: AttemptSettings, attempt: number): number {
  return Math.min(settings.pauseMs * 2 ** Math.min(attempt - 1, 30), settings.pauseMaxMs);
}
