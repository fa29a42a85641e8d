import { sql } from "kysely";
import { type Handle, toJson } from "./tables.ts";

/** The switches of the whole installation, and how they are as long as nobody has touched them. */
const DEFAULTS = { global_job_scheduler: true } as const;
export type SettingName = keyof typeof DEFAULTS;

/** How a switch is as long as nobody has touched it. */
export function switchDefault(name: SettingName): boolean {
  return DEFAULTS[name];
}

/** Whether a switch is on. */
export async function isSwitchedOn(handle: Handle, name: SettingName): Promise<boolean> {
  const row = await handle.selectFrom("setting").select("value").where("name", "=", name).executeTakeFirst();
  return row === undefined ? DEFAULTS[name] : row.value === true;
}

/** Turns a switch, and notes who did. */
export async function turnSwitch(
  handle: Handle,
  turned: { readonly name: SettingName; readonly isOn: boolean; readonly by: string },
): Promise<void> {
  await saveSetting(handle, { name: turned.name, value: turned.isOn, by: turned.by });
}

/** How many days of the audit log are kept; all that there is unless somebody has said so. */
const AUDIT_KEEP_DAYS = "audit_keep_days";

/** How many days of the audit log are kept; null: nothing is ever removed. */
export async function auditKeepDays(handle: Handle): Promise<number | null> {
  const row = await handle
    .selectFrom("setting")
    .select("value")
    .where("name", "=", AUDIT_KEEP_DAYS)
    .executeTakeFirst();
  return typeof row?.value === "number" ? row.value : null;
}

/** Sets how many days of the audit log are kept; null: nothing is removed any more. */
export async function saveAuditKeepDays(
  handle: Handle,
  saved: { readonly days: number | null; readonly by: string },
): Promise<void> {
  await saveSetting(handle, { name: AUDIT_KEEP_DAYS, value: saved.days, by: saved.by });
}

async function saveSetting(
  handle: Handle,
  saved: { readonly name: string; readonly value: boolean | number | null; readonly by: string },
): Promise<void> {
  const changing = { value: toJson(saved.value), changed_by: saved.by, changed_at: sql<Date>`now()` };
  await handle
    .insertInto("setting")
    .values({ name: saved.name, ...changing })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(changing))
    .execute();
}
