import { describeFault } from "@cairn/kernel";
import type { DomainRef, LibvirtClient } from "@cairn/libvirt";
import { thawGuest } from "./agent.ts";
import type { DriverContext } from "./context.ts";
import { notedFreezes, removeFreezeNote } from "./freeze-note.ts";
import { openLibvirt, SHUTOFF } from "./link.ts";

const LOOK_MS = 2_000;
/** So long after its freeze nobody sees to a guest's thaw any more. */
const OVERDUE_MS = 15_000;
/** Saved with its memory, and one whose end the daemon did not see. */
const MAY_BE_SAVED: readonly number[] = [SHUTOFF.saved, SHUTOFF.unknown];

/**
 * Thaws a guest that may be frozen, if it can be reached, and forgets about it when that is done or when the
 * guest has come to its end. One that is paused, or saved with its memory as Nova suspends it, runs on as it
 * was, and stays owed its thaw.
 */
export async function payThaw(
  {
    client,
    domain,
  }: { readonly client: Pick<LibvirtClient, "agentCommand" | "domainState">; readonly domain: DomainRef },
  scratchPath: string,
  signal: AbortSignal,
): Promise<"paid" | "owed"> {
  const { state, reason } = await client.domainState(domain, { signal });
  switch (state) {
    case "paused":
    case "pm-suspended":
    case "shutting-down":
    case "none":
      return "owed";
    case "running":
    case "blocked":
      await thawGuest({ client, domain }, signal);
      break;
    case "shut-off":
    case "crashed":
      if (state === "shut-off" && MAY_BE_SAVED.includes(reason)) return "owed";
  }
  await removeFreezeNote(scratchPath, domain.uuid);
  return "paid";
}

/**
 * Thaws guests that were suspended, or paused, while they were frozen, as soon as they run on. Resolves when
 * the signal is aborted.
 */
export async function tendThaws(context: DriverContext, signal: AbortSignal): Promise<void> {
  const { clock, log } = context;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      await payOverdue(context, signal);
    } catch (cause) {
      if (!isOver()) log.warn("thaws.look-failed", { fault: describeFault(cause) });
    }
    await clock.sleep(LOOK_MS, signal).catch((cause: unknown) => {
      if (!isOver()) throw cause;
    });
  }
}

async function payOverdue({ clock, log, place, scratch }: DriverContext, signal: AbortSignal): Promise<void> {
  const overdue = await notedFreezes(scratch.path, clock.now() - OVERDUE_MS);
  if (overdue.length === 0) return;
  using client = await openLibvirt(place, signal);
  for (const instance of overdue) {
    const domain = await client.findDomain(instance, { signal });
    if (domain === undefined) {
      await removeFreezeNote(scratch.path, instance);
      continue;
    }
    try {
      if ((await payThaw({ client, domain }, scratch.path, signal)) === "paid")
        log.warn("guest.thawed-late", { instance });
    } catch (cause) {
      signal.throwIfAborted();
      // Its agent may not be there yet; the others' are.
      log.warn("guest.thaw-failed", { instance, fault: describeFault(cause) });
    }
  }
}
