import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Fault, systemClock } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "./client.ts";
import { isRefusal, QmpProtocolFault, type QmpRefusal } from "./faults.ts";

interface Peer extends AsyncDisposable {
  readonly path: string;
  kill(): Promise<void>;
}

const daemon = (path: string): string[] => [
  "--chardev",
  `socket,id=m,path=${path},server=on,wait=off`,
  "--monitor",
  "m",
];
const machine = (path: string): string[] => [
  ..."-machine none -nodefaults -display none -S".split(" "),
  "-qmp",
  `unix:${path},server=on,wait=off`,
];
const PROGRAMS = { "qemu-storage-daemon": daemon, "qemu-system-x86_64": machine } as const;

async function start(program: keyof typeof PROGRAMS): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-qmp-"));
  const path = join(folder, "qmp.sock");
  const pidFile = join(folder, "pid");
  const child = spawn(program, [...PROGRAMS[program](path), "--pidfile", pidFile], { stdio: "ignore" });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  // The daemon writes the file after its monitor is there: a client that comes before that can be refused.
  const isThere = (): boolean => program === "qemu-system-x86_64" || existsSync(pidFile);
  while (!(isThere() && (await listens(path)))) {
    assert.equal(child.exitCode, null, `${program} runs`);
    await systemClock.sleep(5);
  }
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    path,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

/** A socket's file is there a moment before anybody listens on it. */
async function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

const isLost = (cause: Fault): boolean => cause.code === "qmp-lost";

for (const program of ["qemu-storage-daemon", "qemu-system-x86_64"] as const) {
  void test(`${program} answers side by side, refuses with class and reason, tells events`, async () => {
    await using peer = await start(program);
    using qmp = await connectQmp({ path: peer.path, timeoutMs: 5000 });
    assert.match(qmp.version, /^\d+\.\d+\.\d+$/);
    const add = { driver: "null-co", "node-name": "n", size: 1 << 20 };
    await qmp.execute("blockdev-add", add);
    const [nodes, version] = await Promise.all([
      qmp.execute("query-named-block-nodes", { flat: true }),
      qmp.execute("query-version"),
    ]);
    assert.equal((nodes as unknown[]).length, 1);
    assert.ok(typeof version === "object");
    await assert.rejects(qmp.execute("blockdev-add", add), (cause: QmpRefusal) => {
      assert.equal(cause.command, "blockdev-add");
      assert.equal(cause.qmpClass, "GenericError");
      return isRefusal(cause, /duplicate/i) && !isRefusal(cause, /lock/);
    });
    await qmp.execute("blockdev-add", { ...add, "node-name": "m" });
    const seen: string[] = [];
    const stop = new AbortController();
    const listening = collect(qmp, seen, stop.signal);
    const gone = qmp.waitFor("JOB_STATUS_CHANGE", ({ data }) => data["status"] === "null");
    await qmp.execute("blockdev-backup", { "job-id": "j", device: "n", target: "m", sync: "full" });
    assert.equal((await gone).data["id"], "j");
    stop.abort(new Error("enough"));
    await listening;
    assert.ok(seen.includes("JOB_STATUS_CHANGE") && seen.includes("BLOCK_JOB_COMPLETED"), seen.join());
  });
}

async function collect(qmp: QmpClient, seen: string[], signal: AbortSignal): Promise<void> {
  try {
    for await (const event of qmp.events(signal)) seen.push(event.name);
  } catch (cause) {
    assert.match(String(cause), /enough/);
  }
}

void test("a line of the human monitor gives its output", async () => {
  await using peer = await start("qemu-system-x86_64");
  using qmp = await connectQmp({ path: peer.path, timeoutMs: 5000 });
  assert.match(await qmp.executeHmp("info version"), /^\d+\.\d+/);
});

void test("the death of QEMU ends waiting commands, events and later calls with qmp-lost", async () => {
  await using peer = await start("qemu-system-x86_64");
  using qmp = await connectQmp({ path: peer.path, timeoutMs: 5000 });
  const event = qmp.waitFor("NEVER", () => true);
  const unawaited = qmp.waitFor("NEVER", () => true);
  await peer.kill();
  await assert.rejects(event, isLost);
  assert.ok(isLost(await qmp.closed));
  await assert.rejects(qmp.execute("query-status"), isLost);
  await assert.rejects(
    qmp.waitFor("NEVER", () => true),
    isLost,
  );
  void unawaited;
});

void test("a second client waits for its greeting and gives up after its time", async () => {
  await using peer = await start("qemu-storage-daemon");
  using first = await connectQmp({ path: peer.path, timeoutMs: 5000 });
  await assert.rejects(
    connectQmp({ path: peer.path, timeoutMs: 100 }),
    (cause: Fault) => cause.code === "qmp-unreachable",
  );
  await first.execute("query-version");
});

void test("a socket that is not there, and a cancelled connect, fail at once", async () => {
  await assert.rejects(
    connectQmp({ path: "/nonexistent/qmp.sock", timeoutMs: 100 }),
    (cause: Fault) => cause.code === "qmp-unreachable",
  );
  const signal = AbortSignal.abort(new Error("not needed"));
  await assert.rejects(connectQmp({ path: "/nonexistent/qmp.sock", timeoutMs: 100, signal }), /not needed/);
});

void test("a monitor that hangs up before it greets is asked again, five times at most", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-qmp-"));
  const path = join(folder, "qmp.sock");
  let hangUps = 4;
  let met = 0;
  const server = createServer((socket) => {
    met += 1;
    if (met <= hangUps) socket.destroy();
    else {
      socket.write('{"QMP":{"version":{"qemu":{"major":9,"minor":0,"micro":0}},"capabilities":[]}}\r\n');
      socket.on("data", () => socket.write('{"return":{},"id":1}\n'));
    }
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  try {
    const qmp = await connectQmp({ path, timeoutMs: 2000 });
    qmp.close();
    assert.equal(met, 5);
    hangUps = Number.POSITIVE_INFINITY;
    await assert.rejects(
      connectQmp({ path, timeoutMs: 2000 }),
      (cause: Fault) => cause.code === "qmp-unreachable",
    );
    assert.equal(met, 10);
  } finally {
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    await rm(folder, { recursive: true });
  }
});

interface Scripted extends AsyncDisposable {
  readonly qmp: QmpClient;
}

/** A monitor that greets well and then answers each line as the script says. */
async function scripted(
  answer: (line: { execute: string; id: number }, socket: Socket) => void,
): Promise<Scripted> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-qmp-"));
  const path = join(folder, "qmp.sock");
  const server: Server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write('{"QMP":{"version":{"qemu":{"major":9,"minor":0,"micro":0}},"capabilities":[]}}\r\n');
    socket.on("data", (bytes) => {
      for (const text of bytes
        .toString()
        .split("\n")
        .filter((line) => line !== "")) {
        const line = JSON.parse(text) as { execute: string; id: number };
        if (line.execute === "qmp_capabilities") socket.write(`{"return":{},"id":${line.id}}\n`);
        else answer(line, socket);
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  const qmp = await connectQmp({ path, timeoutMs: 2000 });
  return {
    qmp,
    [Symbol.asyncDispose]: async () => {
      qmp.close();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

void test("a command is given up after its time or by its signal, and a late answer is ignored", async () => {
  const late: (() => void)[] = [];
  await using peer = await scripted(({ id, execute }, socket) => {
    const reply = (): unknown => socket.write(`{"return":"${execute}","id":${id}}\n`);
    if (execute === "slow") late.push(reply);
    else for (const each of [...late, reply]) each();
  });
  await assert.rejects(
    peer.qmp.execute("slow", {}, { timeoutMs: 50 }),
    (cause: Fault) => cause.code === "qmp-timeout",
  );
  const cancel = new AbortController();
  const cancelled = peer.qmp.execute("slow", {}, { signal: cancel.signal });
  cancel.abort(new Error("not needed"));
  await assert.rejects(cancelled, /not needed/);
  assert.equal(await peer.qmp.execute("quick"), "quick");
});

void test("bytes that are not QMP end the connection with a protocol fault", async () => {
  await using peer = await scripted((_, socket) => socket.write("HTTP/1.1 400 Bad Request\r\n"));
  await assert.rejects(peer.qmp.execute("query-status"), isLost);
  assert.ok((await peer.qmp.closed) instanceof QmpProtocolFault);
});
