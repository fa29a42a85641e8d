import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { hasCode, systemClock } from "@cairn/kernel";
import { Client } from "pg";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { findBundledPostgres, findPostgresBinaries } from "./postgres-binaries.ts";

let directory: string;

beforeEach(async () => {
  // mkdtemp makes it private to us: as root, the server's account could not enter it by itself.
  directory = await mkdtemp(join(tmpdir(), "cairn-embedded-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: unknown }>(sql);
    return rows[0]?.answer;
  } finally {
    await client.end();
  }
}

async function untilAnswered(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const refused = await ask(url, "select 1 as answer").then(
      () => false,
      () => true,
    );
    if (!refused) return;
    await systemClock.sleep(50);
  }
  throw new Error("the server does not answer");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a server forces commits to disk, listens on its socket only, leaves only its data", async () => {
  const server = await startEmbeddedPostgres({ directory });
  assert.equal(await ask(server.url, "select current_setting('fsync') as answer"), "on");
  assert.equal(await ask(server.url, "select current_setting('listen_addresses') as answer"), "");
  const sockets = decodeURIComponent(new URL(server.url).host);
  assert.equal((await stat(sockets)).mode & 0o777, 0o700);
  const pid = server.pid();
  assert.ok(pid !== undefined);
  await server.stop();
  await server.stop();
  assert.equal(isAlive(pid), false);
  await assert.rejects(stat(sockets), (cause) => hasCode(cause, "ENOENT"));
  assert.deepEqual((await readdir(directory)).sort(), ["data", "server.log"]);
});

test("what was committed is there after the server was killed, at the same address", async () => {
  const faults: Error[] = [];
  await using server = await startEmbeddedPostgres({ directory, onFault: (fault) => faults.push(fault) });
  await ask(server.url, "create table kept (n integer)");
  await ask(server.url, "insert into kept values (42)");
  const before = server.pid();
  assert.ok(before !== undefined);
  process.kill(before, "SIGKILL");
  while (server.pid() === before) await systemClock.sleep(20);
  await untilAnswered(server.url);
  assert.equal(await ask(server.url, "select n as answer from kept"), 42);
  assert.ok(hasCode(faults[0], "postgres-died"));
});

test("a directory is started again after it was stopped, with its data", async () => {
  const first = await startEmbeddedPostgres({ directory });
  await ask(first.url, "create table kept as select 7 as n");
  await first.stop();
  await using second = await startEmbeddedPostgres({ directory });
  assert.equal(second.url, first.url);
  assert.equal(await ask(second.url, "select n as answer from kept"), 7);
});

/** A process that starts a server on the directory and never stops it. */
function spawnOwner(): ReturnType<typeof spawn> {
  const index = new URL("embedded-postgres.ts", import.meta.url).href;
  const code = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(index)});
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} });
    console.log(server.pid());
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("a server whose owner was killed is ended by the next, one whose owner lives is refused", async () => {
  const owner = spawnOwner();
  assert.ok(owner.stdout !== null);
  const [said] = await once(owner.stdout, "data");
  const orphan = Number(String(said));
  await assert.rejects(startEmbeddedPostgres({ directory }), (cause) => hasCode(cause, "postgres-in-use"));
  const ended = once(owner, "exit");
  owner.kill("SIGKILL");
  await ended;
  assert.match(await readFile(join(directory, "data", "postmaster.pid"), "utf8"), new RegExp(`^${orphan}\n`));
  await using server = await startEmbeddedPostgres({ directory });
  assert.notEqual(server.pid(), orphan);
  assert.equal(await ask(server.url, "select 1 as answer"), 1);
});

test("a long path to the directory does not make the socket's path too long", async () => {
  const deep = join(directory, ...Array.from({ length: 4 }, () => "x".repeat(50)));
  await mkdir(deep, { recursive: true });
  await using server = await startEmbeddedPostgres({ directory: deep, durable: false });
  assert.equal(await ask(server.url, "select 1 as answer"), 1);
});

test("the PostgreSQL of our packages works where the system has none", async () => {
  const binaries = await findBundledPostgres();
  assert.ok(binaries !== undefined);
  await using server = await startEmbeddedPostgres({ directory, binaries, durable: false });
  assert.match(String(await ask(server.url, "select version() as answer")), /PostgreSQL 18/);
});

test("PostgreSQL works from below a folder that only its owner may enter", async () => {
  const bundled = await findBundledPostgres();
  assert.ok(bundled !== undefined);
  const secluded = join(directory, "private", "native");
  await cp(dirname(bundled), secluded, { recursive: true, verbatimSymlinks: true });
  await chmod(join(directory, "private"), 0o700);
  const server = { directory: join(directory, "server"), binaries: join(secluded, "bin"), durable: false };
  await using postgres = await startEmbeddedPostgres(server);
  assert.match(String(await ask(postgres.url, "select version() as answer")), /PostgreSQL 18/);
});

test("a folder without PostgreSQL is refused by name", async () => {
  await assert.rejects(findPostgresBinaries(directory), (cause) => {
    assert.ok(cause instanceof Error);
    assert.match(cause.message, new RegExp(directory));
    return hasCode(cause, "postgres-missing");
  });
});
