import type { Clock } from "@cairn/kernel";
import type { Hypervisors } from "./hosts/hypervisors.ts";
import type { FaultPlan } from "./http/injection.ts";
import type { State } from "./state/store.ts";
import type { Tasks } from "./tasks.ts";

/** Everything that the services share. */
export interface Cloud {
  readonly state: State;
  readonly clock: Clock;
  /** The sandbox's folder, absolute. */
  readonly directory: string;
  /** Changed by a hook while the sandbox runs. */
  readonly settings: { transitionMs: number; storageGiB: number };
  readonly tasks: Tasks;
  readonly faults: FaultPlan;
  readonly hypervisors: Hypervisors;
  readonly log: (event: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** `http://127.0.0.1:<port>`, known once the sandbox listens. */
  readonly baseUrl: () => string;
}
