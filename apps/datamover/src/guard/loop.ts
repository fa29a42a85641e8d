import type { Duplex } from "node:stream";
import { type Clock, describeFault, MiB } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { Scratch } from "../host/scratch.ts";
import {
  decodeToGuard,
  encodeLine,
  GUARD_PROTOCOL_VERSION,
  type GuardSettings,
  LineCutter,
  type ToGuard,
} from "./codec.ts";
import { type GuardHands, guardHands } from "./hands.ts";
import { freshState, type GuardAction, type GuardEvent, type GuardState, isBusy, isOver } from "./state.ts";
import { step } from "./step.ts";

export interface GuardParts {
  /** The other end is the datamover's; it ends when that does. */
  readonly channel: Duplex;
  /** Only goes forward: the host's time may be set while a guest is frozen. */
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the guard is told to end; it does so when nothing depends on it any more. */
  readonly ending: AbortSignal;
}

/** Answers that a stopped datamover does not read; more would be kept in memory. */
const UNREAD_BYTES_MAX = MiB;

/** Guards until the datamover has ended and nothing of it is left. */
export async function runGuard(parts: GuardParts): Promise<void> {
  await new GuardLoop(parts).over;
}

class GuardLoop {
  readonly #parts: GuardParts;
  readonly #lines = new LineCutter();
  readonly #over = Promise.withResolvers<void>();
  #running: { state: GuardState; readonly hands: GuardHands } | undefined;
  #ticking: NodeJS.Timeout | undefined;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    const { channel, ending } = parts;
    channel.setEncoding("utf8");
    channel.on("data", (part: string) => {
      this.#receive(part);
    });
    for (const end of ["end", "error", "close"]) channel.on(end, () => this.#channelEnded());
    ending.addEventListener("abort", () => this.#apply({ kind: "told-to-end" }));
  }

  get over(): Promise<void> {
    return this.#over.promise;
  }

  #receive(part: string): void {
    try {
      for (const line of this.#lines.cut(part)) this.#take(decodeToGuard(line));
    } catch (cause) {
      // Whoever talks like this is as good as gone: what was opened is taken down at its deadline.
      this.#parts.log.error("guard.channel-unreadable", { fault: cause });
      this.#parts.channel.destroy();
    }
  }

  #take(message: ToGuard): void {
    if (message.type === "hello") this.#begin(message.version, message.settings);
    else this.#apply({ kind: "message", message });
  }

  #begin(version: number, settings: GuardSettings): void {
    const { channel, clock, ending, log } = this.#parts;
    log.info("guard.ready", { scratch: settings.scratchPath, version });
    channel.write(encodeLine({ type: "ready", version: GUARD_PROTOCOL_VERSION }));
    const { datamover, reserveBytes, scratchPath } = settings;
    const scratch = new Scratch(scratchPath, { percent: 0, reserveBytes });
    const hands = guardHands({ clock, datamover, log, scratch });
    this.#running = { state: freshState(settings, clock.now()), hands };
    if (ending.aborted) this.#apply({ kind: "told-to-end" });
  }

  #channelEnded(): void {
    if (this.#running === undefined) this.#over.resolve();
    else if (this.#running.state.datamover.channel === "open") this.#apply({ kind: "channel-ended" });
  }

  #apply(event: GuardEvent): void {
    if (this.#running === undefined) return;
    const { state, actions } = step(this.#running.state, event, this.#parts.clock.now());
    this.#running.state = state;
    for (const action of actions) this.#act(action, this.#running.hands);
    if (!isBusy(this.#running.state)) this.#running.hands.rest();
    if (isOver(this.#running.state)) this.#finish();
    else this.#setTicking(isBusy(this.#running.state), this.#running.state.settings.intervalMs);
  }

  #act(action: GuardAction, hands: GuardHands): void {
    const { channel, log } = this.#parts;
    switch (action.kind) {
      case "tell":
        if (channel.writable && channel.writableLength < UNREAD_BYTES_MAX)
          channel.write(encodeLine(action.message));
        return;
      case "note":
        log[action.level](action.event, action.fields);
        return;
      case "listen":
        hands.listen(action.place, (instanceId, device) => {
          this.#apply({ kind: "threshold", instanceId, device });
        });
        return;
      case "measure":
        hands.measure(action.ids).then(
          (measured) => this.#apply({ kind: "measured", ...measured }),
          (cause) => this.#apply({ kind: "unmeasurable", why: describeFault(cause) }),
        );
        return;
      case "abort": {
        const { id } = action;
        hands.abort(action.point, action.mayResume).then(
          ({ resumed }) => this.#apply({ kind: "abort-ended", id, resumed }),
          (cause) => this.#apply({ kind: "abort-failed", id, why: describeFault(cause) }),
        );
        return;
      }
      case "end-datamover":
        // When that fails, the next tick wants it again.
        hands.endDatamover().catch((cause) => log.error("guard.datamover-not-ended", { fault: cause }));
        return;
      case "thaw": {
        const { id } = action;
        hands.thaw(action.freeze).then(
          () => this.#apply({ kind: "thaw-ended", id }),
          (cause) => this.#apply({ kind: "thaw-failed", id, why: describeFault(cause) }),
        );
      }
    }
  }

  /** After what the channel has to read: Node runs timers that are late before it looks at sockets. */
  #setTicking(isWanted: boolean, intervalMs: number): void {
    if (isWanted) {
      this.#ticking ??= setInterval(() => {
        setImmediate(() => this.#apply({ kind: "tick" }));
      }, intervalMs);
      return;
    }
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #finish(): void {
    clearInterval(this.#ticking);
    this.#parts.channel.destroy();
    this.#running = undefined;
    this.#over.resolve();
  }
}
