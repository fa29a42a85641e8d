import { connect, type Socket } from "node:net";
import { asError, assert, Fault } from "@cairn/kernel";
import {
  decodeError,
  encodeMessage,
  MESSAGE_STATUS,
  MESSAGE_TYPES,
  type Message,
  MessageCutter,
} from "./codec.ts";
import { type DomainEvent, decodeEvent } from "./events.ts";
import { LibvirtProtocolFault, LibvirtRefusal } from "./faults.ts";
import { KEEPALIVE, PROGRAMS, type Program } from "./procedures.ts";

/** How a daemon is reached. */
export interface LibvirtAddress {
  /**
   * The daemon's read-write socket: `/run/libvirt/libvirt-sock`, or `virtqemud-sock` of the modular daemon.
   */
  readonly socket: string;
  /** The driver, `qemu:///system`. */
  readonly uri: string;
  /** For each call without a limit of its own. */
  readonly timeoutMs: number;
  /** How often the daemon is asked whether it lives; two unanswered questions end the connection. */
  readonly keepaliveMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Limits of one call. */
export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is called, and its name for people. */
export interface Procedure {
  readonly program: Program;
  readonly procedure: number;
  readonly name: string;
}

interface Pending {
  readonly name: string;
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
}

const KEEPALIVE_MS = 5_000;
const PINGS_UNANSWERED_MAX = 2;
/** A serial is an unsigned number of 32 bits. */
const SERIALS = 2 ** 32;

/**
 * One connection to a libvirt daemon: calls that may overlap, and the events that the daemon sends. When it
 * ends, every waiting call rejects with a Fault `libvirt-lost`; nothing reconnects.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #address: LibvirtAddress;
  readonly #cutter = new MessageCutter();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: DomainEvent) => void>();
  readonly #closed = Promise.withResolvers<Fault>();
  #heartbeat: NodeJS.Timeout | undefined;
  #unansweredPings = 0;
  #lastSerial = 0;
  #lost: Fault | undefined;

  /** Connects at once; the first call tells whether that worked. */
  constructor(address: LibvirtAddress) {
    this.#address = address;
    this.#socket = connect({ path: address.socket });
    this.#socket.on("error", (cause) => {
      this.#lose(new Fault("libvirt-lost", `talking to libvirt at ${address.socket}`, "later", cause));
    });
    this.#socket.on("close", () => {
      this.#lose(new Fault("libvirt-lost", `libvirt at ${address.socket} closed the connection`, "later"));
    });
    this.#socket.on("data", (bytes: Buffer) => {
      this.#receive(bytes);
    });
  }

  /** Resolves with the reason once the connection has ended, also after `close`. */
  get closed(): Promise<Fault> {
    return this.#closed.promise;
  }

  /** Begins to ask the daemon regularly whether it lives. */
  startKeepalive(): void {
    this.#heartbeat ??= setInterval(() => {
      this.#ping();
    }, this.#address.keepaliveMs ?? KEEPALIVE_MS);
    // A connection that nobody waits for does not keep the process alive.
    this.#heartbeat.unref();
  }

  /**
   * Makes one call and gives the payload of its answer. Rejects with `LibvirtRefusal`, a Fault
   * `libvirt-timeout` or the signal's reason when we stop waiting (libvirt may still do it), or
   * `libvirt-lost`.
   */
  async call(target: Procedure, payload: Buffer, options: CallOptions = {}): Promise<Buffer> {
    options.signal?.throwIfAborted();
    if (this.#lost !== undefined)
      throw new Fault("libvirt-lost", `calling ${target.name}`, "later", this.#lost);
    this.#lastSerial = (this.#lastSerial + 1) % SERIALS;
    const serial = this.#lastSerial;
    const answer = Promise.withResolvers<Buffer>();
    this.#pending.set(serial, { name: target.name, resolve: answer.resolve, reject: answer.reject });
    this.#socket.write(encodeMessage(target, { type: MESSAGE_TYPES.call, serial }, payload));
    try {
      return await this.#bounded(answer.promise, target.name, options);
    } finally {
      this.#pending.delete(serial);
    }
  }

  /** Calls `take` for each event from now on, until the returned thing is disposed. */
  listen(take: (event: DomainEvent) => void): Disposable {
    this.#listeners.add(take);
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(take);
      },
    };
  }

  /** Ends the connection; waiting calls reject. May be called twice. */
  close(): void {
    this.#lose(new Fault("libvirt-lost", "the connection to libvirt was closed by us", "later"));
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    try {
      for (const message of this.#cutter.cut(bytes)) this.#dispatch(message);
    } catch (cause) {
      this.#lose(cause instanceof Fault ? cause : new LibvirtProtocolFault("a message", cause));
      this.#socket.destroy();
    }
  }

  #dispatch(message: Message): void {
    this.#unansweredPings = 0;
    if (message.program === PROGRAMS.keepalive.number) {
      if (message.procedure === KEEPALIVE.ping) this.#send(KEEPALIVE.pong);
      return;
    }
    switch (message.type) {
      case MESSAGE_TYPES.reply:
        this.#answer(message);
        return;
      case MESSAGE_TYPES.message:
        this.#tell(message);
        return;
      default:
        throw new LibvirtProtocolFault(`a message of type ${message.type}`);
    }
  }

  #answer({ serial, status, payload }: Message): void {
    const pending = this.#pending.get(serial);
    // No entry: the caller has stopped waiting for this answer.
    if (pending === undefined) return;
    if (status === MESSAGE_STATUS.ok) pending.resolve(payload);
    else pending.reject(new LibvirtRefusal(pending.name, decodeError(payload)));
  }

  #tell(message: Message): void {
    if (message.program !== PROGRAMS.remote.number) return;
    const event = decodeEvent(message.procedure, message.payload);
    if (event === undefined) return;
    for (const take of this.#listeners) take(event);
  }

  #ping(): void {
    if (this.#unansweredPings >= PINGS_UNANSWERED_MAX) {
      this.#lose(new Fault("libvirt-lost", `libvirt at ${this.#address.socket} is silent`, "later"));
      this.#socket.destroy();
      return;
    }
    this.#unansweredPings += 1;
    this.#send(KEEPALIVE.ping);
  }

  #send(procedure: number): void {
    const target = { program: "keepalive", procedure } as const;
    this.#socket.write(encodeMessage(target, { type: MESSAGE_TYPES.message, serial: 0 }, Buffer.alloc(0)));
  }

  #lose(fault: Fault): void {
    if (this.#lost !== undefined) return;
    this.#lost = fault;
    clearInterval(this.#heartbeat);
    for (const pending of this.#pending.values()) {
      pending.reject(new Fault("libvirt-lost", `waiting for ${pending.name}`, "later", fault));
    }
    this.#pending.clear();
    this.#listeners.clear();
    this.#closed.resolve(fault);
  }

  async #bounded(answer: Promise<Buffer>, name: string, options: CallOptions): Promise<Buffer> {
    const timeoutMs = options.timeoutMs ?? this.#address.timeoutMs;
    assert(timeoutMs > 0, "a call's time limit is positive");
    const stopped = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      stopped.reject(new Fault("libvirt-timeout", `waiting ${timeoutMs} ms for ${name}`, "later"));
    }, timeoutMs);
    const onAbort = (): void => {
      stopped.reject(asError(options.signal?.reason));
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([answer, stopped.promise]);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }
}
