import { type Clock, Fault } from "@cairn/kernel";

/** How long a wait may last, and who may end it. */
export interface WaitLimit {
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a look at a thing says about the wait for it. */
export type Verdict = "reached" | "pending" | "broken";

export interface Wait<Thing> {
  /** `waiting for instance 42 to become ACTIVE`. */
  readonly doing: string;
  readonly clock: Clock;
  readonly limit: WaitLimit;
  observe(signal: AbortSignal | undefined): Promise<Thing | undefined>;
  judge(thing: Thing | undefined): Verdict;
  /** The state of the thing for the message: `BUILD (spawning)`. */
  describe(thing: Thing | undefined): string;
}

const FIRST_PAUSE_MS = 200;
const PAUSE_FACTOR = 1.5;
const PAUSE_MAX_MS = 5000;

/**
 * Looks again and again, with growing pauses, until the judgement is made or the time is over. A look that
 * the cloud did not answer is no judgement, so it is taken again; everything else that goes wrong ends the
 * wait.
 */
export async function waitUntil<Thing>(wait: Wait<Thing>): Promise<Thing | undefined> {
  const { clock, limit, doing } = wait;
  const deadline = clock.now() + limit.withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_FACTOR, PAUSE_MAX_MS)) {
    const look = await take(wait);
    if (look.kind === "seen") {
      const verdict = wait.judge(look.thing);
      if (verdict === "reached") return look.thing;
      if (verdict === "broken") {
        throw new Fault("openstack-broken", `${doing}: it is ${wait.describe(look.thing)}`, "never");
      }
    }
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) throw tooLate(wait, look);
    await clock.sleep(Math.min(pauseMs, leftMs), limit.signal);
  }
}

type Look<Thing> =
  | { readonly kind: "seen"; readonly thing: Thing | undefined }
  | { readonly kind: "unanswered"; readonly cause: Fault };

async function take<Thing>(wait: Wait<Thing>): Promise<Look<Thing>> {
  try {
    return { kind: "seen", thing: await wait.observe(wait.limit.signal) };
  } catch (cause) {
    if (cause instanceof Fault && cause.code === "openstack-unavailable")
      return { kind: "unanswered", cause };
    throw cause;
  }
}

function tooLate<Thing>(wait: Wait<Thing>, look: Look<Thing>): Fault {
  const message = `${wait.doing} for ${String(Math.round(wait.limit.withinMs / 1000))} s`;
  if (look.kind === "unanswered") return new Fault("openstack-timeout", message, "later", look.cause);
  return new Fault("openstack-timeout", `${message}: it is ${wait.describe(look.thing)}`, "later");
}
