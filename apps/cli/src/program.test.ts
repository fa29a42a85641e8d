import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { faultBody } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, PROJECT, startFakeApi, workloadOf } from "./fake-api.ts";
import { pagesOf, withDescendants } from "./manual/page.ts";
import { buildProgram, runCommandLine } from "./program.ts";
import type { Screen, Shell } from "./shell.ts";
import { programPage } from "./workloadmgr/page.ts";
import { runWorkloadmgr } from "./workloadmgr/run.ts";

let api: FakeApi;

before(async () => {
  api = await startFakeApi();
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function shellWith(out: Screen, err: Screen): Shell {
  return {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out,
    err,
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  };
}

async function cairn(...argv: string[]): Promise<Ended> {
  return called(runCommandLine, argv);
}

async function workloadmgr(...argv: string[]): Promise<Ended> {
  return called(runWorkloadmgr, argv);
}

/** The command line in this process, with text for screens. */
async function called(
  run: (argv: readonly string[], shell: Shell) => Promise<number>,
  argv: readonly string[],
): Promise<Ended> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: false,
    columns: undefined,
  });
  const code = await run(argv, shellWith(screen("out"), screen("err")));
  return { code, ...texts };
}

const ANSWERS = [
  { status: 400, code: 2 },
  { status: 401, code: 4 },
  { status: 403, code: 4 },
  { status: 404, code: 3 },
  { status: 409, code: 5 },
  { status: 413, code: 2 },
  { status: 500, code: 1 },
  { status: 503, code: 69 },
];

for (const { status, code } of ANSWERS) {
  void test(`an answer of ${status} is exit code ${code}, and one line on standard error`, async () => {
    const detail = { code: status, message: "It cannot be", remedy: "Do otherwise." };
    api.handlers.unlockWorkload = () => ({ status, body: faultBody(detail) });
    const refused = await cairn("workload", "unlock", "11111111-1111-4111-8111-111111111111");
    assert.equal(refused.code, code, refused.err);
    assert.match(refused.err, /^cairn: It cannot be\..*\n$/);
    assert.equal(refused.out, "");
  });
}

/** A screen for a program that is only looked at. */
const quiet: Screen = { write: () => undefined, isTerminal: false, columns: undefined };

void test("every command's help has examples, in both spellings", async () => {
  const program = pagesOf(buildProgram(shellWith(quiet, quiet)));
  const pages = [program, programPage()].flatMap(withDescendants);
  assert.ok(pages.length > 80);
  for (const { name, children } of pages) {
    const [called = "", ...words] = name.split(" ");
    const help = await (called === "cairn" ? cairn : workloadmgr)(...words, "--help");
    assert.equal(help.code, 0, `${name}: ${help.err}`);
    if (called === "cairn" && children.length > 0 && words.length > 0) continue;
    assert.match(help.out, new RegExp(`Examples:\\n(?: {2}.*\\n)*? {2}.*${called}`), name);
    assert.ok(!help.out.split("\n").some((line) => line.includes("undefined")), name);
  }
});

const POLICY_ID = "55555555-5555-4555-8555-555555555555";
const TIME = "2026-06-01T12:00:00.000000";
const AUDIT = { created_at: TIME, updated_at: TIME, deleted_at: null, deleted: false, version: "1" };

function policyOf(values: Readonly<Record<string, unknown>>) {
  const about = { id: "r", policy_id: POLICY_ID };
  return {
    id: POLICY_ID,
    name: "gold",
    description: "",
    status: "available",
    user_id: "root",
    project_id: PROJECT,
    created_at: TIME,
    updated_at: TIME,
    metadata: [],
    field_values: Object.entries(values).map(([name, value]) => ({
      ...AUDIT,
      ...about,
      policy_field_name: name,
      value,
    })),
    policy_assignments: [{ ...AUDIT, ...about, policy_name: "gold", project_id: PROJECT }],
  };
}

void test("a policy is made of flags, shown with what it decides, and found by its name", async () => {
  api.handlers.createPolicy = ({ body }) => {
    const { workload_policy: made } = body as { workload_policy: { field_values: Record<string, unknown> } };
    return { body: { policy: policyOf(made.field_values) } };
  };
  api.handlers.listPolicies = () => ({ body: { policy_list: [policyOf({ interval: "24hrs" })] } });
  api.handlers.showPolicy = () => ({ body: { policy: policyOf({ interval: "24hrs" }) } });
  const made = await cairn("policy", "create", "gold", "--hourly", "interval=6", "--hourly", "retention=8");
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /decides +\| hourly=\{"interval":6,"retention":8\}/);
  assert.match(made.out, new RegExp(`projects +\\| ${PROJECT}`));
  const shown = await cairn("policy", "show", "gold", "-f", "json", "-c", "decides");
  assert.deepEqual(JSON.parse(shown.out), { decides: { interval: "24hrs" } });
  const none = await cairn("policy", "create", "lead");
  assert.deepEqual([none.code, none.out], [2, ""]);
  const unknown = await cairn("policy", "show", "lead");
  assert.equal(unknown.code, 3);
});

void test("projects that Keystone does not know are named after the rest is done", async () => {
  api.handlers.assignPolicy = () => ({ body: { policy: policyOf({}), failed_ids: ["0".repeat(32)] } });
  const assigned = await cairn("policy", "assign", POLICY_ID, "--add-project", "0".repeat(32));
  assert.equal(assigned.code, 3);
  assert.match(assigned.out, /gold/);
  assert.match(assigned.err, /knows no project 0+\. All others are done/);
});

void test("a workload follows a policy by its name, and is switched on with it", async () => {
  const W1 = "11111111-1111-4111-8111-111111111111";
  api.handlers.listPolicies = () => ({ body: { policy_list: [policyOf({})] } });
  api.handlers.createWorkload = () => ({ body: { workload: workloadOf(W1, "web") } });
  api.handlers.modifyWorkload = () => ({ body: { workload: workloadOf(W1, "web") } });
  api.handlers.showWorkload = () => ({ body: { workload: workloadOf(W1, "web") } });
  const made = await cairn("workload", "create", "web", "-i", "web-1", "--policy", "gold");
  assert.equal(made.code, 0, made.err);
  await cairn("workload", "modify", W1, "--no-policy");
  await cairn("workload", "modify", W1, "--name", "shop");
  const asked = api.asked.flatMap(({ id, body }) =>
    id === "createWorkload" || id === "modifyWorkload" ? [(body as { workload: object }).workload] : [],
  );
  const facts = asked.map((each) => [Reflect.get(each, "policy_id"), Reflect.get(each, "jobschedule")]);
  assert.deepEqual(facts, [
    [POLICY_ID, { enabled: true }],
    ["none", undefined],
    [undefined, undefined],
  ]);
});

void test("a quota is made, or changed where there is one; sizes are as people write them", async () => {
  const storage = "f02dd7a6-2e08-11ea-889c-7440bb00b67d";
  const type = {
    ...AUDIT,
    id: storage,
    display_name: "Storage",
    display_description: "",
    status: "available",
  };
  const row = {
    id: "q",
    project_id: PROJECT,
    quota_type_id: storage,
    quota_type_name: "Storage",
    version: "1",
  };
  const quota = { ...row, allowed_value: 1024, high_watermark: 1024 };
  const usage = { quota_type_id: storage, quota_type_name: "Storage", used: 2048, above_since: null };
  api.handlers.listQuotaTypes = () => ({ body: { quota_types: [type] } });
  api.handlers.listQuotas = () => ({ body: { allowed_quotas: [] } });
  api.handlers.createQuotas = () => ({ body: { allowed_quotas: [quota] } });
  api.handlers.updateQuota = () => ({ body: { allowed_quotas: [quota] } });
  api.handlers.showQuotaUsage = () => ({
    body: {
      quota_usage: [{ ...usage, allowed_value: 1024, high_watermark: 1024, is_above_watermark: true }],
    },
  });
  api.asked.length = 0;
  assert.equal((await cairn("quota", "set", PROJECT, "storage", "2TiB", "--watermark", "1.5TiB")).code, 0);
  api.handlers.listQuotas = () => ({ body: { allowed_quotas: [quota] } });
  assert.equal((await cairn("quota", "set", PROJECT, "Storage", "1GiB")).code, 0);
  const bodies = api.asked.filter(({ body }) => body !== undefined).map(({ id, body }) => [id, body]);
  const TiB = 2 ** 40;
  assert.deepEqual(bodies, [
    [
      "createQuotas",
      { allowed_quotas: [{ quota_type_id: storage, allowed_value: 2 * TiB, high_watermark: 1.5 * TiB }] },
    ],
    ["updateQuota", { allowed_quotas: { allowed_value: 2 ** 30, high_watermark: 2 ** 30 } }],
  ]);
  const list = await cairn("quota", "list");
  assert.match(list.out, /\| Storage \| 2\.00 KiB \| 1\.00 KiB \| 1\.00 KiB +\| used up \| q +\|/);
  assert.equal((await cairn("quota", "set", PROJECT, "cpus", "1")).code, 3);
  assert.equal((await cairn("quota", "set", PROJECT, "storage", "some")).code, 2);
});
