import type { ServiceClient } from "../wire/service-client.ts";
import { containers, orders, type SecretHolders } from "./references.ts";
import { type Secrets, secrets } from "./secrets.ts";

/** The key manager. Not every cloud has one: `endpoint("key-manager")` tells. */
export interface Barbican {
  readonly secrets: Secrets;
  readonly orders: SecretHolders;
  readonly containers: SecretHolders;
}

export function barbican(client: ServiceClient): Barbican {
  return { secrets: secrets(client), orders: orders(client), containers: containers(client) };
}
