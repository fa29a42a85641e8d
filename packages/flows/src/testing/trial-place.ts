import type { OrderBody } from "@cairn/contract";
import { claimOrders, finishOrder, type OrderRow, touchDatamover } from "@cairn/database";
import { asId, assert, type HostName, systemClock } from "@cairn/kernel";
import { runnerDefaults } from "../runner-settings.ts";
import type { Flow } from "../step.ts";
import { fakeCloud, SILENT } from "./drive.ts";
import { carryOutFake } from "./fake-datamover.ts";
import { PROJECT, USER } from "./fake-state.ts";
import type { TrialWorld } from "./flow-trials.ts";
import { describeCloud } from "./sample-project.ts";
import { openRows, RESTORE, RUN, SAFETY, SNAPSHOT, WORKLOAD, type World } from "./world.ts";

const HOST: HostName = asId("compute-1");
const QUICK = { attemptsMax: 2, outageAttemptsMax: 2, deadlineMs: 20_000, pauseMs: 1, pauseMaxMs: 1 };

/** What a trial's run is about, in the world as it stands. */
export interface TrialRun {
  readonly flow: Flow;
  readonly members: readonly string[];
  readonly restoreType?: string;
  readonly mountInstance?: string;
  readonly request?: unknown;
  /** What matters besides the cloud and the hosts. */
  also?(): Promise<unknown>;
}

/** A run in this world for the real runner, with a datamover of host `compute-1` that fetches its orders. */
export async function trialPlace(world: World, run: TrialRun): Promise<TrialWorld> {
  const { database } = world;
  const name = run.flow.name;
  await openRows(world, {
    flow: name,
    members: run.members,
    restoreType: run.restoreType ?? "oneclick",
    mountInstance: run.mountInstance ?? "",
  });
  await openRunRow(world, run);
  const end = new AbortController();
  const serving = serve(world, end.signal);
  return {
    runId: asId(RUN),
    inventory: async () => ({
      cloud: describeCloud(world.cloud),
      bitmaps: [...world.hosts.bitmaps].sort(([a], [b]) => a.localeCompare(b)),
      mounted: [...world.hosts.mounted.keys()].sort(),
      also: (await run.also?.()) ?? null,
    }),
    world: {
      database,
      clock: systemClock,
      log: SILENT,
      masterKey: world.masterKey,
      keyPolicy: world.keyPolicy,
      // One after the other, so that the fake's ids come in the same order each time.
      settings: { ...runnerDefaults, stepsMax: 1, perform: QUICK, undo: QUICK, orderPollMs: 50 },
      engine: "trial",
      flows: {},
      connect: async () => ({ cloud: fakeCloud(world, "tenant"), admin: fakeCloud(world, "admin") }),
    },
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await serving;
    },
  };
}

async function openRunRow(world: World, { flow, request }: TrialRun): Promise<void> {
  const snapshots: Readonly<Record<string, string>> = {
    snapshot: SNAPSHOT,
    "snapshot-delete": SNAPSHOT,
    "snapshot-mount": SNAPSHOT,
    "snapshot-dismount": SNAPSHOT,
    restore: SNAPSHOT,
    "safety-snapshot": SAFETY,
  };
  const snapshotId = snapshots[flow.name];
  const hasRestore = flow.name === "restore" || flow.name === "safety-snapshot";
  await world.database.handle
    .insertInto("run")
    .values({
      id: asId(RUN),
      project_id: asId(PROJECT),
      user_id: asId(USER),
      flow: flow.name,
      workload_id: asId(WORKLOAD),
      snapshot_id: snapshotId === undefined ? null : asId<"snapshot">(snapshotId),
      restore_id: hasRestore ? asId<"restore">(RESTORE) : null,
      request: JSON.stringify(request ?? {}),
    })
    .execute();
}

/** Fetches orders and carries them out until it is told to end. */
async function serve(world: World, signal: AbortSignal): Promise<void> {
  const { database } = world;
  await touchDatamover(database.handle, HOST);
  while (!signal.aborted) {
    const orders = await database.transaction(async (transaction) =>
      claimOrders(transaction, HOST, 8, 30_000),
    );
    for (const order of orders) await answer(world, order);
    if (orders.length > 0) continue;
    // Without a signal: what is waited for comes soon enough that the end can wait for it.
    await database.waitFor("cairn_order_queued", { payload: HOST, ms: 30 });
  }
}

async function answer(world: World, order: OrderRow): Promise<void> {
  const outcome = carryOutFake(world.hosts, order.body as OrderBody, world.cloud);
  const holder = { orderId: order.id, host: HOST, generation: order.generation };
  const said = await world.database.transaction(async (transaction) =>
    finishOrder(transaction, holder, outcome),
  );
  assert(said === "finished", `order ${order.id} ends: ${said}`);
}
