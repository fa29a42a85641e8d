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
}
