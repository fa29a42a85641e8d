import { networkInterfaces } from "node:os";
import { type Database, type EngineSays, removeEngine, touchEngine } from "@cairn/database";
import { asError, asId, type Clock } from "@cairn/kernel";
import type { Log, Status } from "@cairn/service";
import type { Engine } from "./engine.ts";

interface PresenceWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly status: Status;
}

const VERSION = "0.1.0";

/** What an engine of this name (`node/process`) says of itself. */
export function describeEngine(name: string): EngineSays {
  return { name, host: asId(name.split("/")[0] ?? name), version: VERSION, address: ownAddress() };
}

/** The first address by which others reach this machine, for people. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "";
}

/** A node counts as up for seven times as long. */
const BEAT_MS = 2_000;

/**
 * Says every two seconds that the engine is there, and has it take no new runs while its node is out of
 * service. The claim of a run asks, too, so that none is taken in the seconds before it is heard here.
 */
export function startPresence(
  { database, clock, log, status }: PresenceWorld,
  says: EngineSays,
  engine: Pick<Engine, "take">,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let isTaking = true;
  const beat = async (): Promise<void> => {
    const { isDisabled } = await touchEngine(database.handle, says);
    if (isTaking !== isDisabled) return;
    await engine.take(!isDisabled);
    isTaking = !isDisabled;
    log.warn(isDisabled ? "engine.disabled" : "engine.enabled", { node: says.host });
  };
  const beating = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await beat();
        status.succeeded("presence");
      } catch (cause) {
        status.failed("presence", cause);
        log.warn("presence.fault", { fault: asError(cause) });
      }
      await clock.sleep(BEAT_MS, stopping.signal).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await beating;
      // Who looks sees at once that it is gone; if the database is away the row says so by its age.
      await removeEngine(database.handle, says.name).catch((cause: unknown) => {
        log.warn("presence.fault", { fault: asError(cause) });
      });
    },
  };
}
