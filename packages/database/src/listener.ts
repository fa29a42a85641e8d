import { asError } from "@cairn/kernel";
import { Client } from "pg";
import type { Channel, WaitOptions } from "./open.ts";

const CHANNELS: readonly Channel[] = [
  "cairn_order_queued",
  "cairn_run_cancelled",
  "cairn_order_changed",
  "cairn_barrier_changed",
  "cairn_notice_written",
  "cairn_delivery_ended",
];
const RECONNECT_MS = 1_000;

interface Waiter {
  readonly channel: Channel;
  readonly payload: string | undefined;
  readonly wake: () => void;
}

/**
 * One connection that listens on all channels. It connects when somebody waits, and again after it broke;
 * while it is away nobody is woken early, and each wait ends by its own time. So notifications are a hint.
 */
export class NotificationListener {
  readonly #url: string;
  readonly #onFault: (fault: Error) => void;
  readonly #waiters = new Set<Waiter>();
  #client: Client | undefined;
  #connecting: Promise<void> | undefined;
  #mayConnectAt = 0;
  #closed = false;

  constructor(url: string, onFault: (fault: Error) => void) {
    this.#url = url;
    this.#onFault = onFault;
  }

  /** Resolves at a notification or after `ms`; rejects when the signal is aborted. */
  async waitFor(channel: Channel, { payload, ms, signal }: WaitOptions): Promise<void> {
    signal?.throwIfAborted();
    this.#ensureConnected();
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        this.#waiters.delete(waiter);
        resolve();
      };
      const waiter: Waiter = { channel, payload, wake };
      const timer = setTimeout(wake, ms);
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", wake, { once: true });
    });
    signal?.throwIfAborted();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting;
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }

  #ensureConnected(): void {
    if (this.#client !== undefined || this.#connecting !== undefined || this.#closed) return;
    if (performance.now() < this.#mayConnectAt) return;
    this.#mayConnectAt = performance.now() + RECONNECT_MS;
    this.#connecting = this.#connect().finally(() => {
      this.#connecting = undefined;
    });
  }

  async #connect(): Promise<void> {
    const client = new Client({ connectionString: this.#url, connectionTimeoutMillis: 5_000 });
    const lost = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on("error", (fault) => {
      lost();
      if (!this.#closed) this.#onFault(fault);
    });
    client.on("end", lost);
    client.on("notification", ({ channel, payload }) => {
      for (const waiter of this.#waiters) {
        const isMeant = waiter.payload === undefined || waiter.payload === payload;
        if (waiter.channel === channel && isMeant) waiter.wake();
      }
    });
    try {
      await client.connect();
      for (const channel of CHANNELS) await client.query(`listen ${channel}`);
      this.#client = client;
      // What was notified before this moment was not heard: everybody looks once.
      for (const waiter of this.#waiters) waiter.wake();
    } catch (cause) {
      this.#onFault(asError(cause));
      await client.end().catch(this.#onFault);
    }
  }
}
