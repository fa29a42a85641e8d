import { EventEmitter, once } from "node:events";
import { asError } from "@cairn/kernel";
import { Client } from "pg";
import type { Channel, WaitOptions } from "./open.ts";

const CHANNELS: readonly Channel[] = ["cairn_order_queued", "cairn_run_cancelled", "cairn_order_changed"];
const RECONNECT_MS = 1_000;

/**
 * One connection that listens on all channels. It connects when somebody waits, and again after it broke; while
 * it is away nobody is woken early, and each wait ends by its own time. So notifications are a hint.
 */
export class NotificationListener {
  readonly #url: string;
  readonly #onFault: (fault: Error) => void;
  readonly #heard = new EventEmitter();
  #client: Client | undefined;
  #connecting: Promise<void> | undefined;
  #mayConnectAt = 0;
  #closed = false;

  constructor(url: string, onFault: (fault: Error) => void) {
    this.#url = url;
    this.#onFault = onFault;
    this.#heard.setMaxListeners(0);
  }

  /** Resolves at a notification or after `ms`; rejects when the signal is aborted. */
  async waitFor(channel: Channel, { payload, ms, signal }: WaitOptions): Promise<void> {
    signal?.throwIfAborted();
    this.#ensureConnected();
    const name = payload === undefined ? channel : `${channel} ${payload}`;
    const deadline = AbortSignal.timeout(ms);
    const end = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    try {
      await once(this.#heard, name, { signal: end });
    } catch (cause) {
      signal?.throwIfAborted();
      // The wait's own time has passed: that is an end like any other.
      if (!deadline.aborted) throw cause;
    }
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
      this.#heard.emit(channel);
      this.#heard.emit(`${channel} ${payload ?? ""}`);
    });
    try {
      await client.connect();
      for (const channel of CHANNELS) await client.query(`listen ${channel}`);
      this.#client = client;
    } catch (cause) {
      this.#onFault(asError(cause));
      await client.end().catch(this.#onFault);
    }
  }
}
