import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  createTestDatabase,
  createWorkload,
  type Database,
  openDatabase,
  openSnapshot,
  type TestDatabase,
} from "@cairn/database";
import { newId, type ProjectId, Secret, systemClock, type UserId } from "@cairn/kernel";
import { type Cloud, connectCloud } from "@cairn/openstack";
import { runnerDefaults } from "./runner-settings.ts";
import type { Flow, StepDefinition } from "./step.ts";
import {
  everyStepTwice,
  type FlowTrial,
  failAtEachStep,
  failAtEachStepAndUndoTwice,
  type TrialWorld,
} from "./testing/flow-trials.ts";

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
const cloud: Cloud = connectCloud({
  authUrl: "http://127.0.0.1:9",
  interface: "public",
  requestTimeoutMs: 1_000,
  credentials: { kind: "token", token: new Secret("none") },
});
const quick = { attemptsMax: 2, outageAttemptsMax: 2, deadlineMs: 20_000, pauseMs: 1, pauseMaxMs: 1 };

/** A flow of two stages whose one kind of step works on a set of names. */
function trialOf(make: (things: Set<string>) => StepDefinition): FlowTrial {
  let things = new Set<string>();
  const stageOf = (key: string) => [{ key, kind: "make", parameters: null }];
  const flow: Flow = {
    name: "snapshot",
    plan: async () => ({ kind: "planned", plan: { stages: [stageOf("a"), stageOf("b")] } }),
    steps: {
      make: {
        perform: async (context, parameters) => make(things).perform(context, parameters),
        undo: async (context, parameters, output) => {
          await make(things).undo(context, parameters, output);
        },
      },
    },
    conclude: async () => undefined,
  };
  const makeWorld = async (): Promise<TrialWorld> => {
    things = new Set(["the tenant's own"]);
    return aWorld(things);
  };
  return { flow, makeWorld };
}

async function aWorld(things: ReadonlySet<string>): Promise<TrialWorld> {
  const id = newId<"workload">();
  await createWorkload(database.handle, { id, ...asker, name: "w", description: "", instances: [] });
  const wanted = { workloadId: id, name: "s", description: "", snapshotType: "full" } as const;
  const opened = await database.transaction((tx) => openSnapshot(tx, asker, wanted));
  assert.equal(opened.kind, "opened");
  return {
    runId: opened.runId,
    inventory: async () => [...things].sort(),
    world: {
      database,
      clock: systemClock,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      masterKey: new Secret(Buffer.alloc(32)),
      keyPolicy: { withoutEscrow: true, barbican: false },
      settings: { ...runnerDefaults, perform: quick, undo: quick },
      engine: "trial",
      flows: {},
      connect: async () => ({ cloud, admin: cloud }),
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const good = trialOf((things) => ({
  perform: async ({ step }) => {
    things.add(step.key);
  },
  undo: async ({ step }) => {
    things.delete(step.key);
  },
}));

test("a flow that names what it makes after its steps passes all three trials", async () => {
  await everyStepTwice(good);
  await failAtEachStep(good);
  await failAtEachStepAndUndoTwice(good);
});

test("a step that makes a second thing when it is repeated is found", async () => {
  const careless = trialOf((things) => ({
    perform: async ({ step }) => {
      things.add(`${step.key} ${things.size}`);
    },
    undo: async () => undefined,
  }));
  await assert.rejects(everyStepTwice(careless), assert.AssertionError);
});

test("a step that leaves something behind is found", async () => {
  const leaving = trialOf((things) => ({
    perform: async ({ step }) => {
      things.add(step.key);
    },
    undo: async () => undefined,
  }));
  await assert.rejects(failAtEachStep(leaving), /failing after the work of a: the world is as it was/);
});

test("an undo that cannot be called twice is found", async () => {
  const once = trialOf((things) => ({
    perform: async ({ step }) => {
      things.add(step.key);
    },
    undo: async ({ step }) => {
      if (!things.delete(step.key)) throw new Error("it is gone already");
    },
  }));
  await assert.rejects(failAtEachStepAndUndoTwice(once), /every undo ends/);
});
