import { connect, type Socket } from "node:net";
import { asError, assert, Fault, MiB, systemClock } from "@cairn/kernel";
import { decodeMessage, encodeCommand, LineCutter, type QmpEvent, type QmpMessage } from "./codec.ts";
import { QmpProtocolFault, QmpRefusal } from "./faults.ts";

/** How a monitor is reached. */
export interface QmpAddress {
  /** Path of the monitor's unix socket. */
  readonly path: string;
  /**
   * For the greeting and for each command without a time of its own. QEMU serves one client a socket: a
   * second one connects and then waits for the greeting until the first has gone.
   */
  readonly timeoutMs: number;
  /** For the greeting alone, where nobody else can be the monitor's client. */
  readonly greetingMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecuteOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Listener {
  readonly take: (event: QmpEvent) => void;
  readonly end: (fault: Fault) => void;
}

/** `query-named-block-nodes` of an instance with hundreds of disks stays far below this. */
const LINE_BYTES_MAX = 64 * MiB;
/** Events that a slow reader of `events` may be behind before it is cut off. */
const EVENTS_BEHIND_MAX = 10_000;

/** While it parts from its last client, QEMU 7.2 may hang up on the next one instead of greeting it. */
const CONNECT_TRIES = 5;
const HUNG_UP_PAUSE_MS = 20;

/** Connects to a monitor and negotiates its capabilities; the caller closes the client. */
export async function connectQmp(address: QmpAddress): Promise<QmpClient> {
  const { path, signal } = address;
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    const client = new QmpClient(connect({ path }), address);
    try {
      await client.negotiate(address);
      return client;
    } catch (cause) {
      client.close();
      signal?.throwIfAborted();
      if (!client.hungUp || tries === CONNECT_TRIES)
        throw new Fault("qmp-unreachable", `connecting to the monitor ${path}`, "later", cause);
    }
    await systemClock.sleep(HUNG_UP_PAUSE_MS, signal);
  }
}

/**
 * One connection to the monitor of a QEMU process or a storage daemon. Commands may overlap. When the
 * connection ends, every waiting command and event rejects with a Fault `qmp-lost`; nothing reconnects.
 */
export class QmpClient implements Disposable {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #name: string;
  readonly #lines = new LineCutter(LINE_BYTES_MAX);
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<Listener>();
  readonly #greeting = Promise.withResolvers<string>();
  readonly #closed = Promise.withResolvers<Fault>();
  #lastId = 0;
  #lost: Fault | undefined;
  #hungUp = false;
  #version = "";

  /** Use `connectQmp`. */
  constructor(socket: Socket, address: QmpAddress) {
    this.#socket = socket;
    this.#timeoutMs = address.timeoutMs;
    this.#name = address.path;
    // Nobody may be waiting for the greeting when the connection fails; `negotiate` looks at it if it is.
    this.#greeting.promise.catch(() => undefined);
    // The one error listener for the whole life of the socket: an error after close must not end the process.
    socket.on("error", (cause) => {
      this.#lose(new Fault("qmp-lost", `talking to the monitor ${this.#name}`, "later", cause));
    });
    socket.on("close", () => {
      this.#hungUp = this.#lost === undefined;
      this.#lose(new Fault("qmp-lost", `the monitor ${this.#name} closed the connection`, "later"));
    });
    socket.on("data", (bytes: Buffer) => {
      this.#receive(bytes);
    });
  }

  /** QEMU's version, such as `7.2.22`. */
  get version(): string {
    return this.#version;
  }

  /** Whether the monitor ended the connection, without an error, before we did. */
  get hungUp(): boolean {
    return this.#hungUp;
  }

  /** Resolves with the reason once the connection has ended, also after `close`. */
  get closed(): Promise<Fault> {
    return this.#closed.promise;
  }

  /** Waits for the greeting and leaves negotiation mode. Called once, by `connectQmp`. */
  async negotiate({ greetingMs, timeoutMs, signal }: QmpAddress): Promise<void> {
    const limits = { timeoutMs: greetingMs ?? timeoutMs, signal };
    this.#version = await this.#bounded(this.#greeting.promise, "its greeting", limits);
    await this.execute("qmp_capabilities", {}, { signal });
  }

  /**
   * Carries out one command and gives what it returned. Rejects with `QmpRefusal` when QEMU refuses it, with
   * a Fault `qmp-timeout` or the signal's reason when we stop waiting (QEMU may still carry it out).
   */
  async execute(
    command: string,
    commandArguments?: Readonly<Record<string, unknown>>,
    options: ExecuteOptions = {},
  ): Promise<unknown> {
    options.signal?.throwIfAborted();
    if (this.#lost !== undefined) throw new Fault("qmp-lost", `asking for ${command}`, "later", this.#lost);
    this.#lastId += 1;
    const id = this.#lastId;
    const reply = Promise.withResolvers<unknown>();
    this.#pending.set(id, { command, resolve: reply.resolve, reject: reply.reject });
    this.#socket.write(encodeCommand(id, command, commandArguments));
    try {
      return await this.#bounded(reply.promise, `the answer to ${command}`, options);
    } finally {
      this.#pending.delete(id);
    }
  }

  /**
   * Carries out a line of the human monitor; its output is prose, also for errors (`qemu-io` prints them).
   */
  async executeHmp(line: string, options: ExecuteOptions = {}): Promise<string> {
    const output = await this.execute("human-monitor-command", { "command-line": line }, options);
    return typeof output === "string" ? output : "";
  }

  /**
   * The first event from now on that has this name and satisfies the predicate. Call it *before* the command
   * that causes the event and await it after. It may be left unawaited: its rejection is then nobody's
   * concern.
   */
  waitFor(name: string, accepts: (event: QmpEvent) => boolean, signal?: AbortSignal): Promise<QmpEvent> {
    const found = Promise.withResolvers<QmpEvent>();
    const listener: Listener = {
      take: (event) => {
        if (event.name === name && accepts(event)) found.resolve(event);
      },
      end: found.reject,
    };
    const onAbort = (): void => {
      found.reject(asError(signal?.reason));
    };
    if (this.#lost !== undefined) found.reject(this.#lost);
    else if (signal?.aborted === true) onAbort();
    this.#listeners.add(listener);
    signal?.addEventListener("abort", onAbort, { once: true });
    const forget = (): void => {
      this.#listeners.delete(listener);
      signal?.removeEventListener("abort", onAbort);
    };
    found.promise.then(forget, forget);
    return found.promise;
  }

  /**
   * All events from the first `next()` on, until the signal is aborted or the connection ends (both throw).
   */
  async *events(signal?: AbortSignal): AsyncGenerator<QmpEvent, void, void> {
    const behind: QmpEvent[] = [];
    let wake = Promise.withResolvers<void>();
    let failure: Error | undefined = this.#lost;
    const stop = (error: Error): void => {
      failure ??= error;
      wake.resolve();
    };
    const listener: Listener = {
      take: (event) => {
        if (behind.length >= EVENTS_BEHIND_MAX)
          stop(new Fault("qmp-events-behind", "reading events", "later"));
        else behind.push(event);
        wake.resolve();
      },
      end: stop,
    };
    const onAbort = (): void => {
      stop(asError(signal?.reason));
    };
    this.#listeners.add(listener);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        signal?.throwIfAborted();
        for (let event = behind.shift(); event !== undefined; event = behind.shift()) yield event;
        if (failure !== undefined) throw failure;
        await wake.promise;
        wake = Promise.withResolvers();
      }
    } finally {
      this.#listeners.delete(listener);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the connection; waiting commands reject. May be called twice. */
  close(): void {
    this.#lose(new Fault("qmp-lost", `the connection to ${this.#name} was closed by us`, "later"));
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(bytes: Buffer): void {
    try {
      for (const line of this.#lines.cut(bytes)) this.#dispatch(decodeMessage(line));
    } catch (cause) {
      this.#lose(cause instanceof Fault ? cause : new QmpProtocolFault("reading the monitor", cause));
      this.#socket.destroy();
    }
  }

  #dispatch(message: QmpMessage): void {
    switch (message.kind) {
      case "greeting":
        this.#greeting.resolve(message.version);
        return;
      case "event":
        for (const listener of this.#listeners) listener.take(message.event);
        return;
      case "return":
        // No entry: the caller has stopped waiting for this answer.
        this.#pending.get(message.id)?.resolve(message.value);
        return;
      case "error":
        this.#refuse(message.id, message.qmpClass, message.reason);
    }
  }

  #refuse(id: number | undefined, qmpClass: string, reason: string): void {
    // QEMU leaves the id out only when it could not parse what we sent: then no answer can be trusted.
    if (id === undefined) throw new QmpProtocolFault(`the monitor could not read a command: ${reason}`);
    const pending = this.#pending.get(id);
    pending?.reject(new QmpRefusal(pending.command, qmpClass, reason));
  }

  #lose(fault: Fault): void {
    if (this.#lost !== undefined) return;
    this.#lost = fault;
    this.#greeting.reject(fault);
    for (const pending of this.#pending.values()) {
      pending.reject(new Fault("qmp-lost", `waiting for the answer to ${pending.command}`, "later", fault));
    }
    this.#pending.clear();
    for (const listener of this.#listeners) listener.end(fault);
    this.#listeners.clear();
    this.#closed.resolve(fault);
  }

  async #bounded<Value>(promise: Promise<Value>, what: string, options: ExecuteOptions): Promise<Value> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    assert(timeoutMs > 0, "a monitor's time limit is positive");
    const stopped = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      stopped.reject(
        new Fault("qmp-timeout", `waiting ${timeoutMs} ms for ${what} from ${this.#name}`, "later"),
      );
    }, timeoutMs);
    const onAbort = (): void => {
      stopped.reject(asError(options.signal?.reason));
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([promise, stopped.promise]);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }
}
