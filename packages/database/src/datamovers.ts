import { createHash, timingSafeEqual } from "node:crypto";
import type { HostName, Secret } from "@cairn/kernel";
import { sql } from "kysely";
import { type DatamoverRow, type Handle, toJson } from "./tables.ts";

/** Lets a host's datamover in by this token; a later token takes the place of the former. */
export async function registerDatamover(handle: Handle, host: HostName, token: Secret): Promise<void> {
  const changing = { token_sha256: digestOf(token), registered_at: sql<Date>`now()` };
  await handle
    .insertInto("datamover")
    .values({ host, version: null, seen_at: null, ...changing })
    .onConflict((conflict) => conflict.column("host").doUpdateSet(changing))
    .execute();
}

/** The host that a token stands for. Looked up by digest, compared in constant time. */
export async function findHostOfToken(handle: Handle, token: Secret): Promise<HostName | undefined> {
  const digest = digestOf(token);
  const row = await handle
    .selectFrom("datamover")
    .select(["host", "token_sha256"])
    .where("token_sha256", "=", digest)
    .executeTakeFirst();
  return row !== undefined && timingSafeEqual(row.token_sha256, digest) ? row.host : undefined;
}

function digestOf(token: Secret): Buffer {
  return createHash("sha256").update(token.reveal()).digest();
}

/** Notes that a host's datamover is there; with what it said of itself, when it did. */
export async function touchDatamover(
  handle: Handle,
  host: HostName,
  said?: {
    readonly version: string;
    readonly capabilities: readonly string[];
    readonly connector?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await handle
    .updateTable("datamover")
    .set({
      seen_at: sql<Date>`now()`,
      ...(said === undefined
        ? {}
        : {
            version: said.version,
            capabilities: toJson(said.capabilities),
            connector: said.connector === undefined ? null : toJson(said.connector),
          }),
    })
    .where("host", "=", host)
    .execute();
}

export type DatamoverPresence =
  | { readonly kind: "present" }
  /** `seenMs`: how long ago; absent when never. */
  | { readonly kind: "away"; readonly seenMs?: number }
  | { readonly kind: "unknown" };

/** Whether a host's datamover was seen within `withinMs`. */
export async function datamoverPresence(
  handle: Handle,
  host: HostName,
  withinMs: number,
): Promise<DatamoverPresence> {
  const row = await handle
    .selectFrom("datamover")
    .select(sql<number | null>`(extract(epoch from now() - seen_at) * 1000)::bigint`.as("age"))
    .where("host", "=", host)
    .executeTakeFirst();
  if (row === undefined) return { kind: "unknown" };
  if (row.age === null) return { kind: "away" };
  return row.age <= withinMs ? { kind: "present" } : { kind: "away", seenMs: row.age };
}

/** What is known of a host's datamover. */
export async function findDatamover(handle: Handle, host: HostName): Promise<DatamoverRow | undefined> {
  return handle.selectFrom("datamover").selectAll().where("host", "=", host).executeTakeFirst();
}

/** All registered datamovers. */
export async function listDatamovers(handle: Handle): Promise<DatamoverRow[]> {
  return handle.selectFrom("datamover").selectAll().orderBy("host").execute();
}
