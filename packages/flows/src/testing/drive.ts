import type { PlannedStep, RunResult } from "@cairn/domain";
import { asId, assert, describeFault, Secret, systemClock } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { flows } from "../registry.ts";
import type { FlowContext, Log, RunFacts, StepContext } from "../step.ts";
import { fakeNova } from "./fake-compute.ts";
import { carryOutFake } from "./fake-datamover.ts";
import { fakeNeutron } from "./fake-network.ts";
import { PROJECT, USER } from "./fake-state.ts";
import { fakeCinder, fakeGlance } from "./fake-storage.ts";
import { Crash, Meter, type Mishap, metered } from "./meter.ts";
import { RESTORE, RUN, SAFETY, SNAPSHOT, WORKLOAD, type World } from "./world.ts";

export interface DriveOptions {
  readonly flow: keyof typeof flows;
  readonly request?: unknown;
  /** Else `RUN`; two runs that write to one repository have different ids. */
  readonly runId?: string;
  /** Perform each step two times, as after a crash before its output was stored. */
  readonly twice?: boolean;
  readonly undoTwice?: boolean;
  readonly mishap?: { readonly at: number; readonly kind: Mishap };
}

export interface Driven {
  readonly result: RunResult | { readonly kind: "refused"; readonly message: string };
  readonly leftovers: readonly string[];
  /** Calls to cloud and hosts that the steps made. */
  readonly calls: number;
  readonly stages: readonly (readonly PlannedStep[])[];
}

/**
 * Walks a run from plan to end as the runner does, but in one order and in memory, so that any call of any
 * step can be made to go wrong.
 */
export async function drive(world: World, options: DriveOptions): Promise<Driven> {
  const controller = new AbortController();
  const meter = new Meter(controller, options.mishap);
  const facts = factsOf(options);
  const flow = flows[options.flow];
  const context = contextOf(world, facts, { meter, signal: controller.signal });
  const verdict = await flow.plan(context);
  if (verdict.kind === "refused") {
    const result = { kind: "failed", message: verdict.message } as const;
    await world.database.transaction(async (transaction) =>
      flow.conclude(transaction, { ...facts, outputs: new Map(), leftovers: [] }, result),
    );
    return { result: verdict, leftovers: [], calls: 0, stages: [] };
  }
  const { stages } = JSON.parse(JSON.stringify(verdict.plan)) as typeof verdict.plan;
  const walk = new Walk(context, options);
  meter.isCounting = true;
  const result = await walk.forward(stages);
  meter.isCounting = false;
  const calm = contextOf(world, facts, { meter, signal: new AbortController().signal });
  const leftovers = result.kind === "succeeded" ? [] : await walk.back(calm);
  const outputs = result.kind === "succeeded" ? walk.outputs : new Map<string, unknown>();
  await world.database.transaction(async (transaction) =>
    flow.conclude(transaction, { ...facts, outputs, leftovers }, result),
  );
  return { result, leftovers, calls: meter.calls, stages };
}

class Walk {
  readonly outputs = new Map<string, unknown>();
  readonly #started: PlannedStep[] = [];
  readonly #context: FlowContext & Pick<StepContext, "order">;
  readonly #options: DriveOptions;

  constructor(context: FlowContext & Pick<StepContext, "order">, options: DriveOptions) {
    this.#context = context;
    this.#options = options;
  }

  async forward(stages: readonly (readonly PlannedStep[])[]): Promise<RunResult> {
    try {
      for (const step of stages.flat()) await this.#perform(step);
      return { kind: "succeeded" };
    } catch (cause) {
      if (this.#context.signal.aborted) return { kind: "cancelled" };
      return { kind: "failed", message: describeFault(cause) };
    }
  }

  async #perform(step: PlannedStep): Promise<void> {
    this.#started.push(step);
    if (this.#options.twice === true) await this.#once(step);
    let output: unknown;
    try {
      output = await this.#once(step);
    } catch (cause) {
      if (!(cause instanceof Crash)) throw cause;
      output = await this.#once(step);
    }
    this.outputs.set(step.key, JSON.parse(JSON.stringify(output ?? null)));
  }

  async #once(step: PlannedStep): Promise<unknown> {
    const definition = definitionOf(this.#options.flow, step);
    return definition.perform(this.#stepContext(this.#context, step), step.parameters);
  }

  /** Undoes what was started, newest first, and gives what could not be undone. */
  async back(context: FlowContext & Pick<StepContext, "order">): Promise<string[]> {
    const leftovers: string[] = [];
    for (const step of this.#started.toReversed()) {
      const definition = definitionOf(this.#options.flow, step);
      const stepContext = this.#stepContext(context, step);
      try {
        const times = this.#options.undoTwice === true ? 2 : 1;
        for (let time = 0; time < times; time += 1) {
          await definition.undo(stepContext, step.parameters, this.outputs.get(step.key));
        }
      } catch (cause) {
        leftovers.push(describeFault(cause));
      }
    }
    return leftovers;
  }

  #stepContext(context: FlowContext & Pick<StepContext, "order">, step: PlannedStep): StepContext {
    return {
      ...context,
      step: { key: step.key, attempt: 1 },
      output: (key) => {
        assert(this.outputs.has(key), `step ${key} is done`);
        return this.outputs.get(key);
      },
    };
  }
}

function definitionOf(name: DriveOptions["flow"], step: PlannedStep) {
  const definition = flows[name].steps[step.kind];
  assert(definition !== undefined, `flow ${name} has a step ${step.kind}`);
  return definition;
}

function factsOf(options: DriveOptions): RunFacts {
  const subject = { workloadId: asId<"workload">(WORKLOAD) };
  const snapshot = { ...subject, snapshotId: asId<"snapshot">(SNAPSHOT) };
  const restoreId = asId<"restore">(RESTORE);
  const subjects = {
    snapshot,
    "snapshot-delete": snapshot,
    "snapshot-mount": snapshot,
    "snapshot-dismount": snapshot,
    "safety-snapshot": { ...subject, snapshotId: asId<"snapshot">(SAFETY), restoreId },
    restore: { ...snapshot, restoreId },
    "workload-delete": subject,
    "workload-reset": subject,
    "workload-mark": subject,
  };
  return {
    id: asId(options.runId ?? RUN),
    projectId: asId(PROJECT),
    userId: asId(USER),
    flow: options.flow,
    subject: subjects[options.flow],
    request: options.request ?? {},
  };
}

function contextOf(
  world: World,
  run: RunFacts,
  { meter, signal }: { readonly meter: Meter; readonly signal: AbortSignal },
): FlowContext & Pick<StepContext, "order"> {
  return {
    run,
    cloud: metered(fakeCloud(world, "tenant"), meter),
    admin: metered(fakeCloud(world, "admin"), meter),
    database: world.database,
    masterKey: world.masterKey,
    keyPolicy: world.keyPolicy,
    clock: systemClock,
    signal,
    log: SILENT,
    order: async (host, body) =>
      meter.call(`order ${body.kind} on ${host}`, async () =>
        Promise.resolve(carryOutFake(world.hosts, body, world.cloud)),
      ),
  };
}

/** A log that says nothing. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The cloud of this world, as a tenant or an admin sees it. */
export function fakeCloud(world: World, view: "tenant" | "admin"): Cloud {
  const { cloud } = world;
  const services = {
    nova: fakeNova(cloud, view),
    cinder: fakeCinder(cloud),
    glance: fakeGlance(cloud),
    neutron: fakeNeutron(cloud),
    placement: { hasRoom: async () => true },
    token: async () => ({
      value: new Secret("token"),
      roles: [{ id: "r", name: cloud.isAdmin ? "admin" : "member" }],
    }),
    // Who the service user is, is which cloud it is.
    userId: async () => (view === "admin" ? "service-user" : USER),
  };
  return services as unknown as Cloud;
}
