import type { GivenUp, ToGuard } from "./codec.ts";
import { freezeDue, thawEnded, thawFailed, thawIsAsked } from "./freezes.ts";
import {
  type GuardAction,
  type GuardEvent,
  type GuardState,
  type PointPhase,
  pointId,
  type Step,
  type WatchedPoint,
  withFreeze,
  withoutPoint,
  withPoint,
} from "./state.ts";

/** A failed abort is tried again after this; a point that came back is aborted again no sooner. */
export const RETRY_MS = 1_000;
/** Ten minutes and more: then QEMU or libvirt is beyond what a guard can do, and the log says so. */
export const ATTEMPTS_MAX = 600;
/** Ticks that a datamover has to let go of a point that is given up: one that runs does it at once. */
export const READER_TICKS_MAX = 8;
/** A file system that does not say how much room it has for so long is as good as full. */
export const MEASURE_MS_MAX = 5_000;

/** What follows from an event: the guard's whole judgement, without effects. */
export function step(state: GuardState, event: GuardEvent, nowMs: number): Step {
  switch (event.kind) {
    case "message":
      return take(heard(state, nowMs), event.message, nowMs);
    case "channel-ended":
      return tick(withoutDone({ ...state, datamover: { ...state.datamover, channel: "ended" } }), nowMs);
    case "told-to-end":
      return tick({ ...state, isHurried: true }, nowMs);
    case "tick":
      return tick(state, nowMs);
    case "measured":
      return measured({ ...state, measuringSinceMs: undefined }, event, nowMs);
    case "unmeasurable":
      return giveUpAll(
        { ...state, measuringSinceMs: undefined },
        { kind: "unusable", why: event.why },
        nowMs,
      );
    case "threshold":
      return threshold(state, event);
    case "abort-ended":
      return abortEnded(state, event, nowMs);
    case "abort-failed":
      return abortFailed(state, event, nowMs);
    case "thaw-ended":
      return thawEnded(state, event.id);
    case "thaw-failed":
      return thawFailed(state, event, nowMs);
  }
}

function heard(state: GuardState, nowMs: number): GuardState {
  return { ...state, datamover: { ...state.datamover, lastHeardMs: nowMs, isLost: false } };
}

function take(state: GuardState, message: ToGuard, nowMs: number): Step {
  switch (message.type) {
    case "hello":
      return { state, actions: [] };
    case "alive":
      return only(state, { kind: "tell", message: { type: "alive" } });
    case "watch": {
      const id = pointId(message.point);
      const fresh = { id, point: message.point, thresholds: [], readers: 0, isLeaving: false };
      const known = state.points.get(id) ?? { ...fresh, phase: { kind: "watched" } };
      return only(withPoint(state, known), { kind: "tell", message: { type: "watched", id } });
    }
    case "confirm": {
      const { id } = message;
      const because = whyGivenUp(state.points.get(id));
      if (because === undefined) return only(state, { kind: "tell", message: { type: "confirmed", id } });
      return only(state, { kind: "tell", message: { type: "given-up", id, because } });
    }
    case "thresholds": {
      const known = state.points.get(message.id);
      if (known === undefined) return { state, actions: [] };
      const told = withPoint(state, { ...known, thresholds: message.devices });
      return { state: told, actions: listening(told) };
    }
    case "readers": {
      const known = state.points.get(message.id);
      if (known === undefined) return { state, actions: [] };
      return heldUp(withPoint(state, { ...known, readers: message.open }), "heard");
    }
    case "release":
      return release(state, message.id);
    case "freeze": {
      const { freeze } = message;
      const id = freeze.instanceId;
      const thawAtMs = nowMs + freeze.withinMs;
      const watched = { id, freeze, thawAtMs, phase: { kind: "watched" }, isAsked: false } as const;
      return only(withFreeze(state, watched), { kind: "tell", message: { type: "freeze-watched", id } });
    }
    case "thawed":
      return thawIsAsked(state, message.id);
  }
}

/** A point that the guard does not know is one that it has not got in its care. */
function whyGivenUp(known: WatchedPoint | undefined): GivenUp | undefined {
  if (known === undefined) return { kind: "unusable", why: "the guard does not know the point" };
  return known.phase.kind === "watched" ? undefined : known.phase.because;
}

function release(state: GuardState, id: string): Step {
  const known = state.points.get(id);
  // What the datamover and the guard take down at once would be taken down twice: it waits.
  if (known?.phase.kind === "aborting")
    return { state: withPoint(state, { ...known, isLeaving: true }), actions: [] };
  return only(withoutPoint(state, id), { kind: "tell", message: { type: "released", id } });
}

function tick(before: GuardState, nowMs: number): Step {
  let { state, actions }: Step = freezeDue(afterOwnPause(before, nowMs), nowMs);
  const { channel, isLost, lastHeardMs } = state.datamover;
  const silentMs = nowMs - lastHeardMs;
  const isDue = silentMs >= state.settings.silenceMs || (state.isHurried && channel === "ended");
  if (!isLost && isDue) {
    const lost = { ...state, datamover: { ...state.datamover, isLost: true } };
    const given = giveUpAll(lost, { kind: "silence", silentMs: Math.round(silentMs) }, nowMs);
    state = given.state;
    actions = [...actions, ...given.actions];
  }
  for (const known of state.points.values()) {
    if (known.phase.kind !== "abort-due" || nowMs < known.phase.atMs) continue;
    const again = abort(state, known, known.phase.because, known.phase.attempt + 1);
    state = again.state;
    actions = [...actions, ...again.actions];
  }
  const held = heldUp(state, "tick");
  const looked = look(held.state, nowMs);
  return {
    state: { ...looked.state, lastTickMs: nowMs },
    actions: [...actions, ...held.actions, ...looked.actions],
  };
}

/** A guard that did not run itself cannot say that the datamover was silent meanwhile. */
function afterOwnPause(state: GuardState, nowMs: number): GuardState {
  const { intervalMs } = state.settings;
  const pauseMs = nowMs - (state.lastTickMs ?? nowMs) - intervalMs;
  if (pauseMs < 4 * intervalMs) return state;
  const { datamover } = state;
  const lastHeardMs = Math.min(nowMs, datamover.lastHeardMs + pauseMs);
  return { ...state, datamover: { ...datamover, lastHeardMs } };
}

function look(state: GuardState, nowMs: number): Step {
  if (state.points.size === 0) return { state, actions: [] };
  const sinceMs = state.measuringSinceMs;
  if (sinceMs === undefined) {
    const measuring = { ...state, measuringSinceMs: nowMs };
    const measure = { kind: "measure", ids: [...state.points.keys()] } as const;
    return { state: measuring, actions: [measure, ...listening(state)] };
  }
  if (nowMs - sinceMs < MEASURE_MS_MAX) return { state, actions: [] };
  const why = `no answer within ${MEASURE_MS_MAX} ms about how much room there is`;
  return giveUpAll(state, { kind: "unusable", why }, nowMs);
}

/** Where events are to be listened to; a connection that was lost is made again by this. */
function listening(state: GuardState): readonly GuardAction[] {
  return [...state.points.values()].flatMap(({ point, thresholds }) =>
    thresholds.length === 0 || point.reach.kind !== "libvirt"
      ? []
      : [{ kind: "listen", place: point.reach.place }],
  );
}

function measured(
  state: GuardState,
  { freeBytes, usedBytes }: Extract<GuardEvent, { kind: "measured" }>,
  nowMs: number,
): Step {
  const { budgetBytes, reserveBytes } = state.settings;
  const reserve = { kind: "reserve", freeBytes, reserveBytes } as const;
  if (freeBytes < reserveBytes / 2) return giveUpAll(state, reserve, nowMs);
  const used = (known: WatchedPoint): number => usedBytes.get(known.id) ?? 0;
  const open = abortable(state, nowMs).toSorted((a, b) => used(b) - used(a));
  const over = open.filter((known) => budgetBytes > 0 && used(known) > budgetBytes);
  let result: Step = { state, actions: [] };
  for (const known of over)
    result = then(result, (at) =>
      abort(at, known, { kind: "budget", usedBytes: used(known), budgetBytes }, 1),
    );
  if (freeBytes >= reserveBytes || isAborting(result.state)) return result;
  // The one that uses most gives most back; if that was not enough, the next look finds the next one.
  const [most] = open;
  return most === undefined ? result : abort(state, most, reserve, 1);
}

function threshold(
  state: GuardState,
  { instanceId, device }: Extract<GuardEvent, { kind: "threshold" }>,
): Step {
  let result: Step = { state, actions: [] };
  for (const known of state.points.values()) {
    const isMeant = known.point.instanceId === instanceId && known.thresholds.includes(device);
    if (!isMeant || known.phase.kind !== "watched") continue;
    result = then(result, (at) => abort(at, known, { kind: "threshold", device }, 1));
  }
  return result;
}

/** Gives up all points that no abort is on its way for. */
function giveUpAll(state: GuardState, because: GivenUp, nowMs: number): Step {
  let result: Step = { state, actions: [] };
  for (const known of abortable(state, nowMs)) result = then(result, (at) => abort(at, known, because, 1));
  return result;
}

/**
 * Points that are watched, and those that were aborted a while ago: a datamover that was stopped in the
 * middle of making a point may have made some more of it since.
 */
function abortable(state: GuardState, nowMs: number): readonly WatchedPoint[] {
  return [...state.points.values()].filter(
    ({ phase }) => phase.kind === "watched" || (phase.kind === "aborted" && nowMs - phase.atMs >= RETRY_MS),
  );
}

function isAborting(state: GuardState): boolean {
  return [...state.points.values()].some(
    ({ phase }) => phase.kind === "aborting" || phase.kind === "held-up",
  );
}

/** Says so first, so that the datamover knows the reason before it meets the effect. */
function abort(state: GuardState, known: WatchedPoint, because: GivenUp, attempt: number): Step {
  const { id, phase, point } = known;
  const tell = { kind: "tell", message: { type: "given-up", id, because } } as const;
  const said = note("warn", "guard.point-given-up", { point: id, instance: point.instanceId, because });
  const first = phase.kind === "watched" ? [tell, said] : [];
  if (isRead(state, known)) {
    const held = withPoint(state, { ...known, phase: { kind: "held-up", because, looks: 0 } });
    return { state: held, actions: first };
  }
  const aborting = withPoint(state, { ...known, phase: { kind: "aborting", because, attempt } });
  const mayResume = because.kind !== "silence";
  return { state: aborting, actions: [...first, { kind: "abort", id, point, mayResume }] };
}

/** Whether a reader may be connected; a datamover that has ended has closed all it had open. */
function isRead(state: GuardState, known: WatchedPoint): boolean {
  return known.readers > 0 && state.datamover.channel === "open";
}

/** Aborts what no reader holds up any more, and ends a datamover that does not let go. */
function heldUp(state: GuardState, event: "heard" | "tick"): Step {
  let result: Step = { state, actions: [] };
  for (const known of state.points.values()) {
    const { phase } = known;
    if (phase.kind !== "held-up") continue;
    if (!isRead(state, known)) result = then(result, (at) => abort(at, known, phase.because, 1));
    else if (event === "tick") result = then(result, (at) => lookAgain(at, known, phase));
  }
  return result;
}

function lookAgain(
  state: GuardState,
  known: WatchedPoint,
  phase: Extract<PointPhase, { kind: "held-up" }>,
): Step {
  const looks = phase.looks + 1;
  const looked = withPoint(state, { ...known, phase: { ...phase, looks } });
  if (looks < READER_TICKS_MAX) return { state: looked, actions: [] };
  const { id, point } = known;
  const said = note("error", "guard.datamover-ended", { point: id, instance: point.instanceId });
  const isFirst = looks === READER_TICKS_MAX;
  return { state: looked, actions: [...(isFirst ? [said] : []), { kind: "end-datamover" }] };
}

function abortEnded(
  state: GuardState,
  { id, resumed }: Extract<GuardEvent, { kind: "abort-ended" }>,
  nowMs: number,
): Step {
  const known = state.points.get(id);
  if (known?.phase.kind !== "aborting") return { state, actions: [] };
  const { because } = known.phase;
  const told: GuardAction = { kind: "tell", message: { type: "aborted", id, resumed } };
  const said = note("info", "guard.point-aborted", { point: id, resumed });
  if (known.isLeaving) return then({ state, actions: [told, said] }, (at) => leave(at, known));
  if (state.datamover.channel !== "open") return only(withoutPoint(state, id), said);
  const aborted = withPoint(state, { ...known, phase: { kind: "aborted", because, atMs: nowMs } });
  return { state: aborted, actions: [told, said] };
}

function abortFailed(
  state: GuardState,
  { id, why }: Extract<GuardEvent, { kind: "abort-failed" }>,
  nowMs: number,
): Step {
  const known = state.points.get(id);
  if (known?.phase.kind !== "aborting") return { state, actions: [] };
  const { attempt, because } = known.phase;
  const told: GuardAction = { kind: "tell", message: { type: "abort-failed", id, why } };
  const said = note("warn", "guard.abort-failed", { point: id, attempt, why });
  // The datamover is at it, too, and does it again when it is told to.
  if (known.isLeaving) return then({ state, actions: [told, said] }, (at) => leave(at, known));
  if (attempt >= ATTEMPTS_MAX) {
    return only(
      withoutPoint(state, id),
      note("error", "guard.abort-impossible", { point: id, attempt, why }),
    );
  }
  const phase = { kind: "abort-due", because, attempt, atMs: nowMs + RETRY_MS } as const;
  return { state: withPoint(state, { ...known, phase }), actions: [told, said] };
}

function leave(state: GuardState, { id }: WatchedPoint): Step {
  return only(withoutPoint(state, id), { kind: "tell", message: { type: "released", id } });
}

/** What waited for a word of the datamover only. */
function withoutDone(state: GuardState): GuardState {
  return {
    ...state,
    points: new Map([...state.points].filter(([, { phase }]) => phase.kind !== "aborted")),
    freezes: new Map([...state.freezes].filter(([, { phase }]) => phase.kind !== "thawed")),
  };
}

function then(before: Step, next: (state: GuardState) => Step): Step {
  const { state, actions } = next(before.state);
  return { state, actions: [...before.actions, ...actions] };
}

function only(state: GuardState, action: GuardAction): Step {
  return { state, actions: [action] };
}

function note(
  level: Extract<GuardAction, { kind: "note" }>["level"],
  event: string,
  fields: Readonly<Record<string, unknown>>,
): GuardAction {
  return { kind: "note", level, event, fields };
}
