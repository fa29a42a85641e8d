import { type Clock, describeFault, Fault } from "@cairn/kernel";
import type { DomainRef, LibvirtClient } from "@cairn/libvirt";
import { fieldsOf, optionalNumber, optionalText } from "../../host/json.ts";
import type { Point } from "../port.ts";
import type { DescribedDomain } from "./domain-xml.ts";
import { THAWS_MS } from "./freeze-note.ts";

/** The daemon stops waiting for the agent after so many seconds; the agent may act later all the same. */
const FREEZE_TIMEOUT_S = 3;
const THAW_TIMEOUT_S = 5;
const THAWS_MAX = 3;

export type Consistency = Point["consistency"];

/** The guest's agent, and who has to know when a freeze begins and ends. */
export interface GuestAgent {
  readonly client: Pick<LibvirtClient, "agentCommand">;
  readonly domain: DomainRef;
  readonly clock: Clock;
  readonly state: DescribedDomain["agent"];
  /** A paused guest's agent cannot answer. */
  readonly isPaused: boolean;
  /** Why it cannot be asked although it seems to be there, as `wakeAgent` found. */
  readonly refusal?: string | undefined;
  /** Called before the guest is frozen: from now on somebody else, too, sees to it that it is thawed. */
  readonly oweThaw: () => Promise<void>;
  /** Called after the thaw. Tells who was first: after anybody else's, what was cut is not consistent. */
  readonly thawed: () => Promise<"datamover" | "guard">;
  /** Told how long the agent took to freeze, and to thaw: the rest of the time is ours. */
  readonly took?: (freezeMs: number, thawMs: number) => void;
}

/**
 * Asks the agent once before anything depends on its answer: a silent one is found while nobody waits,
 * libvirt and agent have agreed on where they are in their talk, and the agent's memory is not swapped out.
 * Gives what speaks against freezing.
 */
export async function wakeAgent(
  agent: Pick<GuestAgent, "client" | "domain" | "state" | "isPaused">,
): Promise<string | undefined> {
  const reason = reasonAgainst(agent);
  if (reason !== undefined) return reason;
  try {
    const status = await ask(agent, "guest-fsfreeze-status", FREEZE_TIMEOUT_S);
    // It is not ours to thaw, and whoever froze it may thaw it at any time.
    return status["return"] === "thawed" ? undefined : "somebody else has frozen the guest";
  } catch (cause) {
    return `the guest agent does not answer: ${describeFault(cause)}`;
  }
}

/**
 * Cuts the point with the guest's file systems frozen where its agent can do that, and tells how consistent
 * the point is and for how long the guest was frozen. Nothing is asked of anybody between freeze, cut and
 * thaw: what can be done before or afterwards is. Whatever happens, the guest is thawed: at once after the
 * cut, and while the cut still waits when the deadline has come. A guest that cannot be frozen is cut all the
 * same.
 */
export async function cutConsistently(agent: GuestAgent, cut: () => Promise<void>): Promise<Consistency> {
  const reason = reasonAgainst(agent);
  if (reason !== undefined) {
    await cut();
    return { quality: "crash", reason };
  }
  const { clock } = agent;
  const owedAtMs = clock.now();
  await agent.oweThaw();
  const startedAtMs = clock.now();
  let frozen: number | undefined;
  let refusal: unknown;
  try {
    frozen = await freeze(agent);
  } catch (cause) {
    refusal = cause;
  }
  const frozenAtMs = clock.now();
  const thawing = new Thaw(agent, owedAtMs + THAWS_MS);
  try {
    await cut();
  } finally {
    // One whose agent is silent may freeze later, when the agent comes to it: that stays owed.
    if ((await thawing.now(frozen !== undefined)) && (await agent.thawed()) === "guard")
      thawing.wasLate = true;
  }
  if (frozen === undefined) return { quality: "crash", reason: `freezing failed: ${describeFault(refusal)}` };
  if (thawing.wasLate) return { quality: "crash", reason: "the guest was thawed before the point was taken" };
  const freezeMs = thawing.answeredAtMs - startedAtMs;
  agent.took?.(frozenAtMs - startedAtMs, thawing.answeredAtMs - thawing.askedAtMs);
  const what = `the guest agent had frozen ${frozen} file systems, for ${freezeMs} ms`;
  return { quality: "file-system", reason: what, freezeMs };
}

/**
 * Thaws a guest whatever its agent thinks of it, and makes sure: its word counts, for a thaw is refused, too,
 * when all is thawed and a script of the guest's has failed after it. `answered` is called after each thaw.
 */
export async function thawGuest(
  agent: Pick<GuestAgent, "client" | "domain">,
  signal?: AbortSignal,
  answered?: () => void,
): Promise<void> {
  let failure: unknown;
  for (let attempt = 1; attempt <= THAWS_MAX; attempt += 1) {
    try {
      await ask(agent, "guest-fsfreeze-thaw", THAW_TIMEOUT_S);
    } catch (cause) {
      failure = cause;
    }
    answered?.();
    try {
      const status = await ask(agent, "guest-fsfreeze-status", THAW_TIMEOUT_S);
      if (status["return"] === "thawed") return;
      failure ??= new Fault("guest-frozen", `its agent says ${optionalText(status, "return")}`, "later");
    } catch (cause) {
      failure ??= cause;
    }
    signal?.throwIfAborted();
  }
  throw new Fault("guest-frozen", `thawing instance ${agent.domain.uuid}`, "later", failure);
}

/** One thaw, at the deadline or when it is asked for, whichever is first. */
class Thaw {
  wasLate = false;
  /** When the agent had answered the last thaw: asking whether it worked is not the guest's time any more. */
  answeredAtMs = 0;
  askedAtMs = 0;
  readonly #agent: GuestAgent;
  readonly #timer: NodeJS.Timeout;
  #done: Promise<void> | undefined;

  constructor(agent: GuestAgent, deadlineMs: number) {
    this.#agent = agent;
    this.#timer = setTimeout(
      () => {
        this.wasLate = true;
        this.#done = this.#thaw();
        // Whoever asks later is told; nobody may be there yet.
        this.#done.catch(() => undefined);
      },
      Math.max(0, deadlineMs - agent.clock.now()),
    );
  }

  /** Whether the guest is thawed; of one that is known to be frozen, anything else is a Fault. */
  async now(isFrozen: boolean): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#done ??= this.#thaw();
    try {
      await this.#done;
      return true;
    } catch (cause) {
      if (isFrozen) throw cause;
      return false;
    }
  }

  async #thaw(): Promise<void> {
    this.askedAtMs = this.#agent.clock.now();
    await thawGuest(this.#agent, undefined, () => {
      this.answeredAtMs = this.#agent.clock.now();
    });
  }
}

/** Why there is no use in asking the agent anything. */
export function reasonAgainst({
  state,
  isPaused,
  refusal,
}: Pick<GuestAgent, "state" | "isPaused" | "refusal">): string | undefined {
  if (refusal !== undefined) return refusal;
  if (isPaused) return "the instance is paused";
  switch (state) {
    case "absent":
      return "the instance has no guest agent (image property hw_qemu_guest_agent)";
    case "disconnected":
      return "the instance's guest agent is not running";
    case "connected":
      return undefined;
  }
}

async function freeze(agent: GuestAgent): Promise<number> {
  const answer = await ask(agent, "guest-fsfreeze-freeze", FREEZE_TIMEOUT_S);
  return optionalNumber(answer, "return") ?? 0;
}

async function ask(
  { client, domain }: Pick<GuestAgent, "client" | "domain">,
  command: string,
  timeoutS: number,
): Promise<ReturnType<typeof fieldsOf>> {
  const line = JSON.stringify({ execute: command });
  return fieldsOf(JSON.parse(await client.agentCommand(domain, { line, timeoutS })));
}
