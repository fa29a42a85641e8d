import type { DomainEvent, LibvirtClient } from "@cairn/libvirt";
import type { Log } from "@cairn/service";
import { openLibvirt } from "../hypervisor/libvirt/link.ts";
import type { GuardedFreeze } from "./port.ts";

type Place = GuardedFreeze["place"];
type Threshold = Extract<DomainEvent, { kind: "blockThreshold" }>;

const CONNECT_TIMEOUT_MS = 5_000;

/** Connections of the guard's own to libvirt, only for the events that say that scratch is filling up. */
export class ThresholdEvents {
  readonly #log: Log;
  readonly #connections = new Map<string, AbortController>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Listens at this place from now on; once is enough. When the connection ends, the next call makes another:
   * what happened meanwhile shows in the next look at scratch.
   */
  listen(place: Place, take: (event: Threshold) => void): void {
    if (this.#connections.has(place.socket)) return;
    const ending = new AbortController();
    this.#connections.set(place.socket, ending);
    void this.#follow(place, take, ending.signal);
  }

  /** Nobody wants events any more. */
  rest(): void {
    for (const ending of this.#connections.values()) ending.abort(new Error("no point is open"));
    this.#connections.clear();
  }

  async #follow(place: Place, take: (event: Threshold) => void, ending: AbortSignal): Promise<void> {
    try {
      const signal = AbortSignal.any([ending, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
      using client = await openLibvirt(place, signal);
      using _listening = client.listen((event) => {
        if (event.kind === "blockThreshold") take(event);
      });
      await client.register("blockThreshold", undefined, { signal });
      await untilEnd(client, ending);
    } catch (cause) {
      this.#log.debug("guard.no-events", { fault: cause });
    } finally {
      if (!ending.aborted) this.#connections.delete(place.socket);
    }
  }
}

async function untilEnd(client: LibvirtClient, ending: AbortSignal): Promise<void> {
  const close = (): void => {
    client.close();
  };
  ending.addEventListener("abort", close, { once: true });
  if (ending.aborted) close();
  await client.closed;
  ending.removeEventListener("abort", close);
}
