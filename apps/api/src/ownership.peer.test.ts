import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import {
  claimOwnershipJob,
  ensureDefaultTarget,
  finishOwnershipJob,
  renewOwnershipJob,
  replaceFound,
  type TargetRow,
} from "@cairn/database";
import { NO_NEEDS } from "@cairn/domain";
import { newId } from "@cairn/kernel";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);

let api: TestApi;
let client: ApiClient;
let target: TargetRow;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens } = api.cloud;
  tokens.set("root", { userId: "root", projectId: PROJECT, roles: ["admin"] });
  tokens.set("bert", { userId: "bert", projectId: OTHER, roles: ["member"] });
  tokens.set("rita", { userId: "rita", projectId: OTHER, roles: ["reader"] });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "root" });
  target = await api.database.transaction(async (transaction) =>
    ensureDefaultTarget(transaction, "/backups"),
  );
});

after(async () => api[Symbol.asyncDispose]());

/** Does the oldest job as an engine would: says how far it is, then its end. */
async function engine(result: unknown): Promise<{ kind: string; request: unknown }> {
  const { handle } = api.database;
  const job = await claimOwnershipJob(handle, { holder: "test", leaseMs: 10_000 });
  assert.ok(job !== undefined, "a job waits");
  assert.ok(await finishOwnershipJob(handle, job, { state: "done", result }));
  return job;
}

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${api.url}/v1/${PROJECT}/workloads/${path}`, {
    method: "POST",
    headers: { "x-auth-token": "root", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function messageOf(response: Response): Promise<{ message: string; field?: string; remedy?: string }> {
  const body = (await response.json()) as Record<string, { message: string; field?: string }>;
  return Object.values(body)[0] ?? { message: "" };
}

test("what takes longer than a request says how far it is, and asked again is the same job", async () => {
  const { handle } = api.database;
  await assert.rejects(client.importWorkloads({ body: {} }), {
    code: "still-working",
    message: /No engine/,
  });
  const claimed = await claimOwnershipJob(handle, { holder: "test", leaseMs: 10_000 });
  assert.ok(claimed !== undefined);
  const progress = { doing: "looking at /backups", repositories: 3, repositoriesKnown: 8, workloads: 21 };
  await renewOwnershipJob(handle, claimed, { leaseMs: 10_000, progress });
  const response = await post("import_workloads", { workload_ids: [] });
  assert.equal(response.status, 503);
  const said = await messageOf(response);
  assert.match(said.message, /looking at \/backups: 3 of 8 repositories, 21 workloads found/);
  assert.match(said.remedy ?? "", /Ask the same again/);
  const moved = { id: newId(), name: "shop", status: "available", projectId: PROJECT, userId: "root" };
  const result = {
    imported: [{ ...moved, snapshots: 2, warnings: [] }],
    failed: [{ id: newId(), reason: "it is not on the backup target" }],
    skipped: [],
  };
  await finishOwnershipJob(handle, claimed, { state: "done", result });
  const { workloads } = await client.importWorkloads({ body: {} });
  assert.deepEqual(
    workloads.imported_workloads.map(({ id, project_id }) => [id, project_id]),
    [[moved.id, PROJECT]],
  );
  assert.equal(workloads.failed_workloads[0]?.reason, "it is not on the backup target");
  await assert.rejects(client.importWorkloads({ body: {} }), { code: "still-working" }, "a new job");
  await engine({ imported: [], failed: [], skipped: [] });
});

test("lists are paged, of one kind, and only what still holds", async () => {
  const row = (standing: "ours" | "project-gone" | "other-cloud", name: string) => ({
    workloadId: newId<"workload">(),
    name,
    projectId: standing === "other-cloud" ? "far" : PROJECT,
    userId: "anna",
    cloudId: "cloud",
    standing,
    isKnown: false,
    places: [],
    facts: { description: "", members: [], snapshotCount: 1, needs: NO_NEEDS },
    newestAt: new Date(),
  });
  const rows = [row("ours", "a"), row("ours", "b"), row("project-gone", "c"), row("other-cloud", "d")];
  await api.database.transaction(async (transaction) => replaceFound(transaction, target.id, rows));
  const look = async () => engine({ skipped: ["repository x: no key"] });
  await assert.rejects(client.listImportableWorkloads({ query: { limit: 1 } }), { code: "still-working" });
  assert.equal((await look()).kind, "look");
  const first = await client.listImportableWorkloads({ query: { limit: 1 } });
  assert.deepEqual(first.unreadable, ["repository x: no key"]);
  const marker = first.workloads[0]?.id ?? "";
  const second = await client.listImportableWorkloads({ query: { limit: 5, marker } });
  const names = [...first.workloads, ...second.workloads].map(({ name }) => name).toSorted();
  assert.deepEqual(names, ["a", "b"]);
  await assert.rejects(client.listOrphanedWorkloads({ query: {} }), { code: "still-working" });
  await look();
  const here = await client.listOrphanedWorkloads({ query: {} });
  assert.deepEqual(
    here.workloads.map(({ name, standing }) => [name, standing]),
    [["c", "project-gone"]],
  );
  const url = `${api.url}/v1/${PROJECT}/workloads/orphan_workloads?migrate_cloud=True&marker=0`;
  const all = (await (await fetch(url, { headers: { "x-auth-token": "root" } })).json()) as {
    workloads: { name: string }[];
  };
  assert.deepEqual(all.workloads.map(({ name }) => name).toSorted(), ["c", "d"]);
});

const GOOD = { workload_ids: [newId()], new_tenant_id: OTHER, user_id: "bert" };

test("a reassignment that cannot be is refused before anything is done, with field and remedy", async () => {
  const cases: readonly (readonly [object, RegExp, string])[] = [
    [{ ...GOOD, new_tenant_id: "gone" }, /project gone does not exist/, "[1].new_tenant_id"],
    [{ ...GOOD, user_id: "nobody" }, /user nobody does not exist/, "[1].user_id"],
    [{ ...GOOD, user_id: "rita" }, /lacks member in the project/, "[1].user_id"],
    [{ ...GOOD, workload_ids: [] }, /names no workloads/, "[1].workload_ids"],
    [{ ...GOOD, target_btt: "tape" }, /default target, not to tape/, "[1].target_btt"],
  ];
  for (const [entry, message, field] of cases) {
    const response = await post("reasign_workloads", [GOOD, entry]);
    assert.equal(response.status, 400);
    const said = await messageOf(response);
    assert.match(said.message, message);
    assert.equal(said.field, field);
    assert.ok((said.remedy ?? "") !== "");
  }
  const job = await claimOwnershipJob(api.database.handle, { holder: "test", leaseMs: 1_000 });
  assert.equal(job, undefined, "nobody was asked to do anything");
});

test("every spelling of a reassignment means the same", async () => {
  const [id = ""] = GOOD.workload_ids;
  const bodies: readonly (readonly [string, unknown])[] = [
    ["reasign_workloads", [{ ...GOOD, old_tenant_ids: [], migrate_cloud: "True" }]],
    ["reassign_workloads", { ...GOOD, workload_ids: id, migrate_cloud: 1 }],
    [
      "import_reassign_workloads",
      { reassign_mappings: [{ ...GOOD, old_tenant_ids: null, upgrade: true, migrate_cloud: true }] },
    ],
  ];
  const reassigned = { id, name: "shop", status: "available", projectId: OTHER, userId: "bert" };
  for (const [path, body] of bodies) {
    assert.equal((await post(path, body)).status, 503);
    const { request } = await engine({
      reassigned: [{ ...reassigned, snapshots: 1, warnings: [] }],
      failed: [],
      skipped: [],
    });
    const entry = { workloadIds: [id], oldProjectIds: [], projectId: OTHER, userId: "bert" };
    assert.deepEqual(request, { by: "root", reassignments: [{ ...entry, migratesCloud: true }] });
    const response = await post(path, body);
    assert.equal(response.status, 200);
    const reply = (await response.json()) as {
      workloads: { reassigned_workloads: { status: string; user_id: string }[] };
    };
    const [first] = reply.workloads.reassigned_workloads;
    assert.deepEqual([first?.status, first?.user_id], ["available", "bert"]);
  }
});

test("a target that nobody knows is named, with those that there are", async () => {
  const wanted = client.importWorkloads({ body: { source_btt: ["tape"] } });
  await assert.rejects(wanted, { status: 400, message: /no backup target tape/, remedy: /\/backups/ });
});
