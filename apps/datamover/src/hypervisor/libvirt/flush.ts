import type { Clock } from "@cairn/kernel";
import type { DomainRef, LibvirtClient } from "@cairn/libvirt";
import { fieldsOf, optionalNumber } from "../../host/json.ts";

const CALL_TIMEOUT_S = 3;
const LOOK_MS = 100;
/** A guest that has not written everything back by then would be frozen for about as long. */
export const FLUSH_MS = 10_000;

/**
 * Has a guest write back what it holds for its disks, while nobody waits for that. Otherwise the freeze does
 * it: with those file systems stopped that are frozen already, and with the thaw waiting behind it. Gives
 * what speaks against freezing: that the guest does not come to an end.
 *
 * `sync` is run by the agent (`guest-exec`, QEMU's qga/qapi-schema.json). An agent that may not do that, as
 * where an administrator has blocked it, or whose guest has no such program, is frozen as it is.
 */
export async function flushGuest(
  agent: {
    readonly client: Pick<LibvirtClient, "agentCommand">;
    readonly domain: DomainRef;
    readonly clock: Clock;
  },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { clock } = agent;
  const untilMs = clock.now() + FLUSH_MS;
  try {
    const pid = optionalNumber(await ask(agent, "guest-exec", { path: "sync" }), "pid");
    if (pid === undefined) return undefined;
    while (clock.now() < untilMs) {
      const { exited } = await ask(agent, "guest-exec-status", { pid });
      if (exited === true) return undefined;
      await clock.sleep(LOOK_MS, signal);
    }
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  return `the guest was still writing back to its disks after ${FLUSH_MS / 1000} s`;
}

async function ask(
  { client, domain }: { readonly client: Pick<LibvirtClient, "agentCommand">; readonly domain: DomainRef },
  execute: string,
  parameters: object,
): Promise<ReturnType<typeof fieldsOf>> {
  const line = JSON.stringify({ execute, arguments: parameters });
  const answer: unknown = JSON.parse(await client.agentCommand(domain, { line, timeoutS: CALL_TIMEOUT_S }));
  return fieldsOf(fieldsOf(answer)["return"]);
}
