import { type Clock, describeFault, hasCode } from "@cairn/kernel";

/** The last fault of one kind, and how many of it there were since the program began. */
export interface FaultSeen {
  readonly at: string;
  readonly message: string;
  readonly count: number;
}

/** What `GET /status` answers. Times are ISO 8601 in UTC. */
export interface StatusReport {
  readonly service: string;
  readonly started_at: string;
  readonly state: "starting" | "ready" | "stopping";
  /** What it is doing now, and since when; empty when it waits for work. */
  readonly doing: readonly { readonly what: string; readonly since: string }[];
  readonly last_success: Readonly<Record<string, string>>;
  readonly last_fault: Readonly<Record<string, FaultSeen>>;
  readonly queues: Readonly<Record<string, number>>;
}

/** How many kinds of success and of fault are remembered; kinds are fixed names, so this is never reached. */
const KINDS_MAX = 100;

/** What a program knows of itself, so that an operator can see whether it is to blame. */
export class Status {
  readonly #service: string;
  readonly #clock: Clock;
  readonly #startedAt: string;
  readonly #doing = new Map<symbol, { readonly what: string; readonly since: string }>();
  readonly #successes = new Map<string, string>();
  readonly #faults = new Map<string, FaultSeen>();
  readonly #queues = new Map<string, () => number>();
  #state: StatusReport["state"] = "starting";

  constructor(service: string, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    this.#startedAt = this.#now();
  }

  /** Says that something has begun; the scope's end (`using`) says that it is over. */
  doing(what: string): Disposable {
    const key = Symbol(what);
    this.#doing.set(key, { what, since: this.#now() });
    return { [Symbol.dispose]: () => void this.#doing.delete(key) };
  }

  /** Something of this kind went well, now. */
  succeeded(kind: string): void {
    if (this.#successes.has(kind) || this.#successes.size < KINDS_MAX) this.#successes.set(kind, this.#now());
  }

  /** Something of this kind failed, now. An abort is no fault and is not counted. */
  failed(kind: string, error: unknown): void {
    if (isAbort(error)) return;
    const before = this.#faults.get(kind);
    if (before === undefined && this.#faults.size >= KINDS_MAX) return;
    const count = (before?.count ?? 0) + 1;
    this.#faults.set(kind, { at: this.#now(), message: describeFault(error), count });
  }

  /** Reports a queue by this name from now on; `length` is asked at each report. */
  queue(name: string, length: () => number): void {
    this.#queues.set(name, length);
  }

  /** Where the program is in its life; `runService` calls it. */
  enter(state: StatusReport["state"]): void {
    this.#state = state;
  }

  /** Everything as a value. */
  report(): StatusReport {
    return {
      service: this.#service,
      started_at: this.#startedAt,
      state: this.#state,
      doing: [...this.#doing.values()],
      last_success: Object.fromEntries(this.#successes),
      last_fault: Object.fromEntries(this.#faults),
      queues: Object.fromEntries([...this.#queues].map(([name, length]) => [name, length()])),
    };
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

function isAbort(error: unknown): boolean {
  return hasCode(error, "ABORT_ERR") || (error instanceof Error && error.name === "AbortError");
}
