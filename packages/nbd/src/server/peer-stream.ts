import type { Socket } from "node:net";
import { NbdProtocolFault } from "../faults.ts";

/** So much is taken from the kernel before it has been looked at. */
const BUFFERED_MAX = 256 * 1024;

/** Why a conversation is over without anybody having done wrong. */
export class PeerGone extends Error {}

/**
 * A client's socket: exact pieces in, batches out. Whoever does not read or does not finish what it began is
 * dropped after the server's patience.
 */
export class PeerStream {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #waiting: { readonly bytes: number; readonly settled: PromiseWithResolvers<void> } | undefined;
  #ended: Error | undefined;
  #onEnded: () => void = () => undefined;
  #inputEnded = false;
  #unsent = 0;
  #corked = false;

  constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket;
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("end", this.#onEnd);
    socket.setTimeout(patienceMs);
    socket.on("timeout", this.#onTimeout);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#chunks.push(bytes);
    this.#buffered += bytes.length;
    if (this.#waiting !== undefined && this.#buffered >= this.#waiting.bytes) this.#wake();
    else if (this.#buffered > BUFFERED_MAX && this.#waiting === undefined) this.#socket.pause();
  };
  readonly #onError = (cause: Error): void => this.drop(new PeerGone(cause.message));
  readonly #onClose = (): void => this.drop(new PeerGone("the client closed the connection"));
  /** What came before the end is still looked at. */
  readonly #onEnd = (): void => {
    this.#inputEnded = true;
    if (this.#waiting !== undefined) this.#onClose();
  };
  readonly #onTimeout = (): void => {
    // A farewell that the client does not read is owed, too.
    const isOwed =
      this.#ended !== undefined || this.#unsent > 0 || (this.#waiting !== undefined && this.#buffered > 0);
    if (isOwed) this.drop(new NbdProtocolFault("the client stopped in the middle"));
  };

  /** Why the conversation is over, once it is. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** Calls once when the conversation is over. */
  onEnded(listener: () => void): void {
    if (this.#ended === undefined) this.#onEnded = listener;
    else listener();
  }

  get hasUnread(): boolean {
    return this.#buffered > 0;
  }

  /** The next bytes, exactly so many; throws why the conversation is over. One caller at a time. */
  async take(bytes: number): Promise<Buffer> {
    await this.#arrival(bytes);
    return this.#cut(bytes);
  }

  /** The same if they have come already. */
  takeNow(bytes: number): Buffer | undefined {
    return this.#buffered >= bytes ? this.#cut(bytes) : undefined;
  }

  #cut(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= bytes) {
      this.#chunks[0] = first.subarray(bytes);
      if (first.length === bytes) this.#chunks.shift();
      this.#buffered -= bytes;
      return first.subarray(0, bytes);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length > bytes ? [all.subarray(bytes)] : [];
    this.#buffered -= bytes;
    return all.subarray(0, bytes);
  }

  /** Passes over bytes without keeping them. */
  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) {
      await this.#arrival(1);
      left -= (await this.take(Math.min(left, this.#buffered))).length;
    }
  }

  async #arrival(bytes: number): Promise<void> {
    if (this.#buffered >= bytes) return;
    if (this.#inputEnded) this.#onClose();
    if (this.#ended !== undefined) throw this.#ended;
    const settled = Promise.withResolvers<void>();
    this.#waiting = { bytes, settled };
    this.#socket.resume();
    await settled.promise;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.settled.resolve();
  }

  /**
   * Sends parts together, and with others of the same turn. They must not change until `sent` is called,
   * which it is in any case, once.
   */
  send(parts: readonly Buffer[], sent: () => void = () => undefined): void {
    const last = parts.at(-1);
    if (this.#ended !== undefined || last === undefined) {
      sent();
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    for (const part of parts.slice(0, -1)) this.#socket.write(part);
    this.#unsent += 1;
    this.#socket.write(last, () => {
      this.#unsent -= 1;
      sent();
    });
  }

  /** Ends the conversation; later reasons are consequences and are ignored. */
  drop(why: Error): void {
    this.#socket.destroy();
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#waiting?.settled.reject(why);
    this.#waiting = undefined;
    this.#onEnded();
  }

  /** Sends what there is and closes. */
  finish(why: PeerGone): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#socket.end(() => this.#socket.destroy());
    this.#onEnded();
  }

  /** Gives the bare socket back, for TLS to begin on it. */
  detach(): Socket {
    // A late error of the bare socket is the TLS socket's, too, and must not end the process.
    this.#socket.on("error", () => undefined);
    this.#socket.off("data", this.#onData);
    this.#socket.off("error", this.#onError);
    this.#socket.off("close", this.#onClose);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("timeout", this.#onTimeout);
    this.#socket.setTimeout(0);
    return this.#socket;
  }
}
