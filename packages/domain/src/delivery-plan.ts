/*
 * When a notice that did not arrive is sent again. Pure: the time that passed comes in.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The pause after the first, second … attempt; after the last of these, it again. */
const PAUSES_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
] as const;

/** What does not arrive for so long is given up. */
export const DELIVERY_GIVE_UP_MS = 24 * HOUR_MS;

/** How an attempt ended that did not arrive. `refused`: it would be again. */
export type FailedAttempt = { readonly kind: "refused" | "unavailable"; readonly message: string };

export type DeliveryVerdict =
  | { readonly kind: "again"; readonly pauseMs: number }
  | { readonly kind: "give-up"; readonly because: string };

/** What comes after attempt number `attempt` (from 1) failed, `ageMs` after the notice was written. */
export function afterFailure(
  attempt: number,
  ageMs: number,
  { kind, message }: FailedAttempt,
): DeliveryVerdict {
  if (kind === "refused") return { kind: "give-up", because: message };
  const pauseMs = PAUSES_MS[Math.min(attempt, PAUSES_MS.length) - 1] ?? SECOND_MS;
  if (ageMs + pauseMs <= DELIVERY_GIVE_UP_MS) return { kind: "again", pauseMs };
  const hours = DELIVERY_GIVE_UP_MS / HOUR_MS;
  return { kind: "give-up", because: `given up after ${String(hours)} hours: ${message}` };
}
