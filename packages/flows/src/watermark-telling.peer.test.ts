import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  changeQuota,
  createQuota,
  createTestDatabase,
  createWorkload,
  type Database,
  openDatabase,
  type TestDatabase,
  watchQuotas,
} from "@cairn/database";
import { newId, type ProjectId, type UserId } from "@cairn/kernel";
import { tellWatermarksOnce } from "./watermark-telling.ts";

const PROJECT = "p1" as ProjectId;

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

async function tell(): Promise<boolean> {
  const silent = (): void => undefined;
  return tellWatermarksOnce({ database, log: { debug: silent, info: silent, warn: silent, error: silent } });
}

async function notices(): Promise<unknown[]> {
  const rows = await database.handle.selectFrom("notice").select("body").execute();
  return rows.map(({ body }) => body);
}

test("a watermark that is passed is one notice to who used the project last", async () => {
  for (const userId of ["anna", "bert"] as UserId[]) {
    const about = { id: newId<"workload">(), projectId: PROJECT, userId };
    await createWorkload(database.handle, { ...about, name: "w", description: "", instances: [] });
  }
  const wanted = { projectId: PROJECT, type: "workloads", allowed: 5, highWatermark: 1 } as const;
  const quota = await database.transaction(async (tx) => createQuota(tx, wanted));
  assert.ok(quota !== undefined);
  const answers = await Promise.all([tell(), tell()]);
  assert.equal(answers.filter((isNews) => isNews).length, 1, "two engines write one");
  const told = {
    kind: "quota.watermark",
    projectId: PROJECT,
    userId: "bert",
    quota: { name: "Workloads", used: 2, watermark: 1, allowed: 5 },
  };
  assert.deepEqual(await notices(), [told]);

  await database.transaction(async (tx) => changeQuota(tx, quota.id, { highWatermark: 4 }));
  assert.equal(await tell(), true, "it is no longer passed");
  await database.handle.deleteFrom("workload").execute();
  await watchQuotas(database.handle);
  assert.equal(await tell(), false);
  assert.equal((await notices()).length, 1, "which nobody has to be told");
});
