import type { Duplex } from "node:stream";
import { asError, type Clock, Fault } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import {
  decodeFromGuard,
  encodeLine,
  type FromGuard,
  GUARD_PROTOCOL_VERSION,
  type GuardSettings,
  LineCutter,
  type ToGuard,
} from "./codec.ts";
import { givenUpFault, guardLostFault } from "./faults.ts";
import { OpenPoint } from "./open-point.ts";
import type { FreezeGuard, Guard, GuardedFreeze, GuardedPoint, PointGuard } from "./port.ts";
import { pointId } from "./state.ts";

/** A guard that was started: the end of its channel that is ours. */
export interface StartedGuard {
  readonly channel: Duplex;
  /** Resolves when it has gone. */
  readonly exited: Promise<void>;
  kill(): void;
}

export interface GuardClientParts {
  readonly settings: GuardSettings;
  readonly start: () => StartedGuard;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a guard may take to be ready: Node's start on a host that is busy. */
const READY_MS_MAX = 10_000;
/** Guards that are started one after the other until running points are given up. */
const STARTS_MAX = 3;
/** Beats in the time after which a datamover counts as silent; a guard that answered none of them hangs. */
const BEATS = 5;
const STOP_MS_MAX = 5_000;

/** A question to the guard that its answer is waited for. */
interface Question {
  readonly message: ToGuard;
  readonly answered: PromiseWithResolvers<FromGuard>;
}

/**
 * The datamover's side of its guard. A guard that dies is replaced by another one that is told all that is
 * open: its death says nothing of the points. Only when none can be had are running points given up, because
 * nobody would save their guests if the datamover hung now.
 */
export class GuardClient implements Guard {
  readonly #parts: GuardClientParts;
  readonly #points = new Map<string, OpenPoint>();
  readonly #freezes = new Map<string, { readonly freeze: GuardedFreeze; readonly thawAtMs: number }>();
  readonly #questions = new Map<string, Question>();
  #guard: Promise<StartedGuard> | undefined;
  /** The guard while it is ready. */
  #up: StartedGuard | undefined;
  #beating: NodeJS.Timeout | undefined;
  /** Counted, not timed: a datamover that was stopped itself must not take that for the guard's silence. */
  #unansweredBeats = 0;
  #isClosing = false;

  constructor(parts: GuardClientParts) {
    this.#parts = parts;
  }

  /** Starts the guard; a Fault `guard-lost` says that none can be had. */
  async open(): Promise<void> {
    await this.#running();
  }

  async watch(point: GuardedPoint, signal: AbortSignal): Promise<PointGuard> {
    const id = pointId(point);
    await this.#running();
    const open = new OpenPoint(id, point, {
      ask: async (message, limit) => this.#ask(message, limit),
      say: async (message) => this.#say(message),
      gone: () => this.#points.delete(id),
    });
    this.#points.set(id, open);
    try {
      await this.#ask({ type: "watch", point }, signal);
      return open;
    } catch (cause) {
      await open.release();
      throw cause;
    }
  }

  async watchFreeze(freeze: GuardedFreeze, signal: AbortSignal): Promise<FreezeGuard> {
    const id = freeze.instanceId;
    await this.#running();
    this.#freezes.set(id, { freeze, thawAtMs: this.#parts.clock.now() + freeze.withinMs });
    const thawed = async (): Promise<"datamover" | "guard"> => {
      try {
        const answer = await this.#ask({ type: "thawed", id }, AbortSignal.timeout(READY_MS_MAX));
        return answer.type === "thaw-known" ? answer.by : "guard";
      } finally {
        this.#freezes.delete(id);
      }
    };
    try {
      await this.#ask({ type: "freeze", freeze }, signal);
    } catch (cause) {
      await thawed();
      throw cause;
    }
    return { thawed };
  }

  /** Lets the guard end; it does so by itself when nothing is open. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#beating);
    const guard = await this.#guard?.catch(() => undefined);
    if (guard === undefined) return;
    guard.channel.end();
    const overdue = setTimeout(() => guard.kill(), STOP_MS_MAX);
    await guard.exited;
    clearTimeout(overdue);
  }

  async #running(): Promise<StartedGuard> {
    this.#guard ??= this.#startSome();
    return this.#guard;
  }

  async #startSome(): Promise<StartedGuard> {
    let failure: unknown;
    for (let attempt = 1; attempt <= STARTS_MAX && !this.#isClosing; attempt += 1) {
      try {
        return await this.#startOne();
      } catch (cause) {
        failure = cause;
        this.#parts.log.warn("guard.start-failed", { attempt, fault: cause });
      }
    }
    this.#guard = undefined;
    throw guardLostFault(failure);
  }

  async #startOne(): Promise<StartedGuard> {
    const { settings, start } = this.#parts;
    const guard = start();
    const ready = Promise.withResolvers<void>();
    const lines = new LineCutter();
    guard.channel.setEncoding("utf8");
    guard.channel.on("error", (cause) => ready.reject(cause));
    guard.channel.on("data", (part: string) => {
      try {
        for (const line of lines.cut(part)) this.#take(decodeFromGuard(line), ready);
      } catch (cause) {
        ready.reject(asError(cause));
        guard.channel.destroy();
      }
    });
    guard.channel.write(
      encodeLine({ type: "hello", version: GUARD_PROTOCOL_VERSION, settings }) + this.#openNow(),
    );
    const ended = guard.exited.then(() => ready.reject(new Error("it ended")));
    const overdue = setTimeout(() => ready.reject(new Error("it did not answer")), READY_MS_MAX);
    try {
      await ready.promise;
    } catch (cause) {
      guard.kill();
      throw new Fault("guard-unstarted", "starting the process that guards guests", "later", cause);
    } finally {
      clearTimeout(overdue);
    }
    this.#up = guard;
    this.#unansweredBeats = 0;
    void ended.then(() => this.#lost(guard));
    return guard;
  }

  /** All that a fresh guard has to know, and the questions that its predecessor did not answer. */
  #openNow(): string {
    const nowMs = this.#parts.clock.now();
    const freezes = [...this.#freezes.values()].map(({ freeze, thawAtMs }): ToGuard => {
      return { type: "freeze", freeze: { ...freeze, withinMs: Math.max(0, thawAtMs - nowMs) } };
    });
    const points = [...this.#points.values()].flatMap((open) => open.messages());
    const questions = [...this.#questions.values()].map(({ message }) => message);
    return [...freezes, ...points, ...questions].map(encodeLine).join("");
  }

  #lost(guard: StartedGuard): void {
    guard.channel.destroy();
    this.#guard = undefined;
    this.#up = undefined;
    if (this.#isClosing) return;
    this.#parts.log.warn("guard.lost", { points: this.#points.size });
    this.#running().catch((cause: unknown) => {
      const fault = guardLostFault(cause);
      for (const open of this.#points.values()) open.giveUp(fault);
      for (const { answered } of this.#questions.values()) answered.reject(fault);
    });
  }

  #take(message: FromGuard, ready: PromiseWithResolvers<void>): void {
    this.#unansweredBeats = 0;
    switch (message.type) {
      case "alive":
        return;
      case "ready":
        if (message.version === GUARD_PROTOCOL_VERSION) ready.resolve();
        else ready.reject(new Error(`it speaks version ${message.version}`));
        return;
      case "given-up": {
        const fault = givenUpFault(message.because, this.#parts.settings.scratchPath);
        this.#points.get(message.id)?.abortBegins(fault);
        this.#questions.get(`confirm ${message.id}`)?.answered.reject(fault);
        return;
      }
      case "aborted":
      case "abort-failed":
        this.#points.get(message.id)?.abortEnds();
        return;
      case "watched":
      case "confirmed":
      case "released":
      case "freeze-watched":
      case "thaw-known":
        this.#questions.get(`${QUESTION_OF[message.type]} ${message.id}`)?.answered.resolve(message);
    }
  }

  async #ask(message: ToGuard, signal: AbortSignal): Promise<FromGuard> {
    signal.throwIfAborted();
    const key = `${message.type} ${idOf(message)}`;
    const answered = Promise.withResolvers<FromGuard>();
    // When the guard is lost while we still write, the loss is thrown there.
    answered.promise.catch(() => undefined);
    this.#questions.set(key, { message, answered });
    this.#keepBeating();
    const onAbort = (): void => {
      answered.reject(asError(signal.reason));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#say(message);
      return await answered.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#questions.delete(key);
    }
  }

  async #say(message: ToGuard): Promise<void> {
    const { channel } = await this.#running();
    if (channel.writable) channel.write(encodeLine(message));
  }

  /** Only while something is open: then silence means something. */
  #keepBeating(): void {
    this.#beating ??= setInterval(() => {
      this.#beat().catch((cause: unknown) => {
        // Without a guard nothing is open any more; what is opened next starts one, and the beat.
        this.#parts.log.debug("guard.no-beat", { fault: cause });
        this.#stopBeating();
      });
    }, this.#parts.settings.silenceMs / BEATS);
  }

  async #beat(): Promise<void> {
    if (this.#points.size === 0 && this.#freezes.size === 0) {
      this.#stopBeating();
      return;
    }
    // One that is being started has time limits of its own.
    if (this.#up === undefined) return;
    if (this.#unansweredBeats >= BEATS) this.#up.kill();
    this.#unansweredBeats += 1;
    await this.#say({ type: "alive" });
  }

  #stopBeating(): void {
    clearInterval(this.#beating);
    this.#beating = undefined;
  }
}

const QUESTION_OF = {
  watched: "watch",
  confirmed: "confirm",
  released: "release",
  "freeze-watched": "freeze",
  "thaw-known": "thawed",
} as const;

function idOf(message: ToGuard): string {
  switch (message.type) {
    case "hello":
    case "alive":
      return "";
    case "watch":
      return pointId(message.point);
    case "freeze":
      return message.freeze.instanceId;
    case "confirm":
    case "release":
    case "thawed":
    case "thresholds":
    case "readers":
      return message.id;
  }
}
