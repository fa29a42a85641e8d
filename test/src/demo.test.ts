import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { MiB } from "@cairn/kernel";
import { until } from "./tree.ts";

const PROGRAM = resolve(import.meta.dirname, "../../apps/embedded/src/main.ts");

interface Demo {
  readonly child: ChildProcess;
  readonly folder: string;
  story(): string;
  result(): string;
  readonly ended: Promise<number | null>;
}

async function startDemo(): Promise<Demo> {
  const folder = await mkdtemp("/var/tmp/cairn-");
  const child = spawn(process.execPath, [PROGRAM, "demo", "--json", "--dir", folder], { detached: true });
  const written = { story: "", result: "" };
  child.stderr.on("data", (part: Buffer) => (written.story += part.toString()));
  child.stdout.on("data", (part: Buffer) => (written.result += part.toString()));
  const ended = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
  return { child, folder, ended, story: () => written.story, result: () => written.result };
}

/** Processes that name the folder in command line or environment, as every part of the tree does. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    const [command, environment] = await Promise.all(
      ["cmdline", "environ"].map(async (name) => readFile(join("/proc", pid, name), "utf8").catch(() => "")),
    );
    if (command?.includes(folder) === true || environment?.includes(folder) === true) {
      found.push(`${pid} ${command?.replaceAll("\0", " ") ?? ""}`);
    }
  }
  return found;
}

interface Result {
  readonly ok: boolean;
  readonly instances: number;
  readonly disks: number;
  readonly snapshots: readonly {
    readonly type: string;
    readonly read_bytes: number;
    readonly stored_bytes: number;
  }[];
  readonly restores: readonly {
    readonly type: string;
    readonly identical: boolean;
    readonly disks: number;
  }[];
}

test("the demo protects, loses and brings back every disk, and leaves no process", async () => {
  const demo = await startDemo();
  try {
    assert.equal(await demo.ended, 0, demo.story());
    const result = JSON.parse(demo.result()) as Result;
    assert.equal(result.ok, true);
    assert.ok(result.instances >= 3);
    assert.deepEqual(
      result.restores.map(({ type, identical }) => [type, identical]),
      [
        ["oneclick", true],
        ["inplace", true],
        ["selective", true],
      ],
    );
    const [full, incremental, unchanged] = result.snapshots;
    assert.deepEqual(
      [full?.type, incremental?.type, unchanged?.type],
      ["full", "incremental", "incremental"],
    );
    assert.ok((incremental?.read_bytes ?? 0) < (full?.read_bytes ?? 0) / 3);
    assert.ok((unchanged?.stored_bytes ?? MiB) < MiB);
    assert.deepEqual(await processesOf(demo.folder), []);
  } finally {
    await rm(demo.folder, { recursive: true, force: true });
  }
});

const MOMENTS = ["starting engine", "--name first", "restore oneclick"];

for (const moment of MOMENTS) {
  test(`Ctrl-C of the demo at "${moment}" leaves nothing running`, async () => {
    const demo = await startDemo();
    try {
      await until(moment, 120_000, async () =>
        Promise.resolve(demo.story().includes(moment) ? true : undefined),
      );
      demo.child.kill("SIGINT");
      assert.equal(await demo.ended, 130, demo.story());
      assert.deepEqual(await processesOf(demo.folder), []);
    } finally {
      await rm(demo.folder, { recursive: true, force: true });
    }
  });
}

test("when the demo itself is killed, its programs stop by themselves", async () => {
  const demo = await startDemo();
  try {
    await until("all programs", 120_000, async () =>
      Promise.resolve(demo.story().includes("ready after") ? true : undefined),
    );
    demo.child.kill("SIGKILL");
    await demo.ended;
    const isProgram = (line: string): boolean => !line.includes("postgres");
    await until("the end of all programs", 20_000, async () =>
      (await processesOf(demo.folder)).some(isProgram) ? undefined : true,
    );
  } finally {
    await endDatabase(demo.folder);
    await rm(demo.folder, { recursive: true, force: true });
  }
});

/** PostgreSQL outlives its parent until the next start on its folder; here there is none. */
async function endDatabase(folder: string): Promise<void> {
  const lines = (await readFile(join(folder, "postgres/data/postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(lines[0]), "SIGQUIT");
  await until("the end of PostgreSQL", 20_000, async () =>
    (await processesOf(folder)).length === 0 ? true : undefined,
  );
  // Line 5 names the folder of its sockets (PostgreSQL's src/include/utils/pidfile.h).
  const sockets = lines[4];
  assert.match(sockets ?? "", /cairn-pg-/);
  await rm(sockets ?? "", { recursive: true, force: true });
}
