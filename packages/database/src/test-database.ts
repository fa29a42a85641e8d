import { createHash, randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { loadMigrations, migrate } from "./migrate.ts";

/** A migrated database of its own for one test file. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** Ends what is still connected and drops the database. */
  drop(): Promise<void>;
}

/** What a test helper reads of the environment: `CAIRN_TEST_DATABASE_URL` and `CAIRN_PG_BIN`. */
type Environment = Readonly<Record<string, string | undefined>>;

const LOCK = 0x74_65_73_74;
let ownServer: Promise<EmbeddedPostgres> | undefined;

/**
 * Clones a migrated template on the server of `CAIRN_TEST_DATABASE_URL`, which the runner of a whole test run
 * starts once; without it, a server of this process is started, and ended when the process exits.
 */
export async function createTestDatabase(environment: Environment): Promise<TestDatabase> {
  const server = environment["CAIRN_TEST_DATABASE_URL"] ?? (await ownServerUrl(environment));
  const template = await templateName();
  const name = `cairn_test_${randomBytes(6).toString("hex")}`;
  await withClient(server, async (client) => {
    await client.query("select pg_advisory_lock($1)", [LOCK]);
    await ensureTemplate(client, server, template);
    await client.query(`create database ${name} template ${template}`);
  });
  const drop = async (): Promise<void> => {
    await withClient(server, async (client) => {
      await client.query(`drop database if exists ${name} with (force)`);
    });
  };
  return { url: onServer(server, name), drop, [Symbol.asyncDispose]: drop };
}

/** Runs a statement as somebody does whom no trigger holds up: the owner of the server. */
export async function pastTriggers(url: string, statement: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query("set session_replication_role = replica");
    await client.query(statement);
  });
}

async function ensureTemplate(client: Client, server: string, template: string): Promise<void> {
  const { rowCount } = await client.query("select from pg_database where datname = $1", [template]);
  if (rowCount !== 0) return;
  // Under another name until it is complete: a crash in between leaves no half template behind.
  const making = `${template}_making`;
  await client.query(`drop database if exists ${making} with (force)`);
  await client.query(`create database ${making}`);
  await migrate(onServer(server, making));
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()",
    [making],
  );
  await client.query(`alter database ${making} rename to ${template}`);
}

async function templateName(): Promise<string> {
  const hash = createHash("sha256");
  for (const migration of await loadMigrations()) hash.update(migration.sql);
  return `cairn_template_${hash.digest("hex").slice(0, 12)}`;
}

function onServer(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function ownServerUrl(environment: Environment): Promise<string> {
  ownServer ??= startOwnServer(environment);
  return (await ownServer).url;
}

async function startOwnServer(environment: Environment): Promise<EmbeddedPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "cairn-test-postgres-"));
  const binaries = environment["CAIRN_PG_BIN"];
  const server = await startEmbeddedPostgres({ directory, binaries, durable: false });
  const sockets = decodeURIComponent(new URL(server.url).host);
  // Nothing asynchronous happens any more on exit: the server gets its signal, and its files go.
  process.once("exit", () => {
    const pid = server.pid();
    if (pid !== undefined) endNow(pid);
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    rmSync(sockets, { recursive: true, force: true });
  });
  return server;
}

/** Immediate shutdown, and waits (blocking: the process is exiting) until the server no longer writes. */
function endNow(pid: number): void {
  process.kill(pid, "SIGQUIT");
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waits = 0; waits < 200 && isRunning(pid); waits += 1) Atomics.wait(pause, 0, 0, 10);
}

/**
 * A child that ended stays a zombie for as long as this process does not take notice, which it cannot here.
 */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    // No such process (any more).
    return false;
  }
}
