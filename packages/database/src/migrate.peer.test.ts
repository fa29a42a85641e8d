import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "@cairn/kernel";
import { Client } from "pg";
import { loadMigrations, migrate } from "./migrate.ts";
import { createTestDatabase } from "./test-database.ts";

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const first = { version: 1, sql: "create table a (n integer)" };
const second = { version: 2, sql: "create table b (n integer)" };

async function emptied(url: string): Promise<void> {
  await ask(url, "drop schema public cascade; drop schema pgboss cascade; create schema public");
}

test("migrations are applied once and in order, however many programs start at once", async () => {
  await using place = await createTestDatabase(process.env);
  await emptied(place.url);
  await Promise.all(Array.from({ length: 4 }, () => migrate(place.url, [first, second])));
  const applied = await ask<{ version: number }>(place.url, "select version from schema_version order by 1");
  assert.deepEqual(
    applied.map((row) => row.version),
    [1, 2],
  );
});

test("a later release goes on where the earlier one stopped", async () => {
  await using place = await createTestDatabase(process.env);
  await emptied(place.url);
  await migrate(place.url, [first]);
  await migrate(place.url, [first, second]);
  await ask(place.url, "select n from b");
});

test("a database of a newer release is refused", async () => {
  await using place = await createTestDatabase(process.env);
  await ask(place.url, "insert into schema_version (version) values (999)");
  await assert.rejects(migrate(place.url), (cause) => hasCode(cause, "database-newer"));
});

test("a migration that fails leaves nothing of itself", async () => {
  await using place = await createTestDatabase(process.env);
  await emptied(place.url);
  const broken = { version: 2, sql: "create table half (n integer); select nonsense" };
  await assert.rejects(migrate(place.url, [first, broken]), (cause) => hasCode(cause, "migration-failed"));
  const tables = await ask(place.url, "select from pg_tables where tablename = 'half'");
  assert.equal(tables.length, 0);
  await migrate(place.url, [first, second]);
});

test("a server that is not there is a fault that may pass", async () => {
  const nowhere = "postgres://cairn@127.0.0.1:1/cairn";
  await assert.rejects(migrate(nowhere), (cause) => hasCode(cause, "database-away"));
});

test("the migrations of this release have no gap", async () => {
  const versions = (await loadMigrations()).map((migration) => migration.version);
  assert.deepEqual(
    versions,
    versions.map((_, index) => index + 1),
  );
});
