import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { type Database, openDatabase } from "./open.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase(process.env);
  database = openDatabase(place.url);
});

after(async () => {
  await database.close();
  await place.drop();
});

const TIMES = [
  ["2026-11-23 13:57:34.123456+00", "2026-11-23T13:57:34.123Z"],
  ["2026-11-23 13:57:34+00", "2026-11-23T13:57:34.000Z"],
  ["2026-11-23 13:57:34.5+00", "2026-11-23T13:57:34.500Z"],
  ["2026-01-31 00:00:00.057+00", "2026-01-31T00:00:00.057Z"],
  ["0099-02-03 04:05:06+00", "0099-02-03T04:05:06.000Z"],
  ["1970-01-01 00:00:00+00", "1970-01-01T00:00:00.000Z"],
  ["2026-07-01 02:00:00+02", "2026-07-01T00:00:00.000Z"],
] as const;

for (const zone of ["UTC", "Europe/Rome", "Asia/Kathmandu"]) {
  test(`a time is the same instant whichever zone the session has: ${zone}`, async () => {
    await database.transaction(async (transaction) => {
      await sql`select set_config('timezone', ${zone}, true)`.execute(transaction);
      for (const [written, meant] of TIMES) {
        const { rows } = await sql<{ at: Date }>`select ${written}::timestamptz as at`.execute(transaction);
        assert.equal(rows[0]?.at.toISOString(), meant);
      }
    });
  });
}

test("infinity stays what the driver makes of it", async () => {
  const { rows } = await sql<{ at: unknown }>`select 'infinity'::timestamptz as at`.execute(database.handle);
  assert.equal(rows[0]?.at, Number.POSITIVE_INFINITY);
});
