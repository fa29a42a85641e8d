import type { ServiceClient } from "../wire/service-client.ts";
import { type Secrets, secrets } from "./secrets.ts";

/** The key manager. Not every cloud has one: `endpoint("key-manager")` tells. */
export interface Barbican {
  readonly secrets: Secrets;
}

export function barbican(client: ServiceClient): Barbican {
  return { secrets: secrets(client) };
}
