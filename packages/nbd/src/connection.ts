import { connect, type Socket } from "node:net";
import { Fault, MiB } from "@cairn/kernel";
import { NbdProtocolFault } from "./faults.ts";

/** Where the server listens. TCP is for loopback only: nothing is encrypted. */
export type NbdAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "loopback"; readonly port: number };

/** As much as the kernel gives at once; larger buffers do not make reads of a unix socket larger. */
const RECEIVE_BUFFER_BYTES = MiB;

/** Takes the stream of bytes that comes after the handshake. */
export interface Receiver {
  /** Where the kernel shall put the next bytes, if there is a place for them already. */
  room(): Buffer | undefined;
  /** So many bytes were put at the beginning of the last `room`. */
  filled(count: number): void;
  /** Bytes that were read elsewhere; they may be overwritten as soon as it returns. */
  push(bytes: Buffer): void;
}

/**
 * A socket that reads into buffers of ours (a third of the CPU time of `data` events), either in exact pieces
 * (`take`, for the handshake) or as a stream (`stream`, after it), whose bytes go straight to their place.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #lost = Promise.withResolvers<Fault>();
  #fault: Fault | undefined;
  #closing = false;
  #early: Buffer = Buffer.alloc(0);
  #taker: { bytes: number; give: (bytes: Buffer) => void; fail: (fault: Fault) => void } | undefined;
  #receiver: Receiver | undefined;
  readonly #buffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES);
  /** Where the kernel puts the next bytes, when that is not `#buffer`. */
  #room: Buffer | undefined;
  #onSilence: () => void = () => undefined;

  constructor(address: NbdAddress) {
    this.#name = address.kind === "unix" ? address.path : `127.0.0.1:${address.port}`;
    const onread = {
      // Asked for anew after each read.
      buffer: (): Buffer => {
        this.#room = this.#fault === undefined ? this.#receiver?.room() : undefined;
        return this.#room ?? this.#buffer;
      },
      callback: (count: number): boolean => {
        this.#receive(count);
        return true;
      },
    };
    this.#socket =
      address.kind === "unix"
        ? connect({ path: address.path, onread })
        : connect({ host: "127.0.0.1", port: address.port, noDelay: true, onread });
    // The one error listener for the whole life of the socket: a late error must not end the process.
    this.#socket.on("error", (cause) => {
      this.lose(new Fault("nbd-lost", `talking to the block server ${this.#name}`, "later", cause));
    });
    this.#socket.on("timeout", () => {
      this.#onSilence();
    });
    this.#socket.on("close", () => {
      this.lose(new Fault("nbd-lost", `the block server ${this.#name} closed the connection`, "later"));
    });
  }

  get name(): string {
    return this.#name;
  }

  /** Why the connection has ended, once it has. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Resolves when the connection has ended. */
  get lost(): Promise<Fault> {
    return this.#lost.promise;
  }

  /** Calls `onSilence` after so long without a byte in either direction; replaces the watch before it. */
  watchSilence(ms: number, onSilence: () => void): void {
    this.#onSilence = onSilence;
    this.#socket.setTimeout(ms);
  }

  /** The next bytes of the stream, exactly so many; one caller at a time. */
  take(bytes: number): Promise<Buffer> {
    const taken = Promise.withResolvers<Buffer>();
    if (this.#fault !== undefined) taken.reject(this.#fault);
    this.#taker = { bytes, give: taken.resolve, fail: taken.reject };
    this.#serveTaker();
    return taken.promise;
  }

  /** From now on every byte goes to `receiver`. */
  stream(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#early.length > 0) this.lose(new NbdProtocolFault("the server sent replies before any request"));
  }

  /** Hands bytes to the kernel at the end of this turn; they must not change until the answer has come. */
  send(...parts: readonly Buffer[]): void {
    if (this.#fault !== undefined || this.#closing) return;
    // What is asked for in one turn goes out as one: each write wakes the server.
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    process.nextTick(() => {
      this.#socket.uncork();
    });
  }

  /** Sends our end and waits until the server has closed its own, at most `ms`; then closes in any case. */
  async finish(ms: number): Promise<void> {
    this.#closing = true;
    this.#socket.end();
    const timer = setTimeout(() => {
      this.#socket.destroy();
    }, ms);
    await this.lost;
    clearTimeout(timer);
  }

  /** Ends the connection with this reason; later reasons are consequences and are ignored. */
  lose(fault: Fault): void {
    if (this.#fault === undefined) {
      this.#fault = fault;
      this.#taker?.fail(fault);
      this.#taker = undefined;
      this.#lost.resolve(fault);
    }
    this.#socket.destroy();
  }

  #receive(count: number): void {
    if (this.#fault !== undefined) return;
    const bytes = this.#buffer.subarray(0, count);
    if (this.#receiver === undefined) {
      this.#early = Buffer.concat([this.#early, bytes]);
      this.#serveTaker();
      return;
    }
    try {
      if (this.#room === undefined) this.#receiver.push(bytes);
      else this.#receiver.filled(count);
    } catch (cause) {
      this.lose(cause instanceof Fault ? cause : new NbdProtocolFault("reading replies", cause));
    }
  }

  #serveTaker(): void {
    const taker = this.#taker;
    if (taker === undefined || this.#early.length < taker.bytes) return;
    const piece = this.#early.subarray(0, taker.bytes);
    this.#early = this.#early.subarray(taker.bytes);
    this.#taker = undefined;
    taker.give(piece);
  }
}
