import type { Fault } from "@cairn/kernel";
import type { FromGuard, ToGuard } from "./codec.ts";
import { guardLostFault } from "./faults.ts";
import type { GuardedPoint, PointGuard, Reader } from "./port.ts";

/** An abort of libvirt's takes up to 60 s when a guest is shutting down (nova-bitmaps.md, 4.1). */
const SETTLE_MS_MAX = 65_000;

/** How the point talks to whichever guard there is. */
interface Wire {
  readonly ask: (message: ToGuard, signal: AbortSignal) => Promise<FromGuard>;
  readonly say: (message: ToGuard) => Promise<void>;
  readonly gone: () => void;
}

/** One point in the guard's care, as the datamover knows it. */
export class OpenPoint implements PointGuard {
  readonly #id: string;
  readonly #point: GuardedPoint;
  readonly #wire: Wire;
  readonly #broken = new AbortController();
  #thresholds: readonly string[] = [];
  #readers = 0;
  #aborting: PromiseWithResolvers<void> | undefined;
  #released: Promise<void> | undefined;

  constructor(id: string, point: GuardedPoint, wire: Wire) {
    this.#id = id;
    this.#point = point;
    this.#wire = wire;
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** What a guard has to be told of it. */
  messages(): readonly ToGuard[] {
    const devices = this.#thresholds;
    const thresholds: readonly ToGuard[] =
      devices.length === 0 ? [] : [{ type: "thresholds", id: this.#id, devices }];
    const readers: readonly ToGuard[] = this.#readers === 0 ? [] : [this.#readersNow()];
    return [{ type: "watch", point: this.#point }, ...thresholds, ...readers];
  }

  abortBegins(fault: Fault): void {
    this.#aborting ??= Promise.withResolvers();
    this.#broken.abort(fault);
  }

  abortEnds(): void {
    this.#aborting?.resolve();
  }

  giveUp(fault: Fault): void {
    this.#aborting?.resolve();
    this.#broken.abort(fault);
  }

  async confirm(signal: AbortSignal): Promise<void> {
    this.#broken.signal.throwIfAborted();
    await this.#wire.ask({ type: "confirm", id: this.#id }, signal);
    this.#broken.signal.throwIfAborted();
  }

  expectThresholds(devices: readonly string[]): void {
    this.#thresholds = devices;
    // A guard that is lost is told by its successor's first words.
    this.#wire.say({ type: "thresholds", id: this.#id, devices }).catch(() => undefined);
  }

  async reader<Client extends Reader>(connect: () => Promise<Client>): Promise<Client> {
    this.#broken.signal.throwIfAborted();
    this.#readers += 1;
    try {
      // Written before the first byte goes to QEMU: a guard reads it even if we never run again.
      await this.#wire.say(this.#readersNow());
      const client = await connect();
      void this.#abandonWhenBroken(client);
      return client;
    } catch (cause) {
      this.#readerGone();
      throw cause;
    }
  }

  async #abandonWhenBroken(client: Reader): Promise<void> {
    const abandon = (): void => client.abandon();
    this.#broken.signal.addEventListener("abort", abandon, { once: true });
    if (this.#broken.signal.aborted) abandon();
    await client.closed;
    this.#broken.signal.removeEventListener("abort", abandon);
    this.#readerGone();
  }

  #readerGone(): void {
    this.#readers -= 1;
    // A guard that is lost is told by its successor's first words.
    this.#wire.say(this.#readersNow()).catch(() => undefined);
  }

  #readersNow(): ToGuard {
    return { type: "readers", id: this.#id, open: this.#readers };
  }

  async settled(): Promise<void> {
    if (this.#aborting === undefined) return;
    const overdue = setTimeout(() => this.#aborting?.resolve(), SETTLE_MS_MAX);
    await this.#aborting.promise;
    clearTimeout(overdue);
  }

  async release(): Promise<void> {
    this.#released ??= this.#letGo();
    await this.#released;
  }

  async #letGo(): Promise<void> {
    try {
      await this.#wire.ask({ type: "release", id: this.#id }, AbortSignal.timeout(SETTLE_MS_MAX));
    } catch (cause) {
      // No guard, or none that answers: it has nothing to hold on to, and the next one is not told of it.
      this.#broken.abort(guardLostFault(cause));
    } finally {
      this.#wire.gone();
    }
  }
}
