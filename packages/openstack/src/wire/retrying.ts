import { Fault, withDeadline } from "@cairn/kernel";
import { exchange, type Opened, type Outgoing, type Wire, wasNeverSent } from "./exchange.ts";
import { retryAfterMs } from "./refusal.ts";

/** How a request ended that might be made again. */
export type Ending =
  | { readonly kind: "status"; readonly status: number; readonly retryAfterMs: number | undefined }
  /** No whole answer came; `isSent`: the cloud may have got the request. */
  | { readonly kind: "lost"; readonly isSent: boolean };

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Whether doing it twice is the same as doing it once: reads, and deletions. */
  readonly isRepeatable: boolean;
  readonly ending: Ending;
}

const ATTEMPTS_MAX = 3;
const FIRST_PAUSE_MS = 200;
const PAUSE_FACTOR = 4;
/** Who asks us to wait longer is told to the caller, who has more patience. */
const RETRY_AFTER_MAX_MS = 15_000;

/**
 * How long to wait before the request is made again; undefined when it must not be. What cannot be repeated
 * (a POST, most PUTs) is only made again when it surely had no effect: no connection came about, or the cloud
 * said that we ask too often. A 503 may come from a proxy behind which the request was half done.
 */
export function planRetry({ number, isRepeatable, ending }: Attempt): number | undefined {
  if (number >= ATTEMPTS_MAX || !mayRepeat(isRepeatable, ending)) return undefined;
  const pauseMs = FIRST_PAUSE_MS * PAUSE_FACTOR ** (number - 1);
  if (ending.kind === "lost" || ending.retryAfterMs === undefined) return pauseMs;
  return ending.retryAfterMs > RETRY_AFTER_MAX_MS ? undefined : Math.max(pauseMs, ending.retryAfterMs);
}

function mayRepeat(isRepeatable: boolean, ending: Ending): boolean {
  if (ending.kind === "lost") return isRepeatable || !ending.isSent;
  if (ending.status === 429) return true;
  return isRepeatable && PASSING.includes(ending.status);
}

/** A gateway without the service behind it; not 500, which the service itself said. */
const PASSING = [502, 503, 504];

type Whole = Opened & { readonly text: string };

/**
 * Sends a request, again where that is safe, and reads the whole answer. All attempts and the pauses between
 * them share the time of one request.
 */
export async function exchangeSafely(wire: Wire, outgoing: Outgoing): Promise<Whole> {
  const endAt = wire.clock.now() + wire.requestTimeoutMs;
  const limit = withDeadline(wire.requestTimeoutMs, outgoing.signal);
  const isRepeatable = outgoing.isRepeatable ?? !outgoing.isWrite;
  for (let number = 1; ; number += 1) {
    const result = await take(wire, outgoing, limit);
    const pauseMs = planRetry({ number, isRepeatable, ending: endingOf(wire, result) });
    const isTooLate = pauseMs !== undefined && wire.clock.now() + pauseMs >= endAt;
    if (pauseMs === undefined || isTooLate || limit.aborted) {
      if (result.kind === "lost") throw result.cause;
      return result.whole;
    }
    await wire.clock.sleep(pauseMs, outgoing.signal);
  }
}

type Result =
  | { readonly kind: "answered"; readonly whole: Whole }
  | { readonly kind: "lost"; readonly cause: unknown };

async function take(wire: Wire, outgoing: Outgoing, limit: AbortSignal): Promise<Result> {
  try {
    return { kind: "answered", whole: await exchange(wire, outgoing, limit) };
  } catch (cause) {
    if (!(cause instanceof Fault) || outgoing.signal?.aborted === true) throw cause;
    if (cause.code !== "openstack-unavailable" && cause.code !== "openstack-outcome-unknown") throw cause;
    return { kind: "lost", cause };
  }
}

function endingOf(wire: Wire, result: Result): Ending {
  if (result.kind === "lost") return { kind: "lost", isSent: !wasNeverSent(result.cause) };
  const { status, headers } = result.whole.response;
  const waitMs = retryAfterMs(headers.get("retry-after"), wire.clock.now());
  return { kind: "status", status, retryAfterMs: waitMs };
}
