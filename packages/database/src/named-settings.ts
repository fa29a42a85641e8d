import { newId, type ProjectId, type UserId } from "@cairn/kernel";
import { sql } from "kysely";
import type { NamedSettingRow, SettingId } from "./notice-tables.ts";
import type { Page } from "./paging.ts";
import { type Handle, toJson } from "./tables.ts";

/** Which setting: a project's own of a name, or the public one. */
export interface SettingKey {
  readonly projectId: ProjectId;
  readonly name: string;
  readonly isPublic: boolean;
}

/** What is written of a setting; what is absent stays, or is empty in a new one. */
export interface SettingValues {
  readonly isHidden?: boolean | undefined;
  readonly category?: string | undefined;
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

export type StoredValue =
  | { readonly kind: "plain"; readonly value: string }
  /** Closed with the setting's own id, so that it opens nowhere else. */
  | { readonly kind: "sealed"; readonly seal: (id: SettingId) => string }
  | { readonly kind: "unchanged" };

function isKey(key: SettingKey) {
  return key.isPublic
    ? sql<boolean>`is_public and name = ${key.name}`
    : sql<boolean>`not is_public and project_id = ${key.projectId} and name = ${key.name}`;
}

export async function findNamedSetting(
  handle: Handle,
  key: SettingKey,
): Promise<NamedSettingRow | undefined> {
  return handle.selectFrom("named_setting").selectAll().where(isKey(key)).executeTakeFirst();
}

/** Holds off whoever else writes settings of this project, or public ones, until the transaction ends. */
export async function lockNamedSettings(transaction: Handle, scope: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`cairn settings ${scope}`}, 0))`.execute(
    transaction,
  );
}

/** Writes a setting, whether it is there or not. The caller has locked them. */
export async function saveNamedSetting(
  transaction: Handle,
  key: SettingKey & { readonly userId: UserId },
  written: SettingValues & { readonly stored: StoredValue },
): Promise<NamedSettingRow> {
  const found = await findNamedSetting(transaction, key);
  const id: SettingId = found?.id ?? newId();
  const { isHidden, metadata, category, type, description } = written;
  const changing = {
    ...valueColumns(written.stored, id),
    ...defined({ is_hidden: isHidden, category, type, description }),
    ...(metadata === undefined ? {} : { metadata: toJson(metadata) }),
    user_id: key.userId,
    updated_at: sql<Date>`now()`,
  };
  if (found !== undefined) {
    return transaction
      .updateTable("named_setting")
      .set(changing)
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirstOrThrow();
  }
  const empty = { value: null, sealed: null };
  return transaction
    .insertInto("named_setting")
    .values({ id, project_id: key.projectId, name: key.name, is_public: key.isPublic, ...empty, ...changing })
    .returningAll()
    .executeTakeFirstOrThrow();
}

function valueColumns(stored: StoredValue, id: SettingId) {
  switch (stored.kind) {
    case "plain":
      return { value: stored.value, sealed: null };
    case "sealed":
      return { value: null, sealed: stored.seal(id) };
    case "unchanged":
      return {};
  }
}

function defined<Columns extends Record<string, unknown>>(columns: Columns) {
  type Given = { [Name in keyof Columns]?: Exclude<Columns[Name], undefined> };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as Given;
}

/** A project's own settings and the public ones, in the order of their names. */
export async function listNamedSettings(
  handle: Handle,
  filter: { readonly projectId: ProjectId; readonly prefix?: string; readonly withHidden: boolean },
  page: Page = { limit: 1000 },
): Promise<NamedSettingRow[]> {
  let query = handle
    .selectFrom("named_setting")
    .selectAll()
    .where((eb) => eb.or([eb("is_public", "=", true), eb("project_id", "=", filter.projectId)]))
    .orderBy("name")
    .orderBy("is_public")
    .orderBy("id")
    .limit(page.limit);
  if (filter.prefix !== undefined) query = query.where(sql<boolean>`starts_with(name, ${filter.prefix})`);
  if (!filter.withHidden) query = query.where("is_hidden", "=", false);
  if (page.marker !== undefined) {
    query = query.where(
      sql<boolean>`(name, is_public, id) >
        (select m.name, m.is_public, m.id from named_setting m where m.id = ${page.marker})`,
    );
  }
  return query.execute();
}

/** How many settings a project has made, public ones included. */
export async function countNamedSettings(handle: Handle, projectId: ProjectId): Promise<number> {
  const row = await handle
    .selectFrom("named_setting")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("project_id", "=", projectId)
    .executeTakeFirstOrThrow();
  return row.count;
}

export async function removeNamedSetting(handle: Handle, id: SettingId): Promise<void> {
  await handle.deleteFrom("named_setting").where("id", "=", id).execute();
}
