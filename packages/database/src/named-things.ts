import type { ProjectId, UserId } from "@cairn/kernel";
import type { Handle } from "./tables.ts";

/** The things of projects that have a name and belong to a user. */
export const NAMED_KINDS = ["workload", "snapshot", "restore"] as const;
export type NamedKind = (typeof NAMED_KINDS)[number];

/** What a thing is called, and whose it is. */
export interface NamedThing {
  readonly name: string;
  readonly userId: UserId;
  readonly projectId: ProjectId;
}

/** What a thing is called and whose it is, or `undefined` where there is none of this id. */
export async function findNamedThing(
  handle: Handle,
  { kind, id }: { readonly kind: NamedKind; readonly id: string },
): Promise<NamedThing | undefined> {
  const row = await handle
    .selectFrom(kind)
    .select(["name", "user_id", "project_id"])
    .where("id", "=", id as never)
    .executeTakeFirst();
  return row === undefined ? undefined : { name: row.name, userId: row.user_id, projectId: row.project_id };
}
