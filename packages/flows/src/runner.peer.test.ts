import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { OrderBody } from "@cairn/contract";
import {
  claimOrders,
  claimRun,
  createTestDatabase,
  createWorkload,
  type Database,
  findRun,
  findSnapshot,
  finishOrder,
  listSteps,
  openDatabase,
  openSnapshot,
  registerDatamover,
  releaseWorkload,
  reportProgress,
  requestCancellation,
  setSnapshotStatus,
  type TestDatabase,
  touchDatamover,
} from "@cairn/database";
import type { Plan } from "@cairn/domain";
import {
  Fault,
  type HostName,
  newId,
  type ProjectId,
  type RunId,
  Secret,
  systemClock,
  type UserId,
} from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { executeRun } from "./runner.ts";
import { runnerDefaults } from "./runner-settings.ts";
import type { RunnerWorld } from "./runner-world.ts";
import type { Flow, FlowContext, StepContext, StepDefinition } from "./step.ts";

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
});

after(async () => {
  await database.close();
  await place.drop();
});

const asker = { projectId: "p1" as ProjectId, userId: "u1" as UserId };
const never = new AbortController().signal;
const quick = { attemptsMax: 3, outageAttemptsMax: 6, deadlineMs: 20_000, pauseMs: 1, pauseMaxMs: 5 };
const settings = { ...runnerDefaults, leaseMs: 2_000, renewMs: 100, perform: quick, undo: quick };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A world of named things: what steps made and did not undo. */
type Things = Set<string>;

function makes(
  things: Things,
  hooks: { perform?: (context: StepContext) => Promise<void> } = {},
): StepDefinition {
  return {
    perform: async (context) => {
      things.add(context.step.key);
      await hooks.perform?.(context);
      return { made: context.step.key };
    },
    undo: async (context) => {
      things.delete(context.step.key);
    },
  };
}

function flowOf(stages: string[][], steps: Flow["steps"]): Flow {
  const plan: Plan = {
    stages: stages.map((keys) =>
      keys.map((key) => ({ key, kind: key in steps ? key : "make", parameters: {} })),
    ),
  };
  return {
    name: "snapshot",
    plan: async () => ({ kind: "planned", plan }),
    steps,
    conclude: async (transaction, run, result) => {
      const { workloadId, snapshotId } = run.subject;
      const status = { succeeded: "available", failed: "error", cancelled: "cancelled" } as const;
      if (snapshotId !== undefined) {
        const message = result.kind === "failed" ? result.message : undefined;
        await setSnapshotStatus(transaction, snapshotId, status[result.kind], message);
      }
      await releaseWorkload(transaction, { workloadId, runId: run.id });
    },
  };
}

function worldOf(flow: Flow): RunnerWorld {
  return {
    database,
    clock: systemClock,
    log: silent,
    masterKey: new Secret(Buffer.alloc(32)),
    keyPolicy: { withoutEscrow: true, barbican: false },
    settings,
    engine: "test",
    flows: { snapshot: flow },
    connect: async () => ({ cloud: {} as Cloud, admin: {} as Cloud }),
  };
}

async function openedRun(): Promise<RunId> {
  const id = newId<"workload">();
  await createWorkload(database.handle, { id, ...asker, name: "w", description: "", instances: [] });
  const wanted = { workloadId: id, name: "s", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return opened.runId;
}

test("a run performs its stages in order, keeps what steps made, concludes with its flow", async () => {
  const things: Things = new Set();
  const flow = flowOf([["a", "b"], ["c"]], {
    make: makes(things),
    c: makes(things, {
      perform: async (context) => {
        assert.deepEqual(context.output("a"), { made: "a" });
      },
    }),
  });
  const runId = await openedRun();
  const done = await executeRun(worldOf(flow), runId, never);
  assert.deepEqual(done, { kind: "concluded", result: { kind: "succeeded" } });
  assert.deepEqual([...things].sort(), ["a", "b", "c"]);
  const run = await findRun(database.handle, runId);
  const snapshot = await findSnapshot(database.handle, { id: run?.snapshot_id ?? "" });
  assert.equal(snapshot?.status, "available");
  assert.deepEqual(await executeRun(worldOf(flow), runId, never), { kind: "not-claimed" });
});

test("a step that fails for good has everything undone, its own beginnings too", async () => {
  const things: Things = new Set();
  const flow = flowOf([["a"], ["b", "bad"], ["c"]], {
    make: makes(things),
    bad: makes(things, {
      perform: async () => {
        throw new Fault("quota", "creating a volume: quota exceeded", "never");
      },
    }),
  });
  const runId = await openedRun();
  const done = await executeRun(worldOf(flow), runId, never);
  assert.deepEqual(done, {
    kind: "concluded",
    result: { kind: "failed", message: "creating a volume: quota exceeded" },
  });
  assert.deepEqual([...things], []);
  const steps = await listSteps(database.handle, runId);
  assert.ok(steps.every((step) => step.state === "undone"));
});

test("a run that has concluded is not lost, however late the database's answer comes", async () => {
  const runId = await openedRun();
  // The conclusion is answered when the heartbeat has looked for the run, and found none to renew.
  const slow: Database = {
    ...database,
    transaction: async (work) => {
      const result = await database.transaction(work);
      const state = (await findRun(database.handle, runId))?.state;
      if (state === "concluded") await systemClock.sleep(settings.renewMs * 5);
      return result;
    },
  };
  const flow = flowOf([["a"]], { make: makes(new Set()) });
  const done = await executeRun({ ...worldOf(flow), database: slow }, runId, never);
  assert.deepEqual(done, { kind: "concluded", result: { kind: "succeeded" } });
});

test("a fault that may work later is tried again, with a number of its own", async () => {
  const attempts: number[] = [];
  const flow = flowOf([["flaky"]], {
    flaky: {
      perform: async ({ step }) => {
        attempts.push(step.attempt);
        if (step.attempt < 3) throw new Fault("busy", "asking Cinder", "later");
      },
      undo: async () => {},
    },
  });
  const done = await executeRun(worldOf(flow), await openedRun(), never);
  assert.deepEqual(done, { kind: "concluded", result: { kind: "succeeded" } });
  assert.deepEqual(attempts, [1, 2, 3]);
});

test("an outage of OpenStack is waited out, in planning, performing and undoing", async () => {
  const things: Things = new Set();
  const left = new Map(["plan", "a", "undo a"].map((what) => [what, quick.outageAttemptsMax - 1]));
  const endure = (what: string): void => {
    const more = left.get(what) ?? 0;
    left.set(what, more - 1);
    if (more > 0) throw new Fault("openstack-unavailable", what, "later");
  };
  const step = makes(things, { perform: async ({ step: { key } }) => Promise.resolve(endure(key)) });
  const flow = flowOf([["a"], ["b"]], {
    make: {
      perform: async (context, parameters) => step.perform(context, parameters),
      undo: async (context, parameters, output) => {
        endure(`undo ${context.step.key}`);
        await step.undo(context, parameters, output);
      },
    },
    b: makes(things, {
      perform: async () => Promise.reject(new Fault("openstack-quota", "making b", "after-operator")),
    }),
  });
  const planned = await flow.plan({} as FlowContext);
  const patient: Flow = {
    ...flow,
    plan: async () => {
      endure("plan");
      return Promise.resolve(planned);
    },
  };
  const runId = await openedRun();
  const done = await executeRun(worldOf(patient), runId, never);
  const result = { kind: "failed", message: "making b" };
  assert.deepEqual(done, { kind: "concluded", result });
  assert.deepEqual([...things], []);
  assert.deepEqual((await findRun(database.handle, runId))?.leftovers, []);
});

test("an undo that cannot be had is said, and the others go on", async () => {
  const things: Things = new Set();
  const flow = flowOf([["a"], ["stuck"], ["bad"]], {
    make: makes(things),
    stuck: {
      ...makes(things),
      undo: async () => {
        throw new Fault("in-use", "removing volume v1: in use", "later");
      },
    },
    bad: makes(things, {
      perform: async () => {
        throw new Error("a mistake");
      },
    }),
  });
  const runId = await openedRun();
  await executeRun(worldOf(flow), runId, never);
  assert.deepEqual([...things], ["stuck"]);
  const run = await findRun(database.handle, runId);
  assert.deepEqual(run?.leftovers, [{ key: "stuck", message: "removing volume v1: in use" }]);
  assert.deepEqual(run.result, { kind: "failed", message: "internal error: a mistake" });
});

test("a cancellation aborts what is being performed, then everything is undone", async () => {
  const things: Things = new Set();
  const runId = await openedRun();
  const flow = flowOf([["a"], ["long"]], {
    make: makes(things),
    long: makes(things, {
      perform: async ({ signal }) => {
        await database.transaction((tx) => requestCancellation(tx, runId));
        await systemClock.sleep(60_000, signal);
      },
    }),
  });
  const done = await executeRun(worldOf(flow), runId, never);
  assert.deepEqual(done, { kind: "concluded", result: { kind: "cancelled" } });
  assert.deepEqual([...things], []);
});

test("an order waits for its datamover, and a redelivered step finds the same order again", async () => {
  const host = "h1" as HostName;
  await registerDatamover(database.handle, host, new Secret("token"));
  await touchDatamover(database.handle, host);
  const body: OrderBody = { kind: "settle-instance", instanceId: "i1", keepBitmaps: [] };
  const outcomes: unknown[] = [];
  const flow = flowOf([["settle"]], {
    settle: {
      perform: async (context) => {
        outcomes.push(await context.order(host, body));
      },
      undo: async () => {},
    },
  });
  const runId = await openedRun();
  const stop = new AbortController();
  const first = executeRun(worldOf(flow), runId, stop.signal);
  const [order] = await until(() => database.transaction((tx) => claimOrders(tx, host, 5, 30_000)));
  assert.ok(order !== undefined);
  stop.abort();
  assert.deepEqual(await first, { kind: "interrupted", because: "stopping" });
  const second = executeRun(worldOf(flow), runId, never);
  const holder = { orderId: order.id, host, generation: order.generation };
  assert.equal(await database.transaction((tx) => finishOrder(tx, holder, { kind: "settled" })), "finished");
  assert.deepEqual(await second, { kind: "concluded", result: { kind: "succeeded" } });
  assert.deepEqual(outcomes, [{ kind: "settled" }]);
});

test("before a step is undone, the order that a dead engine left of it has ended", async () => {
  const host = "h2" as HostName;
  await registerDatamover(database.handle, host, new Secret("token-h2"));
  await touchDatamover(database.handle, host);
  const body: OrderBody = { kind: "settle-instance", instanceId: "i1", keepBitmaps: [] };
  const openAtUndo: number[] = [];
  const runId = await openedRun();
  const isOpen = ({ state }: { state: string }): boolean => state === "claimed" || state === "queued";
  const flow = flowOf([["settle"]], {
    settle: {
      perform: async (context) => {
        await context.order(host, body);
      },
      undo: async () => {
        const orders = await database.handle
          .selectFrom("datamover_order")
          .select("state")
          .where("run_id", "=", runId)
          .execute();
        openAtUndo.push(orders.filter(isOpen).length);
      },
    },
  });
  const stop = new AbortController();
  const first = executeRun(worldOf(flow), runId, stop.signal);
  const [order] = await until(() => database.transaction((tx) => claimOrders(tx, host, 5, 30_000)));
  assert.ok(order !== undefined);
  stop.abort();
  await first;
  await database.transaction((tx) => requestCancellation(tx, runId));
  const second = executeRun(worldOf(flow), runId, never);
  const holder = { orderId: order.id, host, generation: order.generation };
  const verdicts = await until(async () => {
    const progress = { phase: "preparing", disks: [] };
    const verdict = await reportProgress(database.handle, holder, progress, 30_000);
    return verdict === "cancelled" ? [verdict] : [];
  });
  assert.deepEqual(verdicts, ["cancelled"]);
  assert.deepEqual(openAtUndo, []);
  await database.transaction((tx) => finishOrder(tx, holder, { kind: "settled" }));
  assert.deepEqual(await second, { kind: "concluded", result: { kind: "cancelled" } });
  assert.deepEqual(openAtUndo, [0]);
});

test("an engine that lost its run changes nothing any more", async () => {
  const things: Things = new Set();
  const runId = await openedRun();
  const flow = flowOf([["a"], ["late"]], {
    make: makes(things),
    late: makes(things, {
      perform: async () => {
        await database.handle
          .updateTable("run")
          .set({ lease_until: new Date(0) })
          .where("id", "=", runId)
          .execute();
        const wanted = { runId, engine: "another", leaseMs: 60_000 };
        assert.ok((await claimRun(database.handle, wanted)) !== undefined);
      },
    }),
  });
  assert.deepEqual(await executeRun(worldOf(flow), runId, never), { kind: "interrupted", because: "lost" });
  const steps = await listSteps(database.handle, runId);
  assert.deepEqual(
    steps.map((step) => step.state),
    ["done", "started"],
  );
  assert.equal((await findRun(database.handle, runId))?.claimed_by, "another");
});

async function until<Value>(look: () => Promise<Value[]>): Promise<Value[]> {
  for (let looks = 0; looks < 500; looks += 1) {
    const seen = await look();
    if (seen.length > 0) return seen;
    await systemClock.sleep(10);
  }
  throw new Error("it did not happen");
}
