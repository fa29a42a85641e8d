import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, beforeEach, test } from "node:test";
import { faultBody } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, PROJECT, restoreOf, snapshotOf, startFakeApi, workloadOf } from "../fake-api.ts";
import type { Screen } from "../shell.ts";
import { runWorkloadmgr } from "./run.ts";

const W1 = "11111111-1111-4111-8111-111111111111";
const S1 = "33333333-3333-4333-8333-333333333333";
const R1 = "44444444-4444-4444-8444-444444444444";

let api: FakeApi;

before(async () => {
  api = await startFakeApi();
});

after(async () => api[Symbol.asyncDispose]());

beforeEach(() => {
  api.asked.length = 0;
  api.handlers = {
    listWorkloads: () => ({ body: { workloads: [workloadOf(W1, "web")] } }),
    showWorkload: () => ({ body: { workload: workloadOf(W1, "it's web") } }),
    createWorkload: () => ({ body: { workload: workloadOf(W1, "web") } }),
    listSnapshots: () => ({ body: { snapshots: [snapshotOf(S1, "nightly", { host: "node-1" })] } }),
    showSnapshot: () => ({ body: { snapshot: snapshotOf(S1, "nightly") } }),
    takeSnapshot: () => ({ body: { snapshot: snapshotOf(S1, "nightly") } }),
    createRestore: () => ({ body: { restore: restoreOf(R1) } }),
    listRestores: () => ({ body: { restores: [] } }),
  };
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One call in this process; `files` are there to be read. */
async function called(argv: readonly string[], files: Record<string, string> = {}): Promise<Ended> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: false,
    columns: undefined,
  });
  const code = await runWorkloadmgr(argv, {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: (path) => Promise.resolve(files[path]),
    trustAuthorities: () => undefined,
  });
  return { code, ...texts };
}

async function workloadmgr(line: string, files?: Record<string, string>): Promise<Ended> {
  return called(line.split(" "), files);
}

function bodyOf(id: string): unknown {
  return api.asked.find((each) => each.id === id)?.body;
}

void test("lists have capitalised heads, single things lower-case fields", async () => {
  const list = await workloadmgr("workload-list");
  assert.match(
    list.out,
    /^\+-.*\n\| ID +\| Name \| ProjectID +\| WorkloadTypeID +\| Status +\| CreatedAt +\|\n/,
  );
  assert.match(list.out, new RegExp(`\\| ${W1} \\| web +\\| ${PROJECT} \\|.*\\| available \\|`));
  const show = await workloadmgr("workload-show web");
  assert.match(show.out, /^\+-.*\n\| Field +\| Value +\|\n.*\n\| id +\| 1111/);
});

void test("F30: Python evaluates the column instances of workload-show", async () => {
  const { out } = await workloadmgr("workload-show web -f value -c instances -c name");
  const [name = "", instances = ""] = out.split("\n");
  assert.equal(name, "it's web");
  const program = "import sys; print([each['id'] for each in eval(sys.stdin.read())])";
  const python = spawnSync("python3", ["-c", program], {
    input: instances,
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(python.stdout, "['i1']\n", python.stderr);
});

void test("F29: errors go to standard error as ERROR:workloadmgr:, and the code is not 0", async () => {
  for (const status of [400, 403, 404, 409, 500, 503]) {
    const detail = { code: status, message: "It cannot be", remedy: "Do otherwise." };
    api.handlers.unlockWorkload = () => ({ status, body: faultBody(detail) });
    const { code, out, err } = await workloadmgr("workload-unlock web");
    assert.deepEqual([code, out], [1, ""], String(status));
    assert.match(err, /^ERROR:workloadmgr:It cannot be/);
    if (status < 500) assert.equal(err, "ERROR:workloadmgr:It cannot be\nHINT:workloadmgr:Do otherwise.\n");
  }
  const unknown = await workloadmgr("snapshot-show weekly");
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /^ERROR:workloadmgr:No snapshot with a name or ID of 'weekly' exists\.\n/);
});

void test("snapshots are mounted, listed and dismounted in the reference's words", async () => {
  const row = {
    snapshot_id: S1,
    snapshot_name: "nightly",
    workload_id: W1,
    mounturl: "sftp://10.0.0.4/mnt/cairn/x",
    status: "mounted",
  };
  api.handlers.mountSnapshot = () => ({});
  api.handlers.dismountSnapshot = () => ({});
  api.handlers.listMountedSnapshots = () => ({ body: { mounted_snapshots: [row] } });
  assert.deepEqual(await workloadmgr(`snapshot-mount ${S1} ${R1}`), { code: 0, out: "", err: "" });
  assert.deepEqual(bodyOf("mountSnapshot"), { mount: { mount_vm_id: R1 } });
  const list = await workloadmgr(`snapshot-mounted-list --workloadid ${W1}`);
  assert.match(
    list.out,
    /^\+-.*\n\| snapshot_id +\| snapshot_name +\| workload_id +\| mounturl +\| status +\|\n/,
  );
  assert.equal(api.asked.find(({ id }) => id === "listMountedSnapshots")?.query.get("workload_id"), W1);
  assert.deepEqual(await workloadmgr("snapshot-dismount nightly"), { code: 0, out: "", err: "" });
  api.handlers.listMountedSnapshots = () => ({ body: { mounted_snapshots: [] } });
  assert.equal((await workloadmgr("snapshot-mounted-list")).out.trim(), "", "empty when there is none");
  api.handlers.mountSnapshot = () => ({
    status: 404,
    body: faultBody({ code: 404, message: "The mount instance x could not be found.", remedy: "Another." }),
  });
  const refused = await workloadmgr(`snapshot-mount ${S1} x`);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^ERROR:workloadmgr:The mount instance x could not be found/);
});

void test("a wrong command line is refused as argparse does, with code 2", async () => {
  const missing = await workloadmgr("snapshot-delete");
  assert.deepEqual([missing.code, missing.out], [2, ""]);
  assert.equal(
    missing.err,
    "usage: workloadmgr snapshot-delete [options] <snapshot_id>\n" +
      "workloadmgr snapshot-delete: error: the following arguments are required: <snapshot_id>\n",
  );
  assert.match(
    (await workloadmgr("workload-list -f xml")).err,
    /invalid choice: 'xml' \(choose from 'csv', 'json'/,
  );
  const odd = await workloadmgr("workload-burn");
  assert.equal(odd.code, 2);
  assert.match(
    odd.err,
    /^workloadmgr: 'workload-burn' is not a workloadmgr command\. See 'workloadmgr --help'\./,
  );
  assert.equal((await workloadmgr("--colour workload-list")).code, 2);
});

void test("a workload is created in the reference's words, old and new", async () => {
  const line =
    "workload-create --display-name web --source-platform openstack --jobschedule enabled=True " +
    "--jobschedule interval=24hrs --hourly interval=6 --metadata a=b instance-id=i1 --instance i2";
  const { code, err } = await workloadmgr(line);
  assert.equal(code, 0, err);
  assert.deepEqual(bodyOf("createWorkload"), {
    workload: {
      name: "web",
      source_platform: "openstack",
      instances: [{ "instance-id": "i1" }, { "instance-id": "i2" }],
      jobschedule: { enabled: "True", interval: "24hrs", hourly: { interval: 6 } },
      metadata: { a: "b" },
    },
  });
});

void test("a snapshot is full only when --full is given; the query says so", async () => {
  await called(["workload-snapshot", "web", "--display-name", "nightly", "--display-description", " "]);
  await workloadmgr("workload-snapshot web --full");
  const asked = api.asked.filter(({ id }) => id === "takeSnapshot");
  assert.deepEqual(
    asked.map(({ query }) => query.get("full")),
    [null, "true"],
  );
  assert.deepEqual(asked[0]?.body, { snapshot: { is_scheduled: false, name: "nightly", description: " " } });
});

const OPTIONS =
  "{'name': 'clone', 'type': 'openstack', 'restore_type': 'selective', 'oneclickrestore': False, " +
  "'openstack': {'instances': [{'id': 'i1', 'include': True}], 'networks_mapping': {'networks': []}}}";
const AS_JSON = OPTIONS.replaceAll("'", '"').replaceAll("True", "true").replaceAll("False", "false");

for (const [form, text] of [
  ["a literal of Python", OPTIONS],
  ["JSON", AS_JSON],
] as const) {
  void test(`a restore is described by restore.json as ${form}, the default file`, async () => {
    const { code, err } = await workloadmgr("snapshot-selective-restore nightly", { "/restore.json": text });
    assert.equal(code, 0, err);
    const { restore } = bodyOf("createRestore") as { restore: { options: Record<string, unknown> } };
    assert.deepEqual(restore.options["openstack"], {
      instances: [{ id: "i1", include: true }],
      networks_mapping: { networks: [] },
    });
  });
}

void test("a file for another restore and one that is missing are refused before all else", async () => {
  const other = await workloadmgr("snapshot-inplace-restore nightly", { "/restore.json": OPTIONS });
  assert.deepEqual([other.code, api.asked.length], [1, 0]);
  assert.match(other.err, /restore\.json has restore_type selective, and this command is for inplace/);
  const none = await workloadmgr("snapshot-selective-restore nightly --filename x.json");
  assert.match(none.err, /^ERROR:workloadmgr:The file x\.json cannot be read\.\n/);
});

void test("restores of topology and of security groups have no instances", async () => {
  await workloadmgr("restore-network-topology nightly --display-name net");
  await workloadmgr("restore-security-groups nightly");
  const bodies = api.asked.filter(({ id }) => id === "createRestore").map(({ body }) => body);
  const frame = { type: "openstack", restore_type: "selective", oneclickrestore: false };
  assert.deepEqual(bodies, [
    { restore: { name: "net", options: { ...frame, openstack: { restore_topology: true } } } },
    {
      restore: {
        name: "Security Groups Restore",
        options: { ...frame, openstack: { restore_security_groups: true } },
      },
    },
  ]);
});

void test("snapshot-list filters by host; snapshot-show has further tables, or fields", async () => {
  assert.equal((await workloadmgr("snapshot-list --tvault_node node-2 -f json")).out, "[]\n");
  assert.match((await workloadmgr("snapshot-list --tvault_node node-1 -f value -c Host")).out, /^node-1\n$/);
  const tables = (await workloadmgr("snapshot-show nightly --output networks,disks")).out;
  assert.match(tables, /\| VM +\| Network \|/);
  assert.match(tables, /\| web-1 \| vdb +\| v1 /);
  const { disks } = JSON.parse((await workloadmgr("snapshot-show nightly --output disks -f json")).out) as {
    disks: unknown[];
  };
  assert.equal(disks.length, 2);
});

void test("a trust's check is a literal of Python, the switch of all schedules a field", async () => {
  const checked = { scheduler_enabled: true, trust: null, is_valid: false, scheduler_obj: {} };
  api.handlers.validateTrust = () => ({ body: checked });
  api.handlers.showGlobalJobScheduler = () => ({ body: { global_job_scheduler: true } });
  assert.equal(
    (await workloadmgr("scheduler-trust-validate web")).out,
    "{'scheduler_enabled': True, 'trust': None, 'is_valid': False, 'scheduler_obj': {}}\n",
  );
  assert.match((await workloadmgr("get-global-job-scheduler")).out, /\| global_job_scheduler \| True +\|/);
});

void test("credentials may stand before or behind the command", async () => {
  for (const line of ["--os-password wrong workload-list", "workload-list --os-password wrong"]) {
    const words = line.split(" ").map((word) => (word === "wrong" ? "wrong password" : word));
    const { code, err } = await called(words);
    assert.equal(code, 1);
    assert.match(err, /^ERROR:workloadmgr:Keystone at .* refused user anna for project demo\.\nHINT:/);
  }
});

const TIME = "2026-06-01T12:00:00.000000";
const AUDIT = { created_at: TIME, updated_at: TIME, deleted_at: null, deleted: false, version: "1" };
const POLICY = {
  id: "p1",
  name: "gold",
  description: "",
  status: "available",
  user_id: "root",
  project_id: PROJECT,
  created_at: TIME,
  updated_at: TIME,
  field_values: [],
  metadata: [],
  policy_assignments: [],
};

void test("a policy is made of --policy-fields or of tiers, and assigned with repeated options", async () => {
  api.handlers.createPolicy = () => ({ body: { policy: POLICY } });
  api.handlers.assignPolicy = () => ({ body: { policy: POLICY, failed_ids: [] } });
  const fields = ["--policy-fields", "interval=24 hr", "--policy-fields", "fullbackup_interval=-1"];
  assert.equal((await called(["policy-create", ...fields, "gold"])).code, 0);
  const tiers = ["--hourly", "interval=6", "--hourly", "retention=8"];
  assert.equal((await called(["policy-create", ...tiers, "gold"])).code, 0);
  const projects = ["--add_project", "a", "--add_project", "b", "--remove_project", "c"];
  assert.equal((await called(["policy-assign", ...projects, "p1"])).code, 0);
  assert.deepEqual(
    api.asked.map(({ body }) => body),
    [
      {
        workload_policy: {
          display_name: "gold",
          field_values: { interval: "24 hr", fullbackup_interval: "-1" },
        },
      },
      {
        workload_policy: { display_name: "gold", field_values: { hourly: { interval: 6, retention: 8 } } },
      },
      { policy: { add_projects: ["a", "b"], remove_projects: ["c"] } },
    ],
  );
});

void test("list-assigned-policies has the columns that scripts know", async () => {
  const row = { ...AUDIT, id: "r", policy_id: "p1", policy_name: "gold", project_id: PROJECT };
  api.handlers.listAssignedPolicies = () => ({ body: { policies: [row] } });
  const listed = await called(["list-assigned-policies", PROJECT, "-f", "csv"]);
  assert.match(listed.out, /^"?ID"?,"?Name"?,"?Deleted"?,"?CreatedAt"?\n"?p1"?,"?gold"?,"?False"?,/);
});

void test("a limit's values come in the order in which scripts count them", async () => {
  const quota = {
    id: "q1",
    project_id: PROJECT,
    quota_type_id: "t1",
    quota_type_name: "Workloads",
    allowed_value: 3,
    high_watermark: 2,
    version: "1",
  };
  api.handlers.showQuota = () => ({ body: { allowed_quotas: quota } });
  api.handlers.createQuotas = () => ({ body: { allowed_quotas: [quota] } });
  const shown = await called(["project-allowed-quota-show", "q1", "-f", "value"]);
  assert.equal(shown.out, `3\n2\nq1\n${PROJECT}\nt1\nWorkloads\n1\n`);
  const asked = ["--quota-type-id", "t1", "--allowed-value", "3", "--high-watermark", "2"];
  const made = await called(["project-allowed-quota-create", ...asked, "--project-id", PROJECT]);
  assert.equal(made.code, 0, made.err);
  const { params, body } = api.asked.at(-1) ?? {};
  assert.deepEqual(
    [params?.["project_or_quota_id"], body],
    [PROJECT, { allowed_quotas: [{ quota_type_id: "t1", allowed_value: 3, high_watermark: 2 }] }],
  );
});

void test("a node is taken out and let in, and the line says so", async () => {
  api.handlers.updateService = () => ({ body: { nodes: [] } });
  const out = await called(["workload-service-disable", "--reason", "new disks", "compute-7"]);
  assert.equal(out.out, "workloads service successfully disabled on node: compute-7\n", out.err);
  assert.deepEqual(bodyOf("updateService"), { status: 1, node_name: "compute-7", reason: "new disks" });
  const back = await workloadmgr("workload-service-enable compute-7");
  assert.equal(back.out, "workloads service successfully enabled on node: compute-7\n");
});

void test("settings and quotas are lists of one in their requests", async () => {
  await workloadmgr("setting-create smtp_port 25 --is-public True --metadata a=b");
  assert.deepEqual(bodyOf("createSettings"), {
    settings: [{ name: "smtp_port", value: "25", is_public: true, metadata: { a: "b" } }],
  });
  await workloadmgr("project-allowed-quota-create --quota-type-id t --allowed-value 0 --project-id p");
  assert.deepEqual(bodyOf("createQuotas"), { allowed_quotas: [{ quota_type_id: "t", allowed_value: 0 }] });
});

void test("get-tenants-usage has a field for each project, by its name, as JSON", async () => {
  const sum = { usage: 1, snap_count: 1 };
  const usage = {
    tenant_name: "demo",
    total_vms: 3,
    vms_protected: 2,
    workloads: 1,
    snapshots: 1,
    used_capacity: 1,
    used_capacity_humanized: "1 B",
    full: sum,
    incremental: sum,
  };
  const sums = { total_vms: 7, vms_protected: 2, workloads: 1, snapshots: 1, total_usage: 1 };
  api.handlers.showTenantsUsage = () => ({
    body: { global_usage: { ...sums, total_usage_humanized: "1 B" }, tenants_usage: { [PROJECT]: usage } },
  });
  const { out, err } = await workloadmgr("get-tenants-usage -f json");
  const shown = JSON.parse(out === "" ? err : out) as Record<string, unknown>;
  assert.equal(shown["total_vms"], 7);
  assert.deepEqual(JSON.parse(String(shown["demo"])), usage);
});

void test("filepath-search waits for what is found, which Python evaluates", async () => {
  const found = [
    { [S1]: [{ vda1: { "/etc/hosts": { permissions: "-rw-r--r--", size: 20 } } }, { vdb: {} }] },
  ];
  const time = "2026-06-01T12:00:00.123000";
  const file_search = {
    id: 14,
    status: "completed",
    vm_id: W1,
    filepath: "/etc/h*",
    json_resp: JSON.stringify(found),
    error_msg: null,
    created_at: time,
    updated_at: time,
    deleted_at: null,
  };
  api.handlers.searchFiles = () => ({ body: { file_search } });
  const choice = `--snapshotids ${S1} --start_filter 0 --end_filter 0`;
  const { code, out, err } = await workloadmgr(`filepath-search ${W1} /etc/h* ${choice} -f json`);
  assert.equal(code, 0, err);
  const [asked] = api.asked;
  assert.equal(asked?.query.get("wait"), "true");
  assert.deepEqual(asked.body, {
    file_search: { vm_id: W1, filepath: "/etc/h*", snapshot_ids: [S1], start: 0, end: 0 },
  });
  const { json_resp: literal } = JSON.parse(out) as { json_resp: string };
  const script = "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.stdin.read())))";
  const { stdout } = spawnSync("python3", ["-c", script], { input: literal, encoding: "utf8" });
  assert.deepEqual(JSON.parse(stdout), found);
});
