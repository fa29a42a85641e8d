import { type OpenStackPlace, setupEnvironment } from "@cairn/embedded";
import { cairnCommand } from "./cairn-command.ts";
import type { Narrator } from "./narrator.ts";

const REMOVAL_MS = 60_000;

/**
 * Registers this checkout's service in the cloud by the product's own command, does the work, and takes away
 * what was registered. `apiPort` is where the API will listen.
 */
export async function registeredWhile<Result>(
  place: OpenStackPlace,
  { apiPort, environment, narrator, signal }: Registration,
  work: () => Promise<Result>,
): Promise<Result> {
  const cairn = cairnCommand({ ...environment, ...setupEnvironment(place) }, narrator);
  await cairn.run(["setup", "keystone", "--url", `http://127.0.0.1:${String(apiPort)}`], signal);
  try {
    return await work();
  } finally {
    // The signal may have ended the work; what was registered is taken away nevertheless.
    await cairn.run(["setup", "keystone", "--remove"], AbortSignal.timeout(REMOVAL_MS));
  }
}

interface Registration {
  readonly apiPort: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
}
