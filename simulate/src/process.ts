import { asError, type Clock, Fault } from "@cairn/kernel";
import type { Chance } from "./chance.ts";
import type { Target } from "./target.ts";
import type { World } from "./world.ts";

export interface Call {
  readonly target: Target;
  readonly operation:
    | "put"
    | "get"
    | "getRange"
    | "size"
    | "remove"
    | "list"
    | "time"
    | "lockedUntil"
    | "extend";
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** What happens to one call, drawn when it is made. */
interface Fate {
  /** When it takes effect, from now; `undefined`: never. */
  readonly effectMs: number | undefined;
  readonly answerMs: number;
  /** What the caller is told instead of the outcome. */
  readonly error: Fault | undefined;
}

type Outcome<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "refused"; readonly cause: unknown };

/**
 * One process of the product. It can be killed at any of its calls: whatever it waits for never comes, so
 * nothing of it ever runs again, and what it had sent may or may not arrive.
 */
export class Process {
  readonly name: string;
  readonly world: World;
  /** A clock of its own, which may be wrong and may jump. */
  readonly clock: Clock;
  #alive = true;
  #skewMs: number;
  /** How long a call takes on average. */
  readonly #paceMs: number;
  readonly #onDeath: () => void;

  constructor(
    world: World,
    options: { readonly name: string; readonly paceMs: number; readonly onDeath: () => void },
  ) {
    this.world = world;
    this.name = options.name;
    this.#paceMs = options.paceMs;
    this.#onDeath = options.onDeath;
    this.#skewMs = world.drawSkew();
    this.clock = {
      now: () => this.#time(),
      sleep: async (ms, signal) => this.sleep(ms, signal),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get chance(): Chance {
    return this.world.chance;
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.world.scheduler.note(`${this.name} DIES`);
    this.#onDeath();
  }

  #time(): number {
    if (this.chance.often(this.world.faults.clockJump)) this.#skewMs = this.world.drawSkew();
    return this.world.scheduler.now + (this.world.ending ? 0 : this.#skewMs);
  }

  /** Waits in simulated time. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(asError(signal?.reason));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.world.scheduler.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        if (this.#alive) resolve();
      });
    });
  }

  /** A call of a target: parked until its fate comes true. */
  async call<Result>(call: Call, effect: () => Result): Promise<Result> {
    call.signal?.throwIfAborted();
    if (!this.#alive) return new Promise(() => undefined);
    const { world } = this;
    const crash = world.drawCrash(this);
    const title = `${this.name} ${call.operation} ${call.target.name}:${world.shorten(call.name)}`;
    if (crash === "before") {
      world.scheduler.note(`${title} -> not sent`);
      this.kill();
      return new Promise(() => undefined);
    }
    const fate = this.#drawFate(call);
    return new Promise((resolve, reject) => {
      let outcome: Outcome<Result> | undefined;
      const abandoned = this.#rejectOnAbort(call.signal, reject);
      if (fate.effectMs !== undefined) {
        world.scheduler.after(fate.effectMs, () => {
          if (!this.#alive && world.chance.often(0.5)) return;
          outcome = attempt(effect);
          if (outcome.kind === "done" && fate.error !== undefined)
            world.scheduler.note(`${title} -> arrived`);
          if (crash === "after") this.kill();
        });
      }
      world.scheduler.after(fate.answerMs, () => {
        abandoned();
        if (!this.#alive) return;
        if (fate.error !== undefined) {
          world.scheduler.note(`${title} -> ${fate.error.code}`);
          reject(fate.error);
        } else if (outcome?.kind === "done") {
          world.scheduler.note(title);
          resolve(outcome.result);
        } else {
          const cause = asError(outcome?.cause);
          world.scheduler.note(`${title} -> ${cause instanceof Fault ? cause.code : cause.message}`);
          reject(cause);
        }
      });
    });
  }

  /** What is aborted is answered at once; whether it still arrives is another question. */
  #rejectOnAbort(signal: AbortSignal | undefined, reject: (cause: unknown) => void): () => void {
    if (signal === undefined) return () => undefined;
    const onAbort = (): void => {
      if (this.#alive) reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  }

  #drawFate(call: Call): Fate {
    const { world, chance } = this;
    const { faults } = world;
    const effectMs = 1 + chance.below(2 * this.#paceMs);
    const answerMs = effectMs + 1;
    const doing = `${call.operation} ${call.name}`;
    if (call.target.awayUntil > world.scheduler.now) {
      return { effectMs: undefined, answerMs, error: new Fault("store-away", doing, "after-operator") };
    }
    if (chance.often(faults.errorBefore)) {
      const code = chance.pick(["store-io", "store-busy", "store-timeout"]);
      return { effectMs: undefined, answerMs, error: new Fault(code, doing, "later") };
    }
    if (chance.often(faults.errorAfter)) {
      return {
        effectMs,
        answerMs,
        error: new Fault(chance.pick(["store-io", "store-timeout"]), doing, "later"),
      };
    }
    if ((call.operation === "put" || call.operation === "remove") && chance.often(faults.late)) {
      // The caller has given up long before: a request that hung in some proxy, or was lost there.
      const lateMs = chance.often(0.5) ? answerMs + chance.below(world.lateMaxMs) : undefined;
      return { effectMs: lateMs, answerMs, error: new Fault("store-timeout", doing, "later") };
    }
    return { effectMs, answerMs, error: undefined };
  }
}

function attempt<Result>(effect: () => Result): Outcome<Result> {
  try {
    return { kind: "done", result: effect() };
  } catch (cause) {
    return { kind: "refused", cause };
  }
}
