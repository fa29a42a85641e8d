import { sql } from "kysely";
import type { Handle } from "./tables.ts";

/** A hash of all rows of all tables, and of how many jobs there are: equal when nothing has changed. */
export async function fingerprintTables(handle: Handle, except: readonly string[] = []): Promise<string> {
  const names = (await tableNames(handle)).filter((name) => !except.includes(name));
  const hashes = names.map((name) => {
    const rows = sql`string_agg(each::text, ',' order by each::text)`;
    return sql`(select md5(coalesce(${rows}, '')) from ${sql.table(name)} each)`;
  });
  const found = await sql<{ hash: string }>`
    select concat_ws('-', (select count(*) from pgboss.job), ${sql.join(hashes)}) as hash
  `.execute(handle);
  return found.rows[0]?.hash ?? "";
}

/** Removes all rows of all tables but these. */
export async function emptyTables(handle: Handle, except: readonly string[] = []): Promise<void> {
  const names = (await tableNames(handle)).filter((name) => !except.includes(name));
  await sql`truncate ${sql.join(names.map((name) => sql.table(name)))} cascade`.execute(handle);
}

async function tableNames(handle: Handle): Promise<string[]> {
  const found = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'schema_version'
    order by table_name
  `.execute(handle);
  return found.rows.map((row) => row.name);
}

/** All rows of all tables as text, those of the job queue, too: bytes are hexadecimal. */
export async function dumpTables(handle: Handle): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ schema: string; name: string }>`
    select table_schema as schema, table_name as name from information_schema.tables
    where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'
  `.execute(handle);
  const dumped = new Map<string, string>();
  for (const { schema, name } of rows) {
    const found = await sql<{ text: string | null }>`
      select string_agg(each::text, ${"\n"}) as text from ${sql.table(`${schema}.${name}`)} each
    `.execute(handle);
    dumped.set(`${schema}.${name}`, found.rows[0]?.text ?? "");
  }
  return dumped;
}
