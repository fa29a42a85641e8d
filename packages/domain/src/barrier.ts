/**
 * The instances of a workload wait for each other: all are prepared, all are frozen, all points are taken,
 * each guest is thawed right after its own. This is the whole judgement, without effects; the database keeps
 * the state, and its clock alone counts.
 *
 * A moment exists at which all that could be frozen was frozen, and each point shows its disks as they were
 * at that moment. What is not frozen (no agent, stopped) is within the skew of it.
 */
export interface BarrierState {
  /** Instances that are waited for. */
  readonly members: readonly string[];
  readonly openedAtMs: number;
  readonly phase: BarrierPhase;
  readonly arrived: Readonly<Record<string, BarrierMember>>;
}

export type BarrierPhase =
  | { readonly kind: "gathering" }
  | { readonly kind: "freezing"; readonly sinceMs: number }
  | { readonly kind: "cutting"; readonly freezeAtMs: number; readonly sinceMs: number }
  | { readonly kind: "broken"; readonly because: string };

/** How far an instance is, by the attempt that says so: a later attempt is another one. */
export interface BarrierMember {
  readonly attempt: string;
  readonly at: "prepared" | "frozen" | "taken" | "thawed";
}

/** What an instance says. Saying it again changes nothing, so that it may ask whether it may go on. */
export interface BarrierSays {
  readonly instanceId: string;
  readonly attempt: string;
  readonly at: BarrierMember["at"] | "left";
  /** Why it left. */
  readonly because?: string;
}

export type BarrierVerdict =
  | { readonly verdict: "wait" }
  /** All are prepared. */
  | { readonly verdict: "freeze" }
  /** All are frozen, or have had their time. */
  | { readonly verdict: "cut" }
  /** Noted: so long after the word to cut, or to freeze. */
  | { readonly verdict: "noted"; readonly afterMs: number }
  /** Nobody is waited for any more: thaw, take the point alone. */
  | { readonly verdict: "alone"; readonly because: string };

/** Orders of busy hosts start late; nothing is frozen while they are waited for. */
export const BARRIER_GATHER_MS = 60_000;
/** A guest that has more to write than it can in this time is not waited for: others are frozen. */
export const BARRIER_FREEZE_MS = 2_000;
/** Points further apart than this are not one point. */
export const BARRIER_SKEW_MS = 2_000;
/** Each is a step and an order that wait at the same time. */
export const BARRIER_MEMBERS_MAX = 16;

/** A barrier that nobody has reached yet. */
export function openBarrier(members: readonly string[], nowMs: number): BarrierState {
  return { members, openedAtMs: nowMs, phase: { kind: "gathering" }, arrived: {} };
}

/** When the state changes by itself; nothing when it does not. */
export function barrierDueMs({ openedAtMs, phase }: BarrierState): number | undefined {
  switch (phase.kind) {
    case "gathering":
      return openedAtMs + BARRIER_GATHER_MS;
    case "freezing":
      return phase.sinceMs + BARRIER_FREEZE_MS;
    case "cutting":
    case "broken":
      return undefined;
  }
}

/** What follows from an instance's word, and what it is told. */
export function barrierStep(
  before: BarrierState,
  says: BarrierSays,
  nowMs: number,
): { readonly state: BarrierState; readonly verdict: BarrierVerdict } {
  const state = pass(take(before, says), nowMs);
  return { state, verdict: verdictFor(state, says, nowMs) };
}

function take(state: BarrierState, says: BarrierSays): BarrierState {
  const { instanceId, attempt, at } = says;
  const known = state.arrived[instanceId];
  if (at === "left") return known?.attempt === attempt ? leave(state, says) : state;
  const isNew = known?.attempt !== attempt;
  // Who comes, or comes again, when the others have gone on is too late.
  if (isNew && (at !== "prepared" || state.phase.kind !== "gathering")) return state;
  if (!isNew && ORDER.indexOf(at) <= ORDER.indexOf(known.at)) return state;
  return { ...state, arrived: { ...state.arrived, [instanceId]: { attempt, at } } };
}

const ORDER: readonly BarrierMember["at"][] = ["prepared", "frozen", "taken", "thawed"];

/** While nothing is frozen its next attempt is waited for; later the others are let go at once. */
function leave(state: BarrierState, { instanceId, because }: BarrierSays): BarrierState {
  const { [instanceId]: _, ...arrived } = state.arrived;
  switch (state.phase.kind) {
    case "gathering":
      return { ...state, arrived };
    case "freezing": {
      const why = `instance ${instanceId} failed at the barrier: ${because ?? "its order ended"}`;
      return { ...state, arrived, phase: { kind: "broken", because: why } };
    }
    case "cutting":
    case "broken":
      return { ...state, arrived };
  }
}

function pass(state: BarrierState, nowMs: number): BarrierState {
  const { phase } = state;
  const due = barrierDueMs(state);
  const isOver = due !== undefined && nowMs >= due;
  switch (phase.kind) {
    case "gathering": {
      const missing = state.members.filter((id) => state.arrived[id] === undefined);
      if (missing.length === 0) return { ...state, phase: { kind: "freezing", sinceMs: nowMs } };
      if (!isOver) return state;
      const because = `not ready within ${BARRIER_GATHER_MS / 1000} s: instance ${missing.join(", ")}`;
      return { ...state, phase: { kind: "broken", because } };
    }
    case "freezing": {
      const isFrozen = (id: string): boolean => {
        const member = state.arrived[id];
        return member !== undefined && member.at !== "prepared";
      };
      if (!isOver && !state.members.every(isFrozen)) return state;
      return { ...state, phase: { kind: "cutting", freezeAtMs: phase.sinceMs, sinceMs: nowMs } };
    }
    case "cutting":
    case "broken":
      return state;
  }
}

function verdictFor(
  { arrived, phase }: BarrierState,
  { at, attempt, instanceId }: BarrierSays,
  nowMs: number,
): BarrierVerdict {
  if (at === "left") return { verdict: "noted", afterMs: 0 };
  if (phase.kind === "broken") return { verdict: "alone", because: phase.because };
  if (arrived[instanceId]?.attempt !== attempt)
    return { verdict: "alone", because: "the other instances had taken their points before" };
  switch (phase.kind) {
    case "gathering":
      return { verdict: "wait" };
    case "freezing":
      return at === "prepared" ? { verdict: "freeze" } : { verdict: "wait" };
    case "cutting":
      if (at === "taken") return { verdict: "noted", afterMs: nowMs - phase.sinceMs };
      if (at === "thawed") return { verdict: "noted", afterMs: nowMs - phase.freezeAtMs };
      return at === "prepared" ? { verdict: "freeze" } : { verdict: "cut" };
  }
}

/** What an instance's order says of the barrier. */
export type BarrierOutcome =
  | {
      readonly kind: "together";
      /** The point was taken so long after the common word to take it, at most. */
      readonly takenMs: number;
      /** The guest was thawed so long after the common word to freeze, at most. */
      readonly thawedMs: number;
    }
  | { readonly kind: "apart"; readonly because: string };

/** Whether the points of a workload's instances are one. */
export type WorkloadPoint =
  | {
      readonly kind: "together";
      /** All points lie within so many milliseconds. */
      readonly skewMs: number;
      /** From the first freeze to the last thaw. */
      readonly windowMs: number;
    }
  | { readonly kind: "apart"; readonly because: string };

/** Judges the points of a snapshot; nothing when its instances were not to meet. */
export function workloadPoint(
  members: readonly { readonly name: string; readonly barrier?: BarrierOutcome | undefined }[],
): WorkloadPoint | undefined {
  const outcomes = members.flatMap(({ name, barrier }) => (barrier === undefined ? [] : [{ name, barrier }]));
  if (outcomes.length === 0 || outcomes.length < members.length) return undefined;
  let [skewMs, windowMs] = [0, 0];
  for (const { name, barrier } of outcomes) {
    if (barrier.kind === "apart") return { kind: "apart", because: `${name}: ${barrier.because}` };
    skewMs = Math.max(skewMs, barrier.takenMs);
    windowMs = Math.max(windowMs, barrier.thawedMs);
  }
  if (skewMs <= BARRIER_SKEW_MS) return { kind: "together", skewMs, windowMs };
  return { kind: "apart", because: `the points lie ${skewMs} ms apart, more than ${BARRIER_SKEW_MS} ms` };
}
