import type { CapturedInstance } from "./captured.ts";
import type { Problems } from "./problems.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type { CreateServerGroupStep, ServerGroupReference } from "./restore-steps.ts";
import type { PlannedStep } from "./run.ts";

/** Which server groups restored instances are in, and which of them are to be made. */
export class ServerGroupPlanner {
  readonly #observed: RestoreObservation;
  readonly #problems: Problems;
  readonly #warn: (sentence: string) => void;
  readonly #made = new Map<string, PlannedStep>();

  constructor(observed: RestoreObservation, problems: Problems, warn: (sentence: string) => void) {
    this.#observed = observed;
    this.#problems = problems;
    this.#warn = warn;
  }

  /** Nova takes one group for each instance, and only when it is made. Chosen: an id, or empty for none. */
  place(instance: CapturedInstance, chosen: string | undefined): ServerGroupReference | null {
    if (chosen !== undefined) return this.#chosen(instance, chosen);
    const [id] = instance.serverGroupIds;
    if (id === undefined) return null;
    const same = this.#observed.serverGroups.find((group) => group.id === id);
    if (same !== undefined) return { kind: "existing", id };
    const captured = this.#observed.captured.serverGroups?.find((group) => group.id === id);
    if (captured === undefined) {
      this.#warn(`Instance ${instance.name} was in server group ${id}, of which nothing else is known`);
      return null;
    }
    const alike = this.#observed.serverGroups.filter(
      (group) => group.name === captured.name && group.policy === captured.policy,
    );
    const [only] = alike;
    if (only !== undefined && alike.length === 1) return { kind: "existing", id: only.id };
    const key = this.#made.get(id)?.key ?? `server-group-${this.#made.size + 1}`;
    const { name, policy, maxServersPerHost } = captured;
    const knownIds = alike.map((group) => group.id);
    const parameters: CreateServerGroupStep = { name, policy, maxServersPerHost, knownIds };
    this.#made.set(id, { key, kind: "create-server-group", parameters });
    return { kind: "created", serverGroupStep: key };
  }

  #chosen(instance: CapturedInstance, id: string): ServerGroupReference | null {
    if (id === "") return null;
    if (!this.#observed.serverGroups.some((group) => group.id === id)) {
      this.#problems.add(`Server group ${id} for instance ${instance.name} does not exist`);
    }
    return { kind: "existing", id };
  }

  get steps(): readonly PlannedStep[] {
    return [...this.#made.values()];
  }
}
