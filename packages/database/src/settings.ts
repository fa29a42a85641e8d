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
  const changing = {
    value: toJson(turned.isOn),
    changed_by: turned.by,
    changed_at: sql<Date>`now()`,
  };
  await handle
    .insertInto("setting")
    .values({ name: turned.name, ...changing })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(changing))
    .execute();
}
