import type { Database } from "@cairn/database";
import type { FlowName } from "@cairn/domain";
import type { Clock, Secret } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { KeyPolicy } from "./repository-keys.ts";
import type { RunnerSettings } from "./runner-settings.ts";
import type { Flow, Log, RunFacts } from "./step.ts";

/** What an engine gives its runs to live on. */
export interface RunnerWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly masterKey: Secret<Buffer>;
  readonly keyPolicy: KeyPolicy;
  /** Which cloud this is, as the operator says; the service user's id unless given. */
  readonly cloudId?: string | undefined;
  readonly settings: RunnerSettings;
  /** The engine's name, for the record. */
  readonly engine: string;
  readonly flows: Readonly<Partial<Record<FlowName, Flow>>>;
  /** OpenStack as the tenant of a run, through the trust, and as the service user. */
  connect(run: RunFacts, signal: AbortSignal): Promise<{ readonly cloud: Cloud; readonly admin: Cloud }>;
}
