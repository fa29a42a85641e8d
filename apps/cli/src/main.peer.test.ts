import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { faultBody, type RouteId } from "@cairn/contract";
import { type FakeApi, PROJECT, restoreOf, snapshotOf, startFakeApi, workloadOf } from "./fake-api.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const W1 = "11111111-1111-4111-8111-111111111111";
const W2 = "22222222-2222-4222-8222-222222222222";
const S1 = "33333333-3333-4333-8333-333333333333";
const R1 = "44444444-4444-4444-8444-444444444444";

let api: FakeApi;
let folder: string;

before(async () => {
  api = await startFakeApi();
  folder = await mkdtemp(join(tmpdir(), "cairn-cli-"));
});

after(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  api.asked.length = 0;
  const names: Record<string, string> = { [W1]: "web", [W2]: "db" };
  api.handlers = {
    listWorkloads: () => ({ body: { workloads: [workloadOf(W1, "web"), workloadOf(W2, "db")] } }),
    showWorkload: ({ params }) => {
      const id = params["workload_id"] ?? "";
      return { body: { workload: workloadOf(id, names[id] ?? id) } };
    },
    listSnapshots: () => ({ body: { snapshots: [snapshotOf(S1, "nightly")] } }),
    showSnapshot: () => ({ body: { snapshot: snapshotOf(S1, "nightly") } }),
    takeSnapshot: () => ({
      body: { snapshot: snapshotOf(S1, "nightly", { status: "executing", instances: [] }) },
    }),
    createRestore: () => ({ body: { restore: restoreOf(R1) } }),
    showRestore: () => ({ body: { restore: restoreOf(R1, { status: "available", progress_percent: 100 }) } }),
  };
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function credentials(): Record<string, string> {
  return {
    OS_AUTH_URL: `${api.url}/v3`,
    OS_USERNAME: "anna",
    OS_PASSWORD: "secret",
    OS_PROJECT_NAME: "demo",
  };
}

function start(args: readonly string[], env: Record<string, string> = credentials()): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      HOME: folder,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

async function cairn(...args: string[]): Promise<Ended> {
  return ended(start(args));
}

function bodyOf(id: RouteId): unknown {
  return api.asked.find((each) => each.id === id)?.body;
}

void test("a list is a table for people and, with -f json, the wire's fields for programs", async () => {
  const table = await cairn("workload", "list");
  assert.equal(table.code, 0, table.err);
  assert.match(table.out, /\| id +\| name \| status +\| created_at/);
  assert.match(table.out, new RegExp(`\\| ${W1} \\| web +\\| available`));
  const json = JSON.parse((await cairn("workload", "list", "-f", "json")).out) as Record<string, unknown>[];
  assert.deepEqual(
    json.map((each) => [each["id"], each["project_id"]]),
    [
      [W1, PROJECT],
      [W2, PROJECT],
    ],
  );
});

void test("columns are chosen, in any of their spellings, and sorted", async () => {
  const values = await cairn(
    "workload",
    "list",
    "-f",
    "value",
    "-c",
    "Name",
    "-c",
    "status",
    "--sort-column",
    "name",
  );
  assert.equal(values.out, "db available\nweb available\n");
  const csv = await cairn("workload", "list", "-f", "csv", "-c", "name", "-c", "instances");
  assert.equal(
    csv.out,
    `name,instances\nweb,"[{""id"":""i1"",""name"":""web-1"",""metadata"":{}}]"\n`.concat(
      csv.out.split("\n")[2] ?? "",
      "\n",
    ),
  );
  const yaml = await cairn("workload", "show", "web", "-f", "yaml", "-c", "name", "-c", "snapshots");
  assert.equal(yaml.out, "name: web\nsnapshots: 3\n");
  const wrong = await cairn("workload", "list", "-c", "colour");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /^cairn: There is no column "colour"\. The columns are id, name/);
});

void test("names are found; ambiguous ones list the candidates; unknown ones are 3", async () => {
  const shown = await cairn("workload", "show", "db", "-f", "value", "-c", "id");
  assert.equal(shown.out, `${W2}\n`);
  api.handlers.listWorkloads = () => ({
    body: { workloads: [workloadOf(W1, "web"), workloadOf(W2, "web")] },
  });
  const ambiguous = await cairn("workload", "show", "web");
  assert.equal(ambiguous.code, 2);
  assert.match(
    ambiguous.err,
    new RegExp(`2 workloads are called 'web'\\. Use one of the ids ${W1}, ${W2}\\.`),
  );
  const unknown = await cairn("snapshot", "show", "weekly");
  assert.equal(unknown.code, 3);
  assert.match(unknown.err, /^cairn: No snapshot with a name or ID of 'weekly' exists\./);
});

void test("a workload is created of named instances", async () => {
  api.handlers.createWorkload = () => ({ body: { workload: workloadOf(W1, "web") } });
  const made = await cairn(
    "workload",
    "create",
    "web",
    "-i",
    "web-1",
    "--instance",
    "web-2",
    "--description",
    "shop",
  );
  assert.equal(made.code, 0, made.err);
  const { workload } = bodyOf("createWorkload") as { workload: Record<string, unknown> };
  assert.deepEqual(workload["instances"], [{ "instance-id": "web-1" }, { "instance-id": "web-2" }]);
  assert.equal(workload["description"], "shop");
  assert.match(made.out, /\| stored_bytes +\| 2\.00 KiB/);
});

void test("an instance is added to and taken from a workload without naming the others", async () => {
  api.handlers.modifyWorkload = () => ({ body: { workload: workloadOf(W1, "web") } });
  const changed = await cairn(
    "workload",
    "modify",
    "web",
    "--add-instance",
    "i2",
    "--remove-instance",
    "web-1",
  );
  assert.equal(changed.code, 0, changed.err);
  const { workload } = bodyOf("modifyWorkload") as { workload: unknown };
  assert.deepEqual(workload, { instances: [{ "instance-id": "i2" }] });
});

void test("a change is waited for until the workload is available again", async () => {
  const busy = { ...workloadOf(W1, "web"), status: "locked" as const };
  api.handlers.modifyWorkload = () => ({ body: { workload: busy } });
  let looks = 0;
  api.handlers.showWorkload = () => {
    looks += 1;
    return { body: { workload: looks < 3 ? busy : workloadOf(W1, "web") } };
  };
  const changed = await cairn(
    "workload",
    "modify",
    "web",
    "-i",
    "web-1",
    "--wait",
    "-f",
    "value",
    "-c",
    "status",
  );
  assert.equal(changed.out, "available\n", changed.err);
  assert.match(changed.err, /^workload web: locked, 0 %\n.*workload web: available, 100 %\n$/s);
});

void test("--full asks for a full snapshot by the query", async () => {
  const taken = await cairn("snapshot", "create", "web", "--full", "--name", "before");
  assert.equal(taken.code, 0, taken.err);
  const asked = api.asked.find(({ id }) => id === "takeSnapshot");
  assert.equal(asked?.query.get("full"), "true");
  assert.equal(asked.params["workload_id"], W1);
  assert.deepEqual(asked.body, { snapshot: { name: "before" } });
});

void test("--wait shows progress as plain lines on standard error, the end on standard output", async () => {
  let looks = 0;
  const disk = { disk: "vda", disk_id: "d", instance: "web-1", instance_id: "i1", stored_bytes: 0 };
  api.handlers.showSnapshot = () => {
    looks += 1;
    if (looks > 2) return { body: { snapshot: snapshotOf(S1, "nightly") } };
    const disks = [{ ...disk, done_bytes: looks * 1024, total_bytes: 4096 }];
    const progress = { phase: "reading", disks, bytes_per_second: null, remaining_seconds: null };
    return {
      body: { snapshot: snapshotOf(S1, "nightly", { status: "executing", progress_percent: 25, progress }) },
    };
  };
  const waited = await cairn("snapshot", "create", "web", "--wait", "-f", "json");
  assert.equal(waited.code, 0, waited.err);
  assert.match(waited.err, /: reading, 25 %, 1\.00 KiB of 4\.00 KiB/);
  assert.ok(!waited.err.includes("\u001b"), "no escapes without a terminal");
  assert.equal((JSON.parse(waited.out) as { status: string }).status, "available");
});

void test("a snapshot that fails while one waits is exit code 1, with the reason", async () => {
  api.handlers.showSnapshot = () => ({
    body: { snapshot: snapshotOf(S1, "nightly", { status: "error", error_msg: "No room on the target" }) },
  });
  const waited = await cairn("snapshot", "watch", S1);
  assert.equal(waited.code, 1);
  assert.match(waited.err, /ended as error: No room on the target\n$/);
});

void test("Ctrl-C while waiting says how to go on watching", async () => {
  api.handlers.showSnapshot = () => ({ body: { snapshot: snapshotOf(S1, "n", { status: "executing" }) } });
  const child = start(["snapshot", "watch", S1]);
  const end = ended(child);
  await new Promise<void>((resolve) => child.stderr?.once("data", () => resolve()));
  child.kill("SIGINT");
  const { code, err } = await end;
  assert.equal(code, 130);
  assert.match(err, new RegExp(`goes on; watch it again with: cairn snapshot watch ${S1}\\n$`));
});

void test("waiting for a deletion ends when the snapshot is gone", async () => {
  let looks = 0;
  api.handlers.deleteSnapshot = () => ({});
  api.handlers.showSnapshot = () => {
    looks += 1;
    return looks < 2
      ? { body: { snapshot: snapshotOf(S1, "n", { status: "deleting" }) } }
      : { status: 404, body: faultBody({ code: 404, message: "gone" }) };
  };
  const deleted = await cairn("snapshot", "delete", S1, "--wait");
  assert.equal(deleted.code, 0, deleted.err);
});

function restoreBody(): Record<string, unknown> {
  const asked = api.asked.find(({ id }) => id === "createRestore");
  assert.equal(asked?.params["workload_id"], "w1");
  return (asked.body as { restore: { options: Record<string, unknown> } }).restore.options;
}

void test("a one-click restore waits for its end", async () => {
  const restored = await cairn("restore", "oneclick", "nightly", "--wait", "-f", "value", "-c", "status");
  assert.equal(restored.code, 0, restored.err);
  assert.equal(restored.out, "available\n");
  assert.equal(restoreBody()["restore_type"], "oneclick");
});

void test("a selective restore is told by flags, with names or ids", async () => {
  for (const [flavor, network] of [
    ["f2", "n1=n2/s2"],
    ["m1.small", "lan=test-lan/four"],
  ] as const) {
    api.asked.length = 0;
    await assertSelective("--flavor", flavor, "--network", network);
  }
  const unknown = await cairn("restore", "selective", "nightly", "--network", "lan=nowhere");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /There is no network 'nowhere'\. There are test-lan \(n2\)\./);
});

async function assertSelective(...places: string[]): Promise<void> {
  const flags = ["--instance", "web-1", "--new-name", "copy", "--volume-type", "ssd", ...places];
  const restored = await cairn("restore", "selective", "nightly", ...flags);
  assert.equal(restored.code, 0, restored.err);
  assert.deepEqual(restoreBody()["openstack"], {
    restore_topology: false,
    instances: [
      {
        id: "i1",
        include: true,
        name: "copy",
        flavor: { id: "f2" },
        vdisks: [{ id: "v1", new_volume_type: "ssd" }],
      },
    ],
    networks_mapping: {
      networks: [{ snapshot_network: { id: "n1" }, target_network: { id: "n2", subnet: { id: "s2" } } }],
    },
  });
}

void test("topology and security groups are restored alone, without an instance", async () => {
  for (const [command, flag] of [
    ["topology", { restore_topology: true }],
    ["security-groups", { restore_topology: false, restore_security_groups: true }],
  ] as const) {
    api.asked.length = 0;
    const restored = await cairn("restore", command, "nightly", "--name", "back");
    assert.equal(restored.code, 0, restored.err);
    assert.equal(restoreBody()["restore_type"], "selective");
    const rest = { instances: [], networks_mapping: { networks: [] } };
    assert.deepEqual(restoreBody()["openstack"], { ...rest, ...flag });
  }
});

void test("an in-place restore writes exactly the disks that are named", async () => {
  const restored = await cairn("restore", "inplace", "nightly", "--volume", "vdb");
  assert.equal(restored.code, 0, restored.err);
  const { instances } = restoreBody()["openstack"] as { instances: unknown[] };
  assert.deepEqual(instances, [
    {
      id: "i1",
      include: true,
      restore_boot_disk: false,
      vdisks: [{ id: "v1", restore_cinder_volume: true }],
    },
  ]);
  const nothing = await cairn("restore", "inplace", "nightly");
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /must be named\. Name them with --volume and --boot-disk/);
  const unknown = await cairn("restore", "inplace", "nightly", "--volume", "vdz");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /no volume|has a volume 'vdz'/i);
});

void test("an in-place restore leaves the safety snapshot to the API, unless it is declined", async () => {
  const disk = ["restore", "inplace", "nightly", "--volume", "vdb"];
  assert.equal((await cairn(...disk)).code, 0);
  assert.equal(restoreBody()["safety_snapshot"], undefined);
  api.asked.length = 0;
  assert.equal((await cairn(...disk, "--no-safety-snapshot")).code, 0);
  assert.equal(restoreBody()["safety_snapshot"], false);
  await writeFile(
    join(folder, "restore.json"),
    JSON.stringify({ safety_snapshot: true, openstack: { instances: [{ id: "i1" }] } }),
  );
  api.asked.length = 0;
  const both = await cairn(
    "restore",
    "inplace",
    "nightly",
    "--filename",
    "restore.json",
    "--no-safety-snapshot",
  );
  assert.equal(both.code, 0, both.err);
  assert.equal(restoreBody()["safety_snapshot"], false);
});

void test("a restore shows its safety snapshot", async () => {
  const shown = await cairn("restore", "inplace", "nightly", "--volume", "vdb", "-f", "json");
  assert.ok("safety_snapshot_id" in (JSON.parse(shown.out) as object), shown.out);
});

void test("a file may be JSON or a Python literal, bare or wrapped", async () => {
  const python = `{'openstack': {'instances': [{'id': 'i1', 'restore_boot_disk': True, 'vdisks': []}],
    'networks_mapping': {'networks': []}}, 'restore_type': 'inplace', 'type': 'openstack',
    'oneclickrestore': False}`;
  const json = JSON.stringify({ restore: { options: { openstack: { instances: [{ id: "i1" }] } } } });
  for (const text of [python, json]) {
    await writeFile(join(folder, "restore.json"), text);
    api.asked.length = 0;
    const restored = await cairn("restore", "inplace", "nightly", "--filename", "restore.json");
    assert.equal(restored.code, 0, restored.err);
    assert.equal(restoreBody()["restore_type"], "inplace");
  }
  await writeFile(join(folder, "restore.json"), "{'a': }");
  const broken = await cairn("restore", "inplace", "nightly", "--filename", "restore.json");
  assert.equal(broken.code, 2);
  assert.match(
    broken.err,
    /restore\.json is neither JSON nor a Python literal: a value is missing at line 1, column 7/,
  );
  const missing = await cairn("restore", "selective", "nightly", "--filename", "nothing.json");
  assert.equal(missing.code, 2);
});

void test("wrong command lines are exit code 2, on standard error", async () => {
  const mistakes = [
    [],
    ["nonsense"],
    ["workload", "lst"],
    ["workload", "show"],
    ["workload", "list", "--colour"],
    ["workload", "list", "-f", "xml"],
  ];
  for (const args of mistakes) {
    const wrong = await cairn(...args);
    assert.equal(wrong.code, 2, args.join(" "));
    assert.equal(wrong.out, "");
    assert.notEqual(wrong.err, "");
  }
  const suggestion = await cairn("workload", "lst");
  assert.equal(
    suggestion.err,
    "cairn: unknown command 'lst' (Did you mean list?). See: cairn workload --help\n",
  );
});

void test("missing and wrong credentials are exit code 4, and say what to set", async () => {
  const missing = await ended(start(["workload", "list"], {}));
  assert.equal(missing.code, 4);
  assert.match(missing.err, /OS_AUTH_URL is missing/);
  const wrong = await ended(start(["workload", "list"], { ...credentials(), OS_PASSWORD: "wrong password" }));
  assert.equal(wrong.code, 4);
  assert.doesNotMatch(wrong.err, /wrong password/);
  assert.match(
    wrong.err,
    /^cairn: Keystone at http:.* refused user anna for project demo\. Check user, password/,
  );
});

void test("a region without Cairn and an address without Keystone are named", async () => {
  const env = { ...credentials(), OS_REGION_NAME: "Nowhere" };
  const region = await ended(start(["workload", "list"], env));
  assert.equal(region.code, 2);
  assert.match(
    region.err,
    /catalogue has no public address of Cairn .* in region Nowhere\. Check OS_REGION_NAME/,
  );
  const keystone = { ...credentials(), OS_AUTH_URL: "http://127.0.0.1:9/v3" };
  const away = await ended(start(["workload", "list"], keystone));
  assert.equal(away.code, 69);
  assert.match(away.err, /asking Keystone at http:\/\/127\.0\.0\.1:9\/v3 for a token/);
});

void test("an empty name of a workload is refused before anything is asked", async () => {
  const refused = await cairn("workload", "create", " ", "-i", "web-1");
  assert.deepEqual(
    [refused.code, refused.err],
    [2, "cairn: A workload needs a name. Give one, such as web.\n"],
  );
});

void test("a service that is not there is exit code 69", async () => {
  const away = await cairn("workload", "list", "--endpoint", "http://127.0.0.1:9");
  assert.equal(away.code, 69);
  assert.match(away.err, /at http:\/\/127\.0\.0\.1:9: .* try again later\.\n$/);
});

void test("clouds.yaml with secure.yaml, flags, and an endpoint without project lead there", async () => {
  const clouds = { lab: { auth: { auth_url: `${api.url}/v3`, username: "anna", project_name: "demo" } } };
  await writeFile(join(folder, "clouds.yaml"), JSON.stringify({ clouds }));
  await writeFile(
    join(folder, "secure.yaml"),
    JSON.stringify({ clouds: { lab: { auth: { password: "secret" } } } }),
  );
  const named = await ended(
    start(["workload", "list", "--os-cloud", "lab", "-f", "value", "-c", "name"], {}),
  );
  assert.equal(named.out, "web\ndb\n", named.err);
  const unknown = await ended(start(["workload", "list"], { OS_CLOUD: "moon" }));
  assert.deepEqual([unknown.code, /no cloud "moon"/.test(unknown.err)], [4, true]);
  const flags = ["--os-username", "anna", "--os-password", "secret", "--os-project-name", "demo"];
  const byFlags = await ended(
    start(
      [
        "workload",
        "list",
        "--os-auth-url",
        api.url,
        ...flags,
        "--endpoint",
        api.url,
        "-f",
        "value",
        "-c",
        "id",
      ],
      {},
    ),
  );
  assert.equal(byFlags.out, `${W1}\n${W2}\n`, byFlags.err);
});
