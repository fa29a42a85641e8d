import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi, fullPath, type RouteId, routeIds, routeOf } from "@cairn/contract";
import { openRestore, touchEngine } from "@cairn/database";
import { asId } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { makeSampleSnapshot, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

/*
 * Every list that the table of routes has with pages, page by page: together they are the list, in its order,
 * and without pages it is the same twice.
 */

const PROJECT = "1".repeat(32);
/** Lists that engines fill, and those of which a test has one row. */
const SHORT = new Set<RouteId>([
  "listFiles",
  "listDeliveries",
  "listMountedSnapshots",
  "listImportableWorkloads",
  "listOrphanedWorkloads",
  "listBackupTargets",
]);
/** What a marker is, where it is not the row's `id`. */
const MARKERS: Partial<Record<RouteId, string>> = {
  listAudit: "ID",
  listTrusts: "name",
  listAssignedPolicies: "policy_id",
  listRecentActivities: "activity_id",
  showAdmissionQueue: "run_id",
};

let api: TestApi;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens, projects } = api.cloud;
  projects.add("2".repeat(32));
  tokens.set("admin", { userId: "root", projectId: PROJECT, roles: ["admin", "member"] });
  tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  const as = (name: string): ApiClient =>
    connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => name });
  await fillEverything(as("admin"), as("member"));
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** Two rows at least of whatever can be made without an engine. */
async function fillEverything(root: ApiClient, anna: ApiClient): Promise<void> {
  const { database } = api;
  const asker = { projectId: asId<"project">(PROJECT), userId: asId<"user">("anna") };
  // So that snapshots wait.
  await root.createAdmissionRule({ body: { rule: { kind: "cap", scope: "cloud", max: 0 } } });
  for (const name of ["one", "two"]) {
    api.cloud.servers.set(fakeId(name), { name, projectId: PROJECT, metadata: {}, volumes: [] });
    const instances = [{ "instance-id": fakeId(name) }];
    const { workload } = await anna.createWorkload({ body: { workload: { name, instances } } });
    const protection = { workload_id: workload.id, tag: name };
    await anna.createProtectionRule({ body: { protection_rule: protection } });
    const params = { workload_id: workload.id };
    await anna.takeSnapshot({ params, query: {}, body: { snapshot: { name } } });
    await anna.createSettings({ body: { settings: [{ name, value: name }] } });
    await anna.createWebhook({ body: { webhook: { name, url: "https://hooks.example.org/" } } });
    await root.createAdmissionRule({
      body: { rule: { kind: "cap", scope: "project", subject: name, max: 1 } },
    });
    const field_values = { interval: "24hrs" };
    const { policy } = await root.createPolicy({
      body: { workload_policy: { display_name: name, field_values } },
    });
    const assigned = { policy: { add_projects: [PROJECT] } };
    await root.assignPolicy({ params: { policy_id: policy.id }, body: assigned });
    await touchEngine(database.handle, { name, host: asId<"host">(name), version: "1", address: "" });
  }
  // With a target, workloads would need one of its types.
  for (const name of ["one", "two"]) {
    const { snapshotId } = await makeSampleSnapshot(database, { projectId: PROJECT, userId: "anna" });
    await anna.searchFiles({ body: { file_search: { vm_id: WEB, filepath: `/etc/${name}` } } });
    const wanted = { snapshotId, name, description: "", restoreType: "oneclick", options: {} } as const;
    await database.transaction(async (transaction) => openRestore(transaction, asker, wanted));
  }
  for (const client of [root, anna]) await client.createTrust({ body: { trusts: { role_name: "member" } } });
  const [target] = (await root.listBackupTargets({})).backup_targets;
  for (const name of ["gold", "silver"]) {
    const body = { backup_target_type: { name, backup_targets_id: target?.id ?? "" } };
    await root.createBackupTargetType({ body });
  }
}

type Row = Readonly<Record<string, unknown>>;

function isPaged(id: RouteId): boolean {
  const { query } = routeOf(id);
  return "properties" in query && "marker" in (query.properties as object);
}

/** The rows of one answer; `undefined` when no engine is there to give them. */
async function rowsOf(id: RouteId, query: string): Promise<readonly Row[] | undefined> {
  const route = routeOf(id);
  const [path = ""] = route.paths.toSorted((one, other) => one.split("{").length - other.split("{").length);
  const filled = fullPath(route, path).replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name.endsWith("project_id") ? PROJECT : fakeId(name),
  );
  const response = await fetch(`${api.url}${filled}${query}`, { headers: { "x-auth-token": "admin" } });
  const body = (await response.json()) as Readonly<Record<string, unknown>>;
  if (SHORT.has(id) && response.status !== route.status) return undefined;
  assert.equal(response.status, route.status, JSON.stringify(body));
  return Object.values(body).find((value): value is Row[] => Array.isArray(value)) ?? [];
}

for (const id of routeIds.filter(isPaged)) {
  void test(`the pages of ${id} are its list`, async (t) => {
    const all = await rowsOf(id, "");
    if (all === undefined) {
      t.diagnostic("no engine");
      return;
    }
    assert.ok(SHORT.has(id) || all.length >= 2, `${all.length} rows`);
    const marker = MARKERS[id] ?? "id";
    const ids = all.map((row) => String(row[marker]));
    assert.equal(new Set(ids).size, ids.length, "each row once");
    const found: string[] = [];
    for (let at = ""; found.length <= ids.length; at = `&marker=${encodeURIComponent(found.at(-1) ?? "")}`) {
      const rows = (await rowsOf(id, `?limit=1${at}`)) ?? [];
      assert.ok(rows.length <= 1, "as many as asked for");
      if (rows.length === 0) break;
      found.push(...rows.map((row) => String(row[marker])));
    }
    assert.deepEqual(found, ids);
    const again = (await rowsOf(id, "")) ?? [];
    assert.deepEqual(
      again.map((row) => String(row[marker])),
      ids,
    );
  });
}
