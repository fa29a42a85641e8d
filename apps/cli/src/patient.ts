import { hasCode } from "@cairn/kernel";
import type { Shell } from "./shell.ts";

const AGAIN_MS = 500;

/**
 * Asks until there is an answer: what an engine does on a target may take longer than a request. What it says
 * meanwhile is shown on standard error. Ctrl-C ends the asking, not the work.
 */
export async function patiently<Answer>(
  { err, clock, signal }: Shell,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  let said = "";
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (cause) {
      if (!(cause instanceof Error) || !hasCode(cause, "still-working")) throw cause;
      if (cause.message !== said) err.write(`${cause.message}\n`);
      said = cause.message;
      await clock.sleep(AGAIN_MS, signal);
    }
  }
}
