import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Fault, systemClock, TiB } from "@cairn/kernel";
import { startStorageDaemon } from "../storage-daemon/daemon.ts";
import { killOrphans } from "../storage-daemon/orphans.ts";
import { findProcess, isRunning } from "./process-identity.ts";
import { Scratch, socketPath } from "./scratch.ts";
import { claimFolder, isListenedOn } from "./unix-socket.ts";

const never = new AbortController().signal;

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "cairn-host-"));
  return { path, [Symbol.asyncDispose]: async () => rm(path, { recursive: true }) };
}

void test("a process is known by its start time too, and a dead one or a zombie is none", async () => {
  const child = spawn("sleep", ["60"]);
  const exited = new Promise((resolve) => child.on("exit", resolve));
  const identity = await findProcess(child.pid ?? 0);
  assert.ok(identity !== undefined);
  assert.ok(await isRunning(identity));
  assert.equal(await isRunning({ ...identity, startTicks: "1" }), false);
  child.kill("SIGKILL");
  await exited;
  assert.equal(await isRunning(identity), false);
});

void test("orphaned storage daemons of this scratch folder are killed, others are not", async () => {
  await using ours = await folder();
  await using others = await folder();
  await using orphan = await startStorageDaemon(ours.path, systemClock, never);
  // The mark is the whole folder: its neighbour with the same beginning is somebody else's.
  const neighbour = `${ours.path}-2`;
  await mkdir(neighbour);
  await using near = await startStorageDaemon(neighbour, systemClock, never);
  await using other = await startStorageDaemon(others.path, systemClock, never);
  assert.equal(await killOrphans(ours.path, systemClock, never), 1);
  assert.ok((await orphan.qmp.closed).code.startsWith("qmp-"));
  for (const daemon of [near, other]) await daemon.qmp.execute("query-version");
  await near.stop();
  await rm(neighbour, { recursive: true });
});

void test("a storage daemon that cannot start says why", async () => {
  await using place = await folder();
  const absent = join(place.path, "absent");
  await assert.rejects(
    startStorageDaemon(absent, systemClock, never),
    (cause: Fault) => cause.code === "storage-daemon-failed" && /No such file/.test(String(cause.cause)),
  );
});

void test("a storage daemon that greets nobody gives way to another one", async () => {
  await using place = await folder();
  const path = process.env["PATH"] ?? "";
  // The first takes whoever connects, and says nothing; all others are QEMU's.
  const silent = `require("node:net").createServer(() => {}).listen(process.argv[1], () =>
    require("node:fs").writeFileSync(process.argv[2], "1"));`;
  const monitor = join(place.path, "qmp.sock");
  const program = join(place.path, "qemu-storage-daemon");
  const was = join(place.path, "was");
  await writeFile(
    program,
    `#!/bin/sh
if [ ! -e "${was}" ]; then
  touch "${was}"
  exec "${process.execPath}" -e '${silent}' "${monitor}" "${join(place.path, "pid")}"
fi
PATH="${path}" exec qemu-storage-daemon "$@"
`,
    { mode: 0o755 },
  );
  process.env["PATH"] = `${place.path}:${path}`;
  try {
    await using daemon = await startStorageDaemon(place.path, systemClock, never);
    await daemon.qmp.execute("query-version");
    assert.ok((await stat(was)).isFile());
  } finally {
    process.env["PATH"] = path;
  }
});

void test("scratch space refuses what could fill it", async () => {
  await using place = await folder();
  const roomy = new Scratch(place.path, { percent: 20, reserveBytes: 0 });
  await roomy.admit(1000);
  await assert.rejects(roomy.admit(10_000 * TiB), (cause: Fault) => cause.retry === "after-operator");
  assert.throws(() => socketPath("/a".repeat(60), "nbd.sock"), /at most 107/);
});

void test("scratch space lists our folders only; a slash at its end changes nothing", async () => {
  await using place = await folder();
  const scratch = new Scratch(`${place.path}/`, { percent: 0, reserveBytes: 0 });
  assert.equal(scratch.path, place.path, "the mark of orphans");
  await scratch.open("p-11111111-22222222");
  await scratch.open("w-33333333");
  await mkdir(join(place.path, "photos"));
  await writeFile(join(place.path, "p-file"), "");
  for (const name of await scratch.list(/^[pw]-/)) await scratch.remove(name);
  assert.deepEqual(new Set(await readdir(place.path)), new Set(["photos", "p-file"]));
});

void test("a scratch folder that cannot be used is the operator's to mend", async () => {
  await using place = await folder();
  await writeFile(join(place.path, "file"), "");
  const nowhere = new Scratch(join(place.path, "file", "scratch"), { percent: 0, reserveBytes: 0 });
  const works = [
    async () => nowhere.prepare(),
    async () => nowhere.open("p-1-2"),
    async () => nowhere.list(/^p-/),
    async () => nowhere.admit(1),
  ];
  for (const work of works) {
    await assert.rejects(
      work,
      (cause: Fault) => cause.code === "scratch-unusable" && cause.retry === "after-operator",
    );
  }
});

void test("a folder has one datamover at a time, and a dead one's socket does not matter", async () => {
  await using place = await folder();
  const socket = join(place.path, "datamover.sock");
  {
    await using _claim = await claimFolder(socket);
    await assert.rejects(claimFolder(socket), (cause: Fault) => cause.code === "already-running");
  }
  const words = [
    "-e",
    `require("net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9))`,
  ];
  const dead = spawn(process.execPath, words);
  await new Promise((resolve) => dead.on("exit", resolve));
  await using _claim = await claimFolder(socket);
});

void test("whether somebody listens on a socket is found out without connecting to it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-us-"));
  try {
    const path = join(folder, "s.sock");
    let guests = 0;
    const server = createServer(() => {
      guests += 1;
    });
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    assert.equal(await isListenedOn(path), true);
    assert.equal(await isListenedOn(`${path}2`), false);
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    assert.equal(await isListenedOn(path), false);
    assert.equal(guests, 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
