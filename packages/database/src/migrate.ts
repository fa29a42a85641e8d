import { readdir, readFile } from "node:fs/promises";
import { assert, Fault } from "@cairn/kernel";
import { Client } from "pg";
import { PgBoss } from "pg-boss";
import { RUN_QUEUE, runQueueOptions } from "./jobs.ts";

/** Any number that nobody else locks: the letters "cairn". */
const MIGRATION_LOCK = 0x63_61_69_72_6e;
const MIGRATIONS = new URL("../migrations/", import.meta.url);
const QUEUE_ATTEMPTS_MAX = 5;

/** One numbered step forward of the schema. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** The migrations of this release, in order, without a gap. */
export async function loadMigrations(folder: URL = MIGRATIONS): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name, index) => {
      assert(Number(name.slice(0, 4)) === index + 1, `migration ${name} is not number ${index + 1}`);
      return { version: index + 1, sql: await readFile(new URL(name, folder), "utf8") };
    }),
  );
}

/**
 * Brings a database to the schema of this release: our tables, then pg-boss's and the queue. Programs that
 * start at once wait for each other on an advisory lock. A database of a newer release is a Fault: going back
 * would lose what the newer one wrote. Each migration and the note that it was applied are one transaction.
 */
export async function migrate(url: string, migrations?: readonly Migration[]): Promise<void> {
  const wanted = migrations ?? (await loadMigrations());
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await connect(client);
  try {
    // Held by the session: it ends with the connection, however this process ends.
    await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await applyAll(client, wanted);
    await prepareQueue(url);
  } finally {
    await client.end();
  }
}

async function connect(client: Client): Promise<void> {
  // An idle connection that breaks must not end the process; the next statement reports it.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    throw new Fault("database-away", "connecting to the database", "later", cause);
  }
}

async function applyAll(client: Client, wanted: readonly Migration[]): Promise<void> {
  await client.query(
    `create table if not exists schema_version
      (version integer primary key, applied_at timestamptz not null default now())`,
  );
  const { rows } = await client.query<{ version: number }>(
    "select coalesce(max(version), 0) as version from schema_version",
  );
  const present = rows[0]?.version ?? 0;
  const newest = wanted.length;
  if (present > newest) {
    throw new Fault(
      "database-newer",
      `the database has schema ${present}, this release knows schemas up to ${newest}: start a newer release`,
      "after-operator",
    );
  }
  for (const migration of wanted.slice(present)) await apply(client, migration);
}

async function apply(client: Client, migration: Migration): Promise<void> {
  await client.query("begin");
  try {
    await client.query(migration.sql);
    await client.query("insert into schema_version (version) values ($1)", [migration.version]);
    await client.query("commit");
  } catch (cause) {
    await client.query("rollback");
    throw new Fault("migration-failed", `applying migration ${migration.version}`, "after-operator", cause);
  }
}

/** pg-boss migrates its own schema; under our lock, so that two programs do not meet in it. */
async function prepareQueue(url: string): Promise<void> {
  const boss = new PgBoss({ connectionString: url, max: 2, supervise: false, schedule: false });
  const faults: Error[] = [];
  boss.on("error", (fault) => faults.push(fault));
  try {
    await boss.start({ attempts: QUEUE_ATTEMPTS_MAX });
    if ((await boss.getQueue(RUN_QUEUE)) === null) await boss.createQueue(RUN_QUEUE, runQueueOptions);
  } catch (cause) {
    throw new Fault("migration-failed", "preparing the queue", "after-operator", faults[0] ?? cause);
  } finally {
    await boss.stop({ graceful: false });
  }
}
