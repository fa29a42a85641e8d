import type { GuardAction, GuardEvent, GuardState, Step, WatchedFreeze } from "./state.ts";
import { withFreeze, withoutFreeze } from "./state.ts";

/** An agent that does not answer may answer later; a frozen guest waits for nothing else. */
const THAW_RETRY_MS = 1_000;
/** Ten minutes and more: by then the guest has been rebooted by its owner. */
export const THAWS_MAX = 600;

/** Thaws what is due: at its deadline, and at once when the datamover has ended. */
export function freezeDue(before: GuardState, nowMs: number): Step {
  let state = before;
  const actions: GuardAction[] = [];
  for (const known of before.freezes.values()) {
    const attempt = dueAttempt(known, before.datamover.channel !== "open", nowMs);
    if (attempt === undefined) continue;
    state = withFreeze(state, { ...known, phase: { kind: "thawing", attempt } });
    actions.push({ kind: "thaw", id: known.id, freeze: known.freeze });
    if (attempt > 1) continue;
    actions.push({
      kind: "note",
      level: "warn",
      event: "guard.thaw-overdue",
      fields: { instance: known.id },
    });
  }
  return { state, actions };
}

function dueAttempt(
  { phase, thawAtMs }: WatchedFreeze,
  isOrphan: boolean,
  nowMs: number,
): number | undefined {
  switch (phase.kind) {
    case "watched":
      return isOrphan || nowMs >= thawAtMs ? 1 : undefined;
    case "thaw-due":
      return nowMs >= phase.atMs ? phase.attempt + 1 : undefined;
    case "thawing":
    case "thawed":
      return undefined;
  }
}

/** The datamover says that it has thawed, and is told who was first. */
export function thawIsAsked(state: GuardState, id: string): Step {
  const known = state.freezes.get(id);
  switch (known?.phase.kind) {
    case undefined:
    case "watched":
      return answer(state, id, "datamover");
    case "thawed":
    case "thaw-due":
      return answer(state, id, "guard");
    case "thawing":
      return { state: withFreeze(state, { ...known, isAsked: true }), actions: [] };
  }
}

/** The guard has thawed, and writes it down. */
export function thawEnded(state: GuardState, id: string): Step {
  const known = state.freezes.get(id);
  if (known === undefined) return { state, actions: [] };
  const said: GuardAction = {
    kind: "note",
    level: "error",
    event: "guard.thawed",
    fields: { instance: id, within_ms: known.freeze.withinMs },
  };
  const isOrphan = state.datamover.channel !== "open";
  if (isOrphan) return { state: withoutFreeze(state, id), actions: [said] };
  if (!known.isAsked)
    return { state: withFreeze(state, { ...known, phase: { kind: "thawed" } }), actions: [said] };
  const answered = answer(state, id, "guard");
  return { ...answered, actions: [said, ...answered.actions] };
}

/** Tried again until the datamover says that it has thawed. */
export function thawFailed(
  state: GuardState,
  { id, why }: Extract<GuardEvent, { kind: "thaw-failed" }>,
  nowMs: number,
): Step {
  const known = state.freezes.get(id);
  if (known?.phase.kind !== "thawing") return { state, actions: [] };
  const { attempt } = known.phase;
  const isLast = attempt >= THAWS_MAX;
  const said: GuardAction = {
    kind: "note",
    level: isLast ? "error" : "warn",
    event: isLast ? "guard.thaw-impossible" : "guard.thaw-failed",
    fields: { instance: id, attempt, why },
  };
  if (known.isAsked) {
    const answered = answer(state, id, "guard");
    return { ...answered, actions: [said, ...answered.actions] };
  }
  if (isLast) return { state: withoutFreeze(state, id), actions: [said] };
  const phase = { kind: "thaw-due", attempt, atMs: nowMs + THAW_RETRY_MS } as const;
  return { state: withFreeze(state, { ...known, phase }), actions: [said] };
}

function answer(state: GuardState, id: string, by: "datamover" | "guard"): Step {
  return {
    state: withoutFreeze(state, id),
    actions: [{ kind: "tell", message: { type: "thaw-known", id, by } }],
  };
}
