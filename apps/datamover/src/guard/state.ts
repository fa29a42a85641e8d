import { pointFolder } from "../hypervisor/names.ts";
import type { FromGuard, GivenUp, GuardSettings, ToGuard } from "./codec.ts";
import type { GuardedFreeze, GuardedPoint } from "./port.ts";

/** What a point is to the guard. Times are the guard's own, which no change of the host's clock moves. */
export type PointPhase =
  | { readonly kind: "watched" }
  /** It is to be aborted as soon as nobody reads it; looked at so many times. */
  | { readonly kind: "held-up"; readonly because: GivenUp; readonly looks: number }
  /** An abort is on its way. */
  | { readonly kind: "aborting"; readonly because: GivenUp; readonly attempt: number }
  /** The last abort failed; the next is due. */
  | {
      readonly kind: "abort-due";
      readonly because: GivenUp;
      readonly attempt: number;
      readonly atMs: number;
    }
  /** Nothing of it is left, as far as the guard knows; the datamover has not let go of it yet. */
  | { readonly kind: "aborted"; readonly because: GivenUp; readonly atMs: number };

export interface WatchedPoint {
  readonly id: string;
  readonly point: GuardedPoint;
  readonly phase: PointPhase;
  readonly thresholds: readonly string[];
  /** Connections of the datamover's to QEMU's NBD server. */
  readonly readers: number;
  /** The datamover lets go of it, and waits until the abort that is on its way has ended. */
  readonly isLeaving: boolean;
}

export type FreezePhase =
  | { readonly kind: "watched" }
  | { readonly kind: "thawing"; readonly attempt: number }
  | { readonly kind: "thaw-due"; readonly attempt: number; readonly atMs: number }
  | { readonly kind: "thawed" };

export interface WatchedFreeze {
  readonly id: string;
  readonly freeze: GuardedFreeze;
  readonly thawAtMs: number;
  readonly phase: FreezePhase;
  /** The datamover has asked who thawed. */
  readonly isAsked: boolean;
}

/** All that the guard knows. */
export interface GuardState {
  readonly settings: GuardSettings;
  readonly datamover: {
    readonly lastHeardMs: number;
    /** `ended`: its process has; what it opened has a deadline. */
    readonly channel: "open" | "ended";
    /** Its points were given up because of this silence. */
    readonly isLost: boolean;
  };
  /** We are told to end: once the datamover has, its deadline is now. */
  readonly isHurried: boolean;
  readonly points: ReadonlyMap<string, WatchedPoint>;
  readonly freezes: ReadonlyMap<string, WatchedFreeze>;
  readonly lastTickMs: number | undefined;
  /** Since when an answer about scratch is waited for. */
  readonly measuringSinceMs: number | undefined;
}

export type GuardEvent =
  | { readonly kind: "message"; readonly message: ToGuard }
  | { readonly kind: "channel-ended" }
  | { readonly kind: "told-to-end" }
  | { readonly kind: "tick" }
  | {
      readonly kind: "measured";
      readonly freeBytes: number;
      /** By point. */
      readonly usedBytes: ReadonlyMap<string, number>;
    }
  | { readonly kind: "unmeasurable"; readonly why: string }
  | { readonly kind: "threshold"; readonly instanceId: string; readonly device: string }
  | { readonly kind: "abort-ended"; readonly id: string; readonly resumed: boolean }
  | { readonly kind: "abort-failed"; readonly id: string; readonly why: string }
  | { readonly kind: "thaw-ended"; readonly id: string }
  | { readonly kind: "thaw-failed"; readonly id: string; readonly why: string };

export type GuardAction =
  | { readonly kind: "tell"; readonly message: FromGuard }
  /** Wants the block-threshold events of a libvirt; it is wanted again and again while they matter. */
  | { readonly kind: "listen"; readonly place: GuardedFreeze["place"] }
  | { readonly kind: "measure"; readonly ids: readonly string[] }
  | {
      readonly kind: "abort";
      readonly id: string;
      readonly point: GuardedPoint;
      /** A guest that QEMU paused for a failed write runs on: the write was ours. */
      readonly mayResume: boolean;
    }
  /** Kills the datamover, which closes what it has open. */
  | { readonly kind: "end-datamover" }
  | { readonly kind: "thaw"; readonly id: string; readonly freeze: GuardedFreeze }
  | {
      readonly kind: "note";
      readonly level: "info" | "warn" | "error";
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

export interface Step {
  readonly state: GuardState;
  readonly actions: readonly GuardAction[];
}

/** A guard that was just told its settings. */
export function freshState(settings: GuardSettings, nowMs: number): GuardState {
  return {
    settings,
    datamover: { lastHeardMs: nowMs, channel: "open", isLost: false },
    isHurried: false,
    points: new Map(),
    freezes: new Map(),
    lastTickMs: undefined,
    measuringSinceMs: undefined,
  };
}

/** The id of a point in messages: the name of its scratch folder. */
export function pointId({ instanceId, snapshotId }: GuardedPoint): string {
  return pointFolder(snapshotId, instanceId);
}

/** Whether there is anything to look at: without points and freezes the guard sleeps. */
export function isBusy(state: GuardState): boolean {
  return state.points.size > 0 || state.freezes.size > 0;
}

/** Whether the guard has done all it was for. */
export function isOver(state: GuardState): boolean {
  return state.datamover.channel !== "open" && !isBusy(state);
}

/** The state with this point in the place of its former self. */
export function withPoint(state: GuardState, point: WatchedPoint): GuardState {
  return { ...state, points: new Map(state.points).set(point.id, point) };
}

export function withoutPoint(state: GuardState, id: string): GuardState {
  return { ...state, points: new Map([...state.points].filter(([each]) => each !== id)) };
}

/** The state with this freeze in the place of its former self. */
export function withFreeze(state: GuardState, freeze: WatchedFreeze): GuardState {
  return { ...state, freezes: new Map(state.freezes).set(freeze.id, freeze) };
}

export function withoutFreeze(state: GuardState, id: string): GuardState {
  return { ...state, freezes: new Map([...state.freezes].filter(([each]) => each !== id)) };
}
