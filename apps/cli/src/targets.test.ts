import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BackupTarget, BackupTargetType } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, startFakeApi } from "./fake-api.ts";
import { runCommandLine } from "./program.ts";
import type { Screen } from "./shell.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const TYPE = "22222222-2222-4222-8222-222222222222";
const TIME = "2026-11-23T12:00:00.000000";

const target: BackupTarget = {
  id: ID,
  type: "s3",
  status: "offline",
  status_since: TIME,
  btt_name: "bucket",
  filesystem_export: null,
  filesystem_export_mount_path: null,
  nfs_mount_opts: null,
  s3_endpoint_url: "https://rgw",
  s3_bucket: "cairn",
  s3_region: "us-east-1",
  s3_prefix: "",
  secret_ref: TYPE,
  mover_secret_ref: null,
  is_default: 0,
  immutable: 0,
  capacity: null,
  used: 3 * 1024 ** 3,
  seen_at: TIME,
  mirror: { backup_target_id: TYPE, keep_days: 30, mirrored_at: TIME, held_back: 2, error: null },
  error: { message: "it does not answer", remedy: "See to its service." },
  warnings: [],
  metadata: {},
  version: "1",
  created_at: TIME,
  updated_at: TIME,
};
const type: BackupTargetType = {
  id: TYPE,
  name: "bucket",
  description: "",
  is_public: false,
  is_default: false,
  status: "offline",
  backup_targets_id: ID,
  backup_target_type_metadata: {},
  backup_target_type_projects: [{ backup_target_types_id: TYPE, project_id: "p1", created_at: TIME }],
  user_id: null,
  project_id: null,
  created_at: TIME,
  updated_at: TIME,
};

let api: FakeApi;

before(async () => {
  api = await startFakeApi();
  const one = () => ({ body: { backup_target: target } });
  const named = () => ({ body: { backup_target_type: type } });
  api.handlers = {
    listBackupTargets: () => ({ body: { backup_targets: [target] } }),
    listBackupTargetTypes: () => ({ body: { backup_target_types: [type] } }),
    showBackupTarget: one,
    createBackupTarget: one,
    updateBackupTarget: one,
    setDefaultBackupTarget: one,
    deleteBackupTarget: () => ({}),
    createBackupTargetType: named,
    addBackupTargetTypeProjects: named,
    updateBackupTargetType: named,
  };
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** The command line in this process; its output, when it ended well. */
async function cairn(...argv: string[]): Promise<string> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: false,
    columns: undefined,
  });
  api.asked.length = 0;
  const code = await runCommandLine(argv, {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  });
  assert.equal(code, 0, texts.err);
  return texts.out;
}

test("targets are listed with where they are, how they are and how full", async () => {
  const out = await cairn("target", "list", "-f", "json");
  const [row] = JSON.parse(out) as Record<string, unknown>[];
  assert.deepEqual(
    [row?.["name"], row?.["endpoint"], row?.["status"], row?.["capacity"], row?.["used"]],
    ["bucket", "https://rgw/cairn/", "offline", null, "3.00 GiB"],
  );
});

test("a target is shown by the name of its type, with what is wrong and what to do", async () => {
  const out = await cairn("target", "show", "bucket");
  assert.match(out, /it does not answer/);
  assert.match(out, /See to its service/);
  assert.match(out, /2 snapshots cannot be copied yet/);
  assert.deepEqual(api.asked.at(-1)?.params["backup_target_id"], ID);
});

test("a bucket is asked for with references to its secrets, and no key", async () => {
  const where = ["--type", "s3", "--s3-endpoint", "https://rgw", "--s3-bucket", "cairn"];
  await cairn("target", "create", "bucket", ...where, "--secret-ref", TYPE, "--private", "--immutable");
  assert.deepEqual(api.asked.at(-1)?.body, {
    backup_target: {
      type: "s3",
      btt_name: "bucket",
      s3_endpoint_url: "https://rgw",
      s3_bucket: "cairn",
      secret_ref: TYPE,
      is_public: false,
      immutable: true,
      metadata: {},
    },
  });
});

test("a target gets a mirror by its name, and loses it", async () => {
  await cairn("target", "update", "bucket", "--mirror", "bucket", "--mirror-keep-days", "14");
  assert.deepEqual(api.asked.at(-1)?.body, { backup_target: { mirror_id: ID, mirror_keep_days: 14 } });
  await cairn("target", "update", "bucket", "--no-mirror");
  assert.deepEqual(api.asked.at(-1)?.body, { backup_target: { mirror_id: null } });
});

test("a target is changed, chosen and deleted by name", async () => {
  await cairn("target", "update", "bucket", "--secret-ref", TYPE);
  assert.deepEqual(api.asked.at(-1)?.body, { backup_target: { secret_ref: TYPE } });
  await cairn("target", "set-default", "bucket");
  assert.equal(api.asked.at(-1)?.id, "setDefaultBackupTarget");
  await cairn("target", "delete", "bucket");
  assert.deepEqual(
    [api.asked.at(-1)?.id, api.asked.at(-1)?.params["backup_target_id"]],
    ["deleteBackupTarget", ID],
  );
});

test("a type is made for some projects in one command", async () => {
  await cairn("target-type", "create", "gold", "--target", "bucket", "--private", "--project", "p1");
  const [made, given] = api.asked.slice(-2);
  assert.deepEqual(made?.body, {
    backup_target_type: { name: "gold", backup_targets_id: ID, is_public: false },
  });
  assert.deepEqual(given?.body, { add_projects: ["p1"] });
  await cairn("target-type", "update", "bucket", "--public");
  assert.deepEqual(api.asked.at(-1)?.body, { backup_target_type: { is_public: true } });
});
