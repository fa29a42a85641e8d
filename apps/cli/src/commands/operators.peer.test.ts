import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { RouteId } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, PROJECT, startFakeApi } from "../fake-api.ts";
import { runCommandLine } from "../program.ts";
import { OPERATORS_REPLIES } from "./operators-replies.ts";

/*
 * What operators rule by, against an API that keeps what it is asked: which request each command is, and what
 * of the reply it prints.
 */

let fake: FakeApi;

before(async () => {
  fake = await startFakeApi();
});

after(async () => fake[Symbol.asyncDispose]());

beforeEach(() => {
  fake.asked.length = 0;
  fake.handlers = { ...OPERATORS_REPLIES };
});

async function cairn(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const screen = (key: "out" | "err") => ({
    write: (text: string): void => void (said[key] += text),
    isTerminal: false,
    columns: undefined,
  });
  const code = await runCommandLine([...argv, "--endpoint", `${fake.url}/v1/${PROJECT}`], {
    env: {
      OS_AUTH_URL: `${fake.url}/v3`,
      OS_USERNAME: "anna",
      OS_PASSWORD: "secret",
      OS_PROJECT_NAME: "demo",
    },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: async () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...said };
}

interface Wanted {
  readonly line: string;
  readonly operation: RouteId;
  readonly query?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The columns, and the first row of them. */
  readonly columns?: string;
  readonly row?: readonly string[];
}

const rule = (fields: object): object => ({ rule: fields });
const hours = { scope: "cloud", timezone: "UTC", days: ["every"], from: "20:00", to: "06:00" };
const protection = (fields: object): object => ({ protection_rule: { workload_id: "w1", ...fields } });

const COMMANDS: readonly Wanted[] = [
  {
    line: "node list",
    operation: "listNodes",
    columns: "node service status disabled",
    row: ["control-1", "cairn-engine", "Up", "false"],
  },
  {
    line: "node disable compute-7 --reason disks --service datamover",
    operation: "updateService",
    body: { node_name: "compute-7", status: 1, reason: "disks", service: "cairn-datamover" },
    columns: "node disabled",
    row: ["control-1", "true"],
  },
  { line: "node enable compute-7", operation: "updateService", body: { node_name: "compute-7", status: 0 } },
  { line: "node remove compute-7", operation: "removeNode", params: { node_name: "compute-7" } },
  {
    line: "audit list --minutes 60 --outcome accepted --object w1 --limit 1",
    operation: "listAudit",
    query: { time_in_minutes: "60", outcome: "accepted", object_id: "w1", limit: "1" },
    columns: "user_name object action",
    row: ["anna", "workload web", "workload:workload_delete"],
  },
  {
    line: "audit list --from 11-01-2026 --to 11-30-2026 --user u1 --project p1 --action a --request req-1",
    operation: "listAudit",
    query: {
      time_from: "11-01-2026",
      time_to: "11-30-2026",
      user_id: "u1",
      project: "p1",
      action: "a",
      request_id: "req-1",
      limit: "1000",
    },
  },
  {
    line: "audit verify",
    operation: "verifyAudit",
    query: { after: "0" },
    columns: "is_intact checked",
    row: ["true", "7"],
  },
  {
    line: "audit retention show",
    operation: "showAuditRetention",
    columns: "days begins_after",
    row: ["", "41:9f"],
  },
  {
    line: "audit retention set --days 365",
    operation: "setAuditRetention",
    body: { audit_retention: { days: 365 } },
    columns: "days",
    row: ["365"],
  },
  {
    line: "audit retention set --forever",
    operation: "setAuditRetention",
    body: { audit_retention: { days: null } },
  },
  {
    line: "usage storage",
    operation: "showStorageUsage",
    columns: "name status total_capacity_humanized",
    row: ["default", "online", "4.0 KiB"],
  },
  {
    line: "usage projects",
    operation: "showTenantsUsage",
    columns: "tenant_name project_id vms_protected",
    row: ["demo", PROJECT, "2"],
  },
  {
    line: "usage chargeback --project p1",
    operation: "showTenantsChargeback",
    query: { project: "p1" },
    columns: "workload instance device stored_bytes",
    row: ["web", "web-1", "vda", "2048"],
  },
  {
    line: "usage protected",
    operation: "listProtectedVms",
    query: { limit: "1000" },
    columns: "id workload_name",
    row: ["i1", "web"],
  },
  {
    line: "activity --minutes 60 --limit 5",
    operation: "listRecentActivities",
    query: { time_in_minutes: "60", limit: "5" },
    columns: "object activity_result",
    row: ["workload web", "accepted"],
  },
  {
    line: "admission queue --limit 5",
    operation: "showAdmissionQueue",
    query: { limit: "5" },
    columns: "place snapshot_id reason",
    row: ["1", "s1", "2 of 2 run on compute-7"],
  },
  {
    line: "admission list",
    operation: "listAdmissionRules",
    columns: "id description",
    row: ["r1", "2 at once on each host"],
  },
  {
    line: "admission cap 20",
    operation: "createAdmissionRule",
    body: rule({ kind: "cap", scope: "cloud", max: 20 }),
  },
  {
    line: "admission cap 0 --scope host --subject compute-7",
    operation: "createAdmissionRule",
    body: rule({ kind: "cap", scope: "host", subject: "compute-7", max: 0 }),
    columns: "id",
    row: ["r1"],
  },
  {
    line: "admission window --from 20:00 --to 06:00",
    operation: "createAdmissionRule",
    body: rule({ kind: "window", ...hours }),
  },
  {
    line: "admission blackout --host h --day mon --day weekend --from 20:00 --to 06:00 --timezone Asia/Tokyo",
    operation: "createAdmissionRule",
    body: rule({
      ...hours,
      kind: "blackout",
      scope: "host",
      subject: "h",
      timezone: "Asia/Tokyo",
      days: ["mon", "weekend"],
    }),
  },
  { line: "admission delete r1", operation: "deleteAdmissionRule", params: { rule_id: "r1" } },
  {
    line: "protection list",
    operation: "listProtectionRules",
    columns: "id workload_id tag",
    row: ["p1", "w1", "backup"],
  },
  {
    line: "protection create web --tag backup",
    operation: "createProtectionRule",
    body: protection({ tag: "backup" }),
    columns: "id tag",
    row: ["p1", "backup"],
  },
  {
    line: "protection create web --metadata backup=daily",
    operation: "createProtectionRule",
    body: protection({ metadata_key: "backup", metadata_value: "daily" }),
  },
  {
    line: "protection create web --metadata backup",
    operation: "createProtectionRule",
    body: protection({ metadata_key: "backup" }),
  },
  { line: "protection delete p1", operation: "deleteProtectionRule", params: { rule_id: "p1" } },
];

for (const { line, operation, query = {}, params, body, columns, row } of COMMANDS) {
  void test(`cairn ${line} asks for ${operation}, and prints what it answers`, async () => {
    const chosen = columns?.split(" ").flatMap((each) => ["-c", each]) ?? [];
    const said = await cairn(...line.split(" "), ...(columns === undefined ? [] : ["-f", "csv", ...chosen]));
    assert.equal(said.code, 0, said.err);
    const asked = fake.asked.at(-1);
    assert.equal(asked?.id, operation);
    assert.deepEqual(Object.fromEntries(asked.query), query);
    assert.deepEqual(asked.body, body);
    for (const [name, value] of Object.entries(params ?? {})) assert.equal(asked.params[name], value);
    if (columns === undefined || row === undefined) return;
    const [head = "", first = ""] = said.out.trim().split(/\r?\n/);
    if (said.out.includes(","))
      assert.deepEqual([head.split(","), first.split(",")], [columns.split(" "), row]);
    else assert.deepEqual([head, first], [columns, row.join(",")]);
  });
}

const WRONG: readonly (readonly [line: string, code: number, sentence: RegExp])[] = [
  ["node disable", 2, /missing required argument 'node'/],
  ["node disable x --service api", 2, /Allowed choices are engine, datamover/],
  ["audit list --minutes none", 2, /--minutes/],
  ["audit list --outcome good", 2, /Allowed choices are accepted, refused, failed, unknown/],
  ["audit verify --expect 7", 2, /--expect needs POSITION:HASH, not 7/],
  ["audit retention set", 2, /Give --days or --forever, one of them/],
  ["audit retention set --days 90 --forever", 2, /one of them/],
  ["audit retention set --days 7", 2, /--days must be a whole number from 30 to 36500, not 7/],
  ["activity --limit 0", 2, /--limit/],
  ["admission cap many", 2, /max/],
  ["admission window --from 20:00", 2, /--to/],
  ["protection create web", 2, /A rule needs --tag or --metadata/],
  ["protection create web --tag a --metadata b", 2, /one of them/],
  ["protection create unknown --tag a", 3, /unknown/],
];

for (const [line, code, sentence] of WRONG) {
  void test(`cairn ${line} is refused with code ${code}, and changes nothing`, async () => {
    const said = await cairn(...line.split(" "));
    assert.equal(said.code, code, said.err);
    assert.match(said.err, sentence);
    assert.deepEqual(
      fake.asked.filter(({ id }) => id !== "listWorkloads"),
      [],
    );
  });
}

void test("a broken audit log is shown with where, and the code is 1", async () => {
  const broken = {
    is_intact: false,
    checked: 3,
    position: 3,
    hash: "9f",
    next: null,
    broken_at: 4,
    begins_after: 0,
  };
  fake.handlers["verifyAudit"] = () => ({ body: { ...broken, because: "entry 4 was changed" } });
  const said = await cairn("audit", "verify", "-f", "json");
  assert.deepEqual([said.code, said.err], [1, "cairn: the audit log is broken: entry 4 was changed\n"]);
  assert.equal((JSON.parse(said.out) as { broken_at: number }).broken_at, 4);
});

void test("an entry that was let go cannot be compared: the message says where the log begins", async () => {
  const intact = { is_intact: true, checked: 3, position: 44, hash: "9f", next: null, begins_after: 41 };
  fake.handlers["verifyAudit"] = () => ({ body: { ...intact, broken_at: null, because: null } });
  const said = await cairn("audit", "verify", "--expect", `7:${"0".repeat(64)}`);
  const sentence = "entry 7 was let go, the log begins after 41: compare one that was noted later";
  assert.deepEqual([said.code, said.err], [1, `cairn: ${sentence}\n`]);
});

void test("what waits is counted on standard error, where it is in no table", async () => {
  assert.equal((await cairn("admission", "queue", "-f", "value")).err, "1 wait, 2 run.\n");
});
