import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import {
  fullPaths,
  type Method,
  matches,
  QUOTA_TYPE_INFO,
  type RouteId,
  routeIds,
  routeOf,
} from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);

type Who = "no token" | "bad token" | "other project" | "reader" | "member" | "admin";

const TOKENS: Readonly<Record<Who, string | undefined>> = {
  "no token": undefined,
  "bad token": "nobody-issued-this",
  "other project": "stranger",
  reader: "reader",
  member: "member",
  admin: "admin",
};

/** A body that passes validation, so that what answers is the right and not the input. */
const BODIES: Partial<Record<RouteId, unknown>> = {
  createWorkload: { workload: { name: "w", instances: [{ "instance-id": fakeId("nobody") }] } },
  modifyWorkload: { workload: { name: "w" } },
  takeSnapshot: { snapshot: {} },
  createTrust: { trusts: {} },
  createSettings: { settings: [{ name: "colour", value: "blue" }] },
  updateSettings: { settings: [{ name: "nobody-made-this", value: "blue" }] },
  createWebhook: { webhook: { name: "w", url: "https://hooks.example.org/" } },
  updateWebhook: { webhook: { name: "w" } },
  planRestore: { plan: {} },
  createProtectionRule: { protection_rule: { workload_id: fakeId("nobody"), tag: "backup" } },
  createAdmissionRule: { rule: { kind: "cap", scope: "project", subject: "nobody", max: 1 } },
  setAuditRetention: { audit_retention: { days: null } },
  previewRetention: { preview: {} },
  previewSchedule: { preview: {} },
  // Where it is mounted is missing: nothing is made.
  createBackupTarget: { backup_target: { type: "nfs", filesystem_export: "files:/backup" } },
  updateBackupTarget: { backup_target: { metadata: {} } },
  createBackupTargetType: { backup_target_type: { name: "gold", backup_targets_id: fakeId("nobody") } },
  updateBackupTargetType: { backup_target_type: { is_public: false } },
  addBackupTargetTypeProjects: { add_projects: [OTHER] },
  removeBackupTargetTypeProjects: { remove_projects: [OTHER] },
  createPolicy: { workload_policy: { display_name: "p", field_values: { interval: "24hrs" } } },
  updatePolicy: { policy: { display_name: "p" } },
  assignPolicy: { policy: { remove_projects: [PROJECT] } },
  createQuotas: {
    allowed_quotas: [{ quota_type_id: QUOTA_TYPE_INFO.workloads.id, allowed_value: 1, high_watermark: 1 }],
  },
  updateQuota: { allowed_quotas: { allowed_value: 1 } },
  createLicense: { license: { file_name: "t.lic", lic_txt: "x" } },
  updateService: { node_name: "nowhere", status: 1 },
  importWorkloads: {},
  searchFiles: { file_search: { vm_id: fakeId("nobody"), filepath: "/etc/hosts" } },
  mountSnapshot: { mount: { mount_vm_id: fakeId("nobody"), options: {} } },
  reassignWorkloads: [
    { workload_ids: [fakeId("w")], new_tenant_id: fakeId("gone"), user_id: fakeId("nobody") },
  ],
  createRestore: {
    restore: { options: { type: "openstack", restore_type: "oneclick", oneclickrestore: true } },
  },
  checkRestore: {
    restore: { options: { type: "openstack", restore_type: "oneclick", oneclickrestore: true } },
  },
};

/**
 * What each caller is answered. Resources of the paths do not exist, so whoever is let in gets at most a 404.
 */
function expected({ id, path, who }: Omit<Case, "method">): readonly number[] {
  const route = routeOf(id);
  if (route.scope === "public") return [200];
  switch (who) {
    case "no token":
    case "bad token":
      return [401];
    case "other project":
      // A spelling that names no project means their own.
      return path.includes("{project_id}") ? [404] : expected({ id, path, who: "member" });
    case "reader":
      return route.effect === "read" ? letIn(id) : [403];
    case "member":
      return isForAdministrators(id) ? [403] : letIn(id);
    case "admin":
      // Of another project: may look and act, but not where a trust in this project is needed.
      if (id === "createWorkload" || id === "createTrust") return [403];
      return OF_ANY_PROJECT.has(id) ? [routeOf(id).status] : letIn(id);
  }
}

function isForAdministrators(id: RouteId): boolean {
  const { effect } = routeOf(id);
  return effect === "administer" || effect === "inspect";
}

/** Their bodies name what does not exist. */
const REFUSED: readonly RouteId[] = ["createWorkload", "createBackupTarget", "createBackupTargetType"];
/** They say of a project that has nothing that it has nothing; members ask only for their own. */
const OF_ANY_PROJECT = new Set<RouteId>(["listAssignedPolicies", "listQuotas", "showQuotaUsage"]);
/** No engine looks at a target here: who is let in hears that it goes on. */
const ENGINES_WORK: readonly RouteId[] = [
  "listImportableWorkloads",
  "listOrphanedWorkloads",
  "importWorkloads",
];

function letIn(id: RouteId): readonly number[] {
  // Its body names a workload that there is not.
  if (id === "createProtectionRule") return [404];
  // One of its paths names a workload that there is not.
  if (id === "listMountedSnapshots") return [200, 404];
  // No snapshot has the instance.
  if (id === "searchFiles") return [404];
  if (ENGINES_WORK.includes(id)) return [503];
  if (id === "reassignWorkloads") return [400];
  // No mail server is set, so none can be tried.
  if (id === "testEmail") return [400];
  if (REFUSED.includes(id)) return [400];
  if (id === "updateSettings" || id === "updateService") return [404];
  return matches(routeOf(id).params, {}) ? [routeOf(id).status] : [404];
}

let api: TestApi;
let policyPath: string;

before(async () => {
  policyPath = join(await mkdtemp(join(tmpdir(), "cairn-rights-")), "policy.yaml");
  api = await startTestApi(process.env, systemClock, policyPath);
  const { tokens } = api.cloud;
  tokens.set("stranger", { userId: "eve", projectId: OTHER, roles: ["member"] });
  tokens.set("reader", { userId: "rita", projectId: PROJECT, roles: ["reader"] });
  tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member", "reader"] });
  tokens.set("admin", { userId: "root", projectId: OTHER, roles: ["admin"] });
});

after(async () => {
  await api[Symbol.asyncDispose]();
  await rm(dirname(policyPath), { recursive: true, force: true });
});

interface Case {
  readonly id: RouteId;
  readonly method: Method;
  readonly path: string;
  readonly who: Who;
}

const cases: readonly Case[] = routeIds.flatMap((id) => {
  const route = routeOf(id);
  return fullPaths(route).flatMap((path) =>
    route.methods.flatMap((method) =>
      (Object.keys(TOKENS) as Who[]).map((who) => ({ id, method, path, who })),
    ),
  );
});

async function ask({ id, method, path, who }: Case): Promise<Response> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === "project_id" ? PROJECT : fakeId(name),
  );
  const token = TOKENS[who];
  const body = method === "GET" || method === "DELETE" ? undefined : BODIES[id];
  return fetch(`${api.url}${filled}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { "x-auth-token": token }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

void test("every route, spelling and verb answers every kind of caller as its rights say", async () => {
  const wrong: string[] = [];
  for (const each of cases) {
    const response = await ask(each);
    const text = await response.text();
    const right = expected(each);
    if (!right.includes(response.status)) {
      wrong.push(
        `${each.method} ${each.path} as ${each.who}: ${response.status}, not ${right.join(" or ")}: ${text}`,
      );
    }
  }
  assert.deepEqual(wrong, []);
});

void test("no route is without a case", () => {
  const covered = new Set(cases.map((each) => each.id));
  assert.deepEqual(
    routeIds.filter((id) => !covered.has(id)),
    [],
  );
  assert.ok(cases.length > 200, "the table was seen whole");
});

void test("who may not change something is told in the words that clients look for", async () => {
  const response = await ask({
    id: "createWorkload",
    method: "POST",
    path: "/v1/{project_id}/workloads",
    who: "reader",
  });
  const body = (await response.json()) as { forbidden: { code: number; message: string } };
  assert.equal(body.forbidden.code, 403);
  assert.equal(body.forbidden.message, "Policy doesn't allow workload:workload_create to be performed.");
});

void test("whoever has no good token is told where Keystone is", async () => {
  const response = await fetch(`${api.url}/v1/${PROJECT}/workloads`);
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("www-authenticate"), `Keystone uri="${api.cloud.url}"`);
});

void test("only administrators list all projects", async () => {
  const asMember = await fetch(`${api.url}/v1/${PROJECT}/workloads?all_workloads=True`, {
    headers: { "x-auth-token": "member" },
  });
  assert.equal(asMember.status, 403);
  const asAdmin = await fetch(`${api.url}/v1/${OTHER}/workloads?all_tenants=1`, {
    headers: { "x-auth-token": "admin" },
  });
  assert.equal(asAdmin.status, 200);
});

void test("10.F 21: roles of one's own in policy.yaml count, also against administrators", async () => {
  const create = async (who: Who): Promise<{ status: number; text: string }> => {
    const response = await ask({
      id: "createWorkload",
      method: "POST",
      path: "/v1/{project_id}/workloads",
      who,
    });
    return { status: response.status, text: await response.text() };
  };
  assert.equal((await create("member")).status, 400);
  await writeFile(policyPath, 'backup_api: role:backup\n"workload:workload_create": rule:backup_api\n');
  const refused = async (): Promise<boolean> => (await create("admin")).status === 403;
  const isSo = await until(async () => (await create("member")).status === 403 && (await refused()));
  assert.ok(isSo, "the file counts within seconds");
  assert.match(
    (await create("admin")).text,
    /Policy doesn't allow workload:workload_create to be performed\./,
  );
  api.cloud.tokens.set("backup", { userId: "bea", projectId: PROJECT, roles: ["backup"] });
  const asBackup = await fetch(`${api.url}/v1/${PROJECT}/workloads`, {
    method: "POST",
    headers: { "x-auth-token": "backup", "content-type": "application/json" },
    body: JSON.stringify(BODIES.createWorkload),
  });
  assert.equal(asBackup.status, 400, "whoever has the role gets as far as the input");
  await writeFile(policyPath, "# nothing\n");
  assert.ok(await until(async () => (await create("member")).status === 400));
});

/** Asks until something is so, for some seconds. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 50; tries += 1) {
    if (await isSo()) return true;
    await systemClock.sleep(100);
  }
  return false;
}
