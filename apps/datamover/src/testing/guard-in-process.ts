import { duplexPair } from "node:stream";
import { systemClock } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { GuardClient } from "../guard/client.ts";
import type { GuardSettings } from "../guard/codec.ts";
import { runGuard } from "../guard/loop.ts";

/** A whole guard and its client in one process, for tests in which neither is to die. */
export function guardInProcess(settings: GuardSettings, log: Log): GuardClient {
  return new GuardClient({
    settings,
    clock: systemClock,
    log,
    start: () => {
      const [channel, theirs] = duplexPair();
      const ending = new AbortController();
      const exited = runGuard({ channel: theirs, clock: systemClock, log, ending: ending.signal });
      return { channel, exited, kill: () => theirs.destroy() };
    },
  });
}
