import type { Database } from "@cairn/database";
import type { Clock, Secret } from "@cairn/kernel";
import type { Cloud, SecretSeal } from "@cairn/openstack";

/** Everything outside that handlers touch. */
export interface World {
  readonly database: Database;
  /** OpenStack as the service user. */
  readonly admin: Cloud;
  /** OpenStack as whoever bears this token. */
  cloudOf(token: Secret, requestId: string): Cloud;
  /** Closes what users entrust to the service; the engine opens it. */
  readonly seal: SecretSeal;
  readonly clock: Clock;
  /** How long a request waits for what an engine does for it; 25 s unless given. */
  readonly ownershipWaitMs?: number;
  /** Roles that a new owner must have in the project; of none, one that may change things. */
  readonly trusteeRoles?: readonly string[];
}
