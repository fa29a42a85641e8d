import { type Clock, Rejection } from "@cairn/kernel";
import type { Narrator } from "./narrator.ts";
import { servicesOf } from "./services.ts";
import type { Settings } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";

export interface Restart {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly narrator: Narrator;
}

/**
 * Ends one service and starts it as it was, and waits until it answers; nothing else is touched. A test does
 * so in the middle of its work.
 */
export async function restart(
  { settings, clock, narrator }: Restart,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const service = servicesOf(settings).find((each) => each.name === name);
  if (service === undefined)
    throw new Rejection(`the cloud has no service ${name}`, { status: 404, remedy: "Name one that runs." });
  const supervisor = new Supervisor(settings.layout, clock);
  await supervisor.stop(service, signal);
  await supervisor.ensure(service, signal);
  narrator.tell(`${name} runs again`);
}
