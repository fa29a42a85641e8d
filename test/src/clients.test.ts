import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import type { BootedInstance } from "@cairn/embedded";
import { bootFromImage, whenIdle } from "./job.ts";
import { startTree, type Tree } from "./tree.ts";

/*
 * The ways to Cairn that people have, each as a process of its own against a running installation: the
 * examples of the SDK, workloadmgr's commands, and the plug-in of the `openstack` client of Debian.
 */

const ROOT = join(import.meta.dirname, "../..");
const PLUGIN = join(ROOT, "clients/openstack-plugin");
const STEP_MS = 120_000;

let tree: Tree;
let instance: BootedInstance;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-clients-"));
  // Programs in this folder find our packages by their names.
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "node_modules/@cairn"), join(folder, "node_modules/@cairn"));
  tree = await startTree();
  instance = await bootFromImage(tree, "served", "az1");
});

after(async () => {
  await tree.close();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      HOME: folder,
      ...tree.embedded.environmentOfUser("demo", "demo"),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_MS,
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, out, err };
}

async function workloadmgr(...args: string[]): Promise<Ended> {
  return run(process.execPath, [join(ROOT, "apps/cli/bin/workloadmgr"), ...args]);
}

const installedPlugin = (): string => join(folder, "python");

async function openstack(...args: string[]): Promise<Ended> {
  const path = `${installedPlugin()}:${PLUGIN}`;
  return run("/usr/bin/openstack", args, { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: "1" });
}

/** The one line that a command printed, which must have ended well. */
async function said(ended: Promise<Ended>): Promise<string> {
  const { code, out, err } = await ended;
  assert.equal(code, 0, err);
  return out.trim();
}

void test("the examples of the SDK's README do what they say", { timeout: STEP_MS }, async () => {
  const readme = await readFile(join(ROOT, "packages/sdk/README.md"), "utf8");
  const blocks = Array.from(readme.matchAll(/```ts\n([^]*?)```/g), ([, block = ""]) => block);
  assert.ok(blocks.length >= 4);
  const example = join(folder, "example.mts");
  await writeFile(example, blocks.join("\n"));
  const { code, out, err } = await run(process.execPath, [example], { INSTANCE: instance.id });
  assert.equal(code, 0, err);
  assert.match(out, /^\d{4}-.* first full available$/m);
  assert.match(out, /^true$/m);
  assert.match(out, /^No workload with a name or ID of 'no such workload' exists\. List /m);
  await whenIdle(tree);
  assert.deepEqual((await tree.api.listWorkloads({})).workloads, []);
});

void test("workloadmgr protects, shows, restores and removes, in its own words", {
  timeout: STEP_MS,
}, async () => {
  const created = workloadmgr(
    "workload-create",
    "--display-name",
    "web",
    `instance-id=${instance.id}`,
    "-f",
    "value",
    "-c",
    "id",
  );
  const id = await said(created);
  assert.match(id, /^[0-9a-f-]{36}$/);
  const literal = await said(workloadmgr("workload-show", "web", "-f", "value", "-c", "instances"));
  const evaluated = await said(run("python3", ["-c", `print([each['id'] for each in ${literal}])`]));
  assert.equal(evaluated, `['${instance.id}']`);
  await said(
    workloadmgr("workload-modify", id, "--jobschedule", "enabled=False", "--display-description", "shop"),
  );
  const taken = await said(
    workloadmgr("workload-snapshot", "web", "--full", "--display-name", "nightly", "-f", "json"),
  );
  assert.equal((JSON.parse(taken) as { snapshot_type: string }).snapshot_type, "full");
  await whenIdle(tree);
  const listed = await said(
    workloadmgr("snapshot-list", "--workload_id", "web", "-f", "value", "-c", "Name", "-c", "Status"),
  );
  assert.equal(listed, "nightly available");
  const refused = await workloadmgr("snapshot-oneclick-restore", "nightly");
  assert.deepEqual([refused.code, refused.out], [1, ""]);
  assert.match(
    refused.err,
    /^ERROR:workloadmgr:The instance served .* still exists\.\nHINT:workloadmgr:Delete /,
  );
  await said(workloadmgr("restore-security-groups", "nightly"));
  await whenIdle(tree);
  const restores = await said(workloadmgr("restore-list", "-f", "value", "-c", "Name", "-c", "Status"));
  assert.equal(restores, "Security Groups Restore available");
  const unknown = await workloadmgr("snapshot-show", "weekly");
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /^ERROR:workloadmgr:No snapshot with a name or ID of 'weekly' exists\.\n/);
});

void test("`openstack workload …` does the same with Debian's client", { timeout: STEP_MS }, async () => {
  const installed = installedPlugin();
  await mkdir(installed);
  const setup = ["-B", "setup.py", "-q", "egg_info", "--egg-base", installed];
  const packed = await run("/bin/sh", ["-c", 'cd "$0" && exec /usr/bin/python3 "$@"', PLUGIN, ...setup]);
  assert.equal(packed.code, 0, packed.err);
  const listed = JSON.parse(await said(openstack("workload", "list", "-f", "json"))) as Record<
    string,
    string
  >[];
  assert.deepEqual(
    listed.map((each) => [each["Name"], each["Status"]]),
    [["web", "available"]],
  );
  await said(openstack("workload", "snapshot", "create", "web", "--display-name", "second"));
  await whenIdle(tree);
  const second = await said(
    openstack("workload", "snapshot", "show", "second", "-f", "value", "-c", "status", "-c", "snapshot_type"),
  );
  assert.deepEqual(second.split("\n").toSorted(), ["available", "incremental"]);
});

/** Whether the workload's schedule is on, and its interval. */
async function scheduled(): Promise<unknown[]> {
  const { workloads } = await tree.api.listWorkloads({});
  const params = { workload_id: workloads[0]?.id ?? "" };
  const { jobschedule } = (await tree.api.showWorkload({ params })).workload;
  return [jobschedule["enabled"], jobschedule["interval"]];
}

void test("`openstack workload …` schedules a workload, and tells whether that can run", {
  timeout: STEP_MS,
}, async () => {
  const parts = ["enabled=True", "interval=6 hrs", "start_date=01/31/2040", "start_time=03:00 AM"];
  const words = parts.flatMap((part) => ["--jobschedule", part]);
  await said(openstack("workload", "modify", "web", ...words));
  assert.deepEqual(await scheduled(), [true, "6 hrs"]);
  assert.match(await said(openstack("workload", "scheduler", "trust", "validate", "web")), /is_valid\W+True/);
  await said(openstack("workload", "pause", "web"));
  assert.deepEqual(await scheduled(), [false, "6 hrs"]);
  await said(openstack("workload", "resume", "web"));
  assert.deepEqual(await scheduled(), [true, "6 hrs"]);
  await said(openstack("workload", "pause", "web"));
});

void test("`openstack workload …` restores what a file says, byte for byte, and removes snapshots", {
  timeout: STEP_MS,
}, async () => {
  const instances = [{ id: instance.id, include: true, name: "served-again" }];
  const openstackPart = { instances, restore_topology: false, networks_mapping: { networks: [] } };
  const options = { type: "openstack", restore_type: "selective", openstack: openstackPart };
  await writeFile(join(folder, "restore.json"), JSON.stringify(options));
  const of = ["workload", "snapshot", "selective-restore", "second", "--display-name", "back"];
  await said(openstack(...of, "--filename", "restore.json"));
  await whenIdle(tree);
  const back = await said(openstack("workload", "restore", "show", "back", "-f", "value", "-c", "status"));
  assert.equal(back, "available");
  const made = (await tree.cloud.nova.servers.list()).find(({ name }) => name === "served-again");
  const digests = [instance.id, made?.id ?? ""].map(async (id) => tree.embedded.sandbox.digest(id, "vda"));
  const [original, restored] = await Promise.all(digests);
  assert.deepEqual(restored, original);
  for (const name of ["second", "nightly"]) {
    await said(openstack("workload", "snapshot", "delete", name));
    await whenIdle(tree);
  }
  const refused = await openstack("workload", "snapshot", "show", "second");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^No snapshot with a name or ID of 'second' exists\./m);
});
