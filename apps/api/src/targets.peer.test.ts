import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { registerConfiguredTarget } from "@cairn/database";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);
const SECRET = fakeId("secret");

let api: TestApi;
let admin: ApiClient;
let member: ApiClient;
let stranger: ApiClient;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens, servers } = api.cloud;
  tokens.set("admin", { userId: "root", projectId: OTHER, roles: ["admin"] });
  tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member", "reader"] });
  tokens.set("stranger", { userId: "eve", projectId: OTHER, roles: ["member"] });
  for (const name of ["web", "db", "mail", "own"]) {
    servers.set(fakeId(name), { name, projectId: PROJECT, metadata: {}, volumes: [] });
  }
  const as = (token: string, project: string): ApiClient =>
    connectApi({ endpoint: `${api.url}/v1/${project}`, token: async () => token });
  [admin, member, stranger] = [as("admin", OTHER), as("member", PROJECT), as("stranger", OTHER)];
  await api.database.transaction((tx) =>
    registerConfiguredTarget(tx, {
      kind: "directory",
      path: "/srv/first",
      address: { kind: "directory", path: "/srv/first", marker: "m" },
      sealedSecret: undefined,
      mover: undefined,
      report: { warnings: ["Synchronise the clocks."] },
    }),
  );
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** Does what an engine would: the API has no access to targets. */
async function proved(id: string): Promise<void> {
  await api.database.handle
    .updateTable("target")
    .set({ state: "ready", wish: null, is_online: true })
    .where(
      "path",
      "=",
      (await admin.showBackupTarget({ params: { backup_target_id: id } })).backup_target
        .filesystem_export_mount_path ?? "",
    )
    .execute();
}

async function made(path: string, name: string, isPublic = true): Promise<string> {
  const { backup_target: target } = await admin.createBackupTarget({
    body: {
      backup_target: {
        type: "directory",
        filesystem_export_mount_path: path,
        btt_name: name,
        is_public: isPublic,
      },
    },
  });
  return target.id;
}

async function workloadOn(instance: string, type?: string): Promise<string> {
  const instances = [{ "instance-id": fakeId(instance) }];
  const chosen = type === undefined ? {} : { backup_target_types: type };
  const { workload } = await member.createWorkload({
    body: { workload: { name: instance, instances, ...chosen } },
  });
  const shown = await member.showWorkload({ params: { workload_id: workload.id } });
  return shown.workload.backup_target_types ?? "none";
}

test("a target that is asked for is creating until an engine has proved it, and has a type", async () => {
  const id = await made("/srv/gold", "gold");
  const { backup_target: target } = await admin.showBackupTarget({ params: { backup_target_id: id } });
  assert.deepEqual(
    [target.type, target.status, target.btt_name, target.is_default, target.immutable, target.capacity],
    ["directory", "creating", "gold", 0, 0, null],
  );
  const { backup_target_types: types } = await member.listBackupTargetTypes({});
  assert.deepEqual(
    types.map(({ name, status, is_default: isDefault }) => [name, status, isDefault]),
    [
      ["gold", "creating", false],
      ["default", "online", true],
    ],
  );
  await assert.rejects(workloadOn("web", "gold"), { status: 409, message: /not ready/ });
  const params = { backup_target_id: id };
  await assert.rejects(admin.setDefaultBackupTarget({ params }), { status: 409, message: /not proven/ });
});

test("targets and types are reached at the root, under /v1, and under a project", async () => {
  for (const path of ["/backup_targets", "/v1/backup_targets", `/v1/${OTHER}/backup_targets`]) {
    const reply = await fetch(`${api.url}${path}`, { headers: { "x-auth-token": "admin" } });
    const { backup_targets: targets } = (await reply.json()) as { backup_targets: { id: string }[] };
    assert.deepEqual([reply.status, targets.length], [200, 2], path);
    const one = await fetch(`${api.url}${path}/${targets[0]?.id ?? ""}`, {
      headers: { "x-auth-token": "admin" },
    });
    assert.equal(one.status, 200);
  }
  for (const path of ["/backup_target_types", "/v1/backup_target_types"]) {
    const reply = await fetch(`${api.url}${path}`, { headers: { "x-auth-token": "member" } });
    assert.equal(reply.status, 200, path);
  }
  assert.equal((await fetch(`${api.url}/backup_target_types`)).status, 401);
});

test("existing clients' numbers, capitals and empty fields are understood", async () => {
  const body = {
    backup_target: {
      type: "NFS",
      filesystem_export: "files:/backup",
      path: "/srv/nfs",
      nfs_mount_opts: "nolock",
      btt_name: "NFS_BT1",
      is_default: 0,
      immutable: "",
      s3_bucket: null,
      metadata: {},
    },
  };
  const reply = await fetch(`${api.url}/backup_targets`, {
    method: "POST",
    headers: { "x-auth-token": "admin" },
    body: JSON.stringify(body),
  });
  const { backup_target: target } = (await reply.json()) as { backup_target: Record<string, unknown> };
  assert.equal(reply.status, 202);
  assert.deepEqual(
    [
      target["type"],
      target["filesystem_export"],
      target["filesystem_export_mount_path"],
      target["is_default"],
    ],
    ["nfs", "files:/backup", "/srv/nfs", 0],
  );
});

test("an export that is not mounted anywhere is refused with the remedy", async () => {
  const body = { backup_target: { type: "nfs", filesystem_export: "files:/b" } } as const;
  await assert.rejects(admin.createBackupTarget({ body }), {
    status: 400,
    field: "backup_target.filesystem_export_mount_path",
    remedy: /^Mount the export at one path on every engine and compute node/,
  });
});

test("a place is taken once, and so is a name", async () => {
  await assert.rejects(made("/srv/first", "again"), { status: 409, message: /is at \/srv\/first already/ });
  await assert.rejects(made("/srv/other", "gold"), { status: 409, field: "backup_target.btt_name" });
  const { backup_targets: targets } = await admin.listBackupTargets({});
  assert.ok(!targets.some((target) => target.filesystem_export_mount_path === "/srv/other"));
});

test("a workload keeps the target that it chose, or that was the default when it was made", async () => {
  const { backup_target_types: types } = await member.listBackupTargetTypes({});
  const gold = types.find(({ name }) => name === "gold");
  assert.ok(gold !== undefined);
  await proved(gold.backup_targets_id);
  assert.equal(await workloadOn("web"), "default");
  assert.equal(await workloadOn("db", gold.id), "gold");
  const params = { backup_target_id: gold.backup_targets_id };
  assert.equal((await admin.setDefaultBackupTarget({ params })).backup_target.is_default, 1);
  assert.equal(await workloadOn("mail"), "gold");
  const { workloads } = await member.listWorkloads({});
  const web = workloads.find(({ name }) => name === "web")?.id ?? "";
  const shown = await member.showWorkload({ params: { workload_id: web } });
  assert.equal(shown.workload.backup_target_types, "default");
  const change = async (type: string) =>
    member.modifyWorkload({
      params: { workload_id: web },
      body: { workload: { backup_target_types: type } },
    });
  await assert.rejects(change("gold"), { status: 400, message: /stays on its backup target/ });
  await change("default");
  await assert.rejects(workloadOn("own", "nobody's"), {
    status: 400,
    field: "workload.backup_target_types",
    remedy: /Choose of .*gold/,
  });
});

test("a private type is seen and chosen only where it was given", async () => {
  const target = await made("/srv/own", "own", false);
  await proved(target);
  const { backup_target_types: all } = await admin.listBackupTargetTypes({});
  const type = all.find(({ name }) => name === "own");
  assert.ok(type !== undefined && !type.is_public);
  const params = { backup_target_type_id: type.id };
  await assert.rejects(member.showBackupTargetType({ params }), { status: 404 });
  await assert.rejects(workloadOn("own", "own"), { status: 400 });
  await admin.addBackupTargetTypeProjects({ params, body: { add_projects: [PROJECT, "3".repeat(32)] } });
  const { backup_target_type: seen } = await member.showBackupTargetType({ params });
  assert.deepEqual(
    seen.backup_target_type_projects.map((each) => each.project_id),
    [PROJECT],
    "others' projects are not shown",
  );
  await assert.rejects(stranger.showBackupTargetType({ params }), { status: 404 });
  assert.equal(await workloadOn("own", "own"), "own");
  await admin.removeBackupTargetTypeProjects({ params, body: { remove_projects: [PROJECT] } });
  await assert.rejects(member.showBackupTargetType({ params }), { status: 404 });
  await assert.rejects(admin.deleteBackupTargetType({ params }), { status: 409, message: /by 1 workload/ });
});

test("types are made, changed and deleted by administrators", async () => {
  const { backup_targets: targets } = await admin.listBackupTargets({});
  const target = targets.find((each) => each.btt_name === "gold")?.id ?? "";
  const body = { backup_target_type: { name: "silver", backup_targets_id: target, is_public: false } };
  const { backup_target_type: type } = await admin.createBackupTargetType({ body });
  await assert.rejects(admin.createBackupTargetType({ body }), { status: 409, message: /called silver/ });
  const nowhere = { backup_target_type: { name: "x", backup_targets_id: fakeId("nothing") } };
  await assert.rejects(admin.createBackupTargetType({ body: nowhere }), { status: 400 });
  const params = { backup_target_type_id: type.id };
  const change = { name: "bronze", is_public: true, backup_target_type_metadata: { tier: "3" } };
  await admin.updateBackupTargetType({ params, body: { backup_target_type: change } });
  const { backup_target_type: changed } = await member.showBackupTargetType({ params });
  assert.deepEqual(
    [changed.name, changed.is_public, changed.backup_target_type_metadata],
    ["bronze", true, { tier: "3" }],
  );
  const taken = { backup_target_type: { name: "gold" } };
  await assert.rejects(admin.updateBackupTargetType({ params, body: taken }), { status: 409 });
  await admin.deleteBackupTargetType({ params });
  await assert.rejects(admin.showBackupTargetType({ params }), { status: 404 });
});

test("a target gets a mirror that was proven and is another; a mirror is not deleted", async () => {
  const { backup_targets: targets } = await admin.listBackupTargets({});
  const idOf = (name: string): string => targets.find((each) => each.btt_name === name)?.id ?? "";
  const params = { backup_target_id: idOf("default") };
  const give = async (mirror: string | null, more: object = {}) =>
    admin.updateBackupTarget({ params, body: { backup_target: { mirror_id: mirror, ...more } } });
  await assert.rejects(give(idOf("default")), { status: 409, message: /its own mirror/ });
  await assert.rejects(give(fakeId("nothing")), { status: 400, message: /could not be found/ });
  await assert.rejects(give(idOf("NFS_BT1")), { status: 409, message: /not proven: it cannot be a mirror/ });
  await proved(idOf("NFS_BT1"));
  const { backup_target: given } = await give(idOf("NFS_BT1"), { mirror_keep_days: 7 });
  assert.deepEqual(given.mirror, {
    backup_target_id: idOf("NFS_BT1"),
    keep_days: 7,
    mirrored_at: null,
    held_back: 0,
    error: null,
  });
  const mirror = { params: { backup_target_id: idOf("NFS_BT1") } };
  await assert.rejects(admin.deleteBackupTarget(mirror), { status: 409, message: /is the mirror of/ });
  const { backup_target: taken } = await give(null);
  assert.equal(taken.mirror, null);
});

test("neither a target that is used is deleted, nor the default, nor the configuration's", async () => {
  const { backup_targets: targets } = await admin.listBackupTargets({});
  const byName = (name: string) => ({
    params: { backup_target_id: targets.find((each) => each.btt_name === name)?.id ?? "" },
  });
  await assert.rejects(admin.deleteBackupTarget(byName("own")), {
    status: 409,
    message: /is in use: 1 workload\.$/,
  });
  await assert.rejects(admin.deleteBackupTarget(byName("gold")), { status: 409, message: /is the default/ });
  await assert.rejects(admin.deleteBackupTarget(byName("default")), {
    status: 409,
    message: /engine's configuration/,
  });
  await admin.deleteBackupTarget(byName("NFS_BT1"));
  await assert.rejects(admin.showBackupTarget(byName("NFS_BT1")), { status: 404 });
});

test("keys that are sent by mistake are in no reply, no log and no row", async () => {
  const planted = "planted-secret-key";
  const bucket = { type: "s3", s3_endpoint_url: "https://rgw", s3_bucket: "cairn" } as const;
  const bodies = [
    { ...bucket, secret_ref: planted },
    { ...bucket, s3_endpoint_url: `https://user:${planted}@rgw`, secret_ref: SECRET },
    { ...bucket, secret_ref: SECRET, s3_secret_key: planted, secretAccessKey: planted, btt_name: "bucket" },
  ];
  const answers: string[] = [];
  for (const body of bodies) {
    const reply = await fetch(`${api.url}/backup_targets`, {
      method: "POST",
      headers: { "x-auth-token": "admin" },
      body: JSON.stringify({ backup_target: body }),
    });
    answers.push(`${String(reply.status)} ${await reply.text()}`);
  }
  assert.deepEqual(
    answers.map((each) => each.slice(0, 3)),
    ["400", "400", "202"],
  );
  const list = JSON.stringify(await admin.listBackupTargets({}));
  const rows = JSON.stringify(await api.database.handle.selectFrom("target").selectAll().execute());
  assert.ok(!(answers.join() + list + rows + api.lines.join()).includes(planted));
});

test("a secret is given anew, and is proven again; where a target lies is not changed", async () => {
  const { backup_targets: targets } = await admin.listBackupTargets({});
  const bucket = targets.find((each) => each.btt_name === "bucket");
  const params = { backup_target_id: bucket?.id ?? "" };
  const other = fakeId("other secret");
  const { backup_target: changed } = await admin.updateBackupTarget({
    params,
    body: { backup_target: { secret_ref: other, metadata: { room: "4" } } },
  });
  assert.deepEqual(
    [changed.secret_ref, changed.metadata, changed.status],
    [other, { room: "4" }, "creating"],
  );
  const { wish } = await api.database.handle
    .selectFrom("target")
    .select("wish")
    .where("secret_ref", "=", other)
    .executeTakeFirstOrThrow();
  assert.deepEqual(wish, { isDefault: false, secretId: other });
  const moved = { backup_target: { s3_bucket: "elsewhere" } };
  await assert.rejects(admin.updateBackupTarget({ params, body: moved as never }), {
    status: 400,
    field: "backup_target.s3_bucket",
  });
});

test("lists are paged", async () => {
  const { backup_targets: all } = await admin.listBackupTargets({});
  const ids: string[] = [];
  for (let marker: string | undefined; ; marker = ids.at(-1)) {
    const query = marker === undefined ? { limit: 2 } : { limit: 2, marker };
    const { backup_targets: page } = await admin.listBackupTargets({ query });
    ids.push(...page.map(({ id }) => id));
    if (page.length < 2) break;
  }
  assert.deepEqual(
    ids,
    all.map(({ id }) => id),
  );
});
