import type { HostName } from "@cairn/kernel";
import { sql } from "kysely";
import type { DisabledServiceRow, NodeService } from "./node-tables.ts";
import type { Handle } from "./tables.ts";

/** An engine, as it says of itself. */
export interface EngineSays {
  readonly name: string;
  readonly host: HostName;
  readonly version: string;
  readonly address: string;
}

/** An engine that was not seen for so long does not count as one that could take work. */
const GONE_MS = 5 * 60_000;
/** A row of an engine that died is kept for people for so long. */
const FORGET_MS = 24 * 60 * 60_000;

/** Notes that an engine is there, and tells whether its node may take new work. */
export async function touchEngine(
  handle: Handle,
  says: EngineSays,
): Promise<{ readonly isDisabled: boolean }> {
  await handle
    .insertInto("engine")
    .values(says)
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ ...says, seen_at: sql<Date>`now()` }))
    .execute();
  const row = await handle
    .selectFrom("disabled_service")
    .select("host")
    .where("host", "=", says.host)
    .where("service", "=", "engine")
    .executeTakeFirst();
  return { isDisabled: row !== undefined };
}

/** An engine that stops is not there any more; rows of those that died long ago go with it. */
export async function removeEngine(handle: Handle, name: string): Promise<void> {
  await handle
    .deleteFrom("engine")
    .where((eb) =>
      eb.or([
        eb("name", "=", name),
        eb("seen_at", "<", sql<Date>`now() - ${FORGET_MS} * interval '1 millisecond'`),
      ]),
    )
    .execute();
}

/** A service of a node. */
export interface NodeRow {
  readonly service: NodeService;
  /** Of an engine, its process; of a datamover, its host. */
  readonly name: string;
  readonly host: HostName;
  readonly version: string | null;
  readonly address: string;
  readonly startedAt: Date | null;
  readonly seenAt: Date | null;
  /** How long ago; null: never. */
  readonly seenMs: number | null;
  readonly disabled: DisabledServiceRow | undefined;
}

const AGE = sql<number | null>`(extract(epoch from now() - seen_at) * 1000)::bigint`;

/** The services of all nodes: engines, then datamovers, each by host. */
export async function listNodes(handle: Handle): Promise<NodeRow[]> {
  const disabled = await listDisabled(handle);
  const isOff = (host: string, service: NodeService): DisabledServiceRow | undefined =>
    disabled.find((each) => each.host === host && each.service === service);
  const engines = await handle
    .selectFrom("engine")
    .selectAll()
    .select(AGE.as("age"))
    .orderBy("host")
    .orderBy("name")
    .execute();
  const datamovers = await handle
    .selectFrom("datamover")
    .selectAll()
    .select(AGE.as("age"))
    .orderBy("host")
    .execute();
  return [
    ...engines.map((row) => ({
      service: "engine" as const,
      name: row.name,
      host: row.host,
      version: row.version,
      address: row.address,
      startedAt: row.started_at,
      seenAt: row.seen_at,
      seenMs: row.age,
      disabled: isOff(row.host, "engine"),
    })),
    ...datamovers.map((row) => ({
      service: "datamover" as const,
      name: row.host,
      host: row.host,
      version: row.version,
      address: typeof row.connector?.["ip"] === "string" ? row.connector["ip"] : "",
      startedAt: row.registered_at,
      seenAt: row.seen_at,
      seenMs: row.age,
      disabled: isOff(row.host, "datamover"),
    })),
  ];
}

/** What is out of service. */
export async function listDisabled(handle: Handle): Promise<DisabledServiceRow[]> {
  return handle.selectFrom("disabled_service").selectAll().orderBy("host").orderBy("service").execute();
}

/** A service of a node, and whether it shall take new work. */
export interface ServiceSwitch {
  readonly host: HostName;
  readonly service: NodeService;
  readonly isDisabled: boolean;
  readonly reason: string;
  readonly by: string;
}

/** Takes a service out, or lets it in again. */
export async function switchService(handle: Handle, wanted: ServiceSwitch): Promise<void> {
  const { host, service, reason, by } = wanted;
  if (!wanted.isDisabled) {
    await handle
      .deleteFrom("disabled_service")
      .where("host", "=", host)
      .where("service", "=", service)
      .execute();
    return;
  }
  const changing = { reason, by_user: by, at: sql<Date>`now()` };
  await handle
    .insertInto("disabled_service")
    .values({ host, service, ...changing })
    .onConflict((conflict) => conflict.columns(["host", "service"]).doUpdateSet(changing))
    .execute();
}

/** Forgets a node: its engines that died, its datamover (whose token lets nobody in then), its switches. */
export async function removeNode(transaction: Handle, host: HostName): Promise<void> {
  await transaction.deleteFrom("engine").where("host", "=", host).execute();
  await transaction.deleteFrom("datamover").where("host", "=", host).execute();
  await transaction.deleteFrom("disabled_service").where("host", "=", host).execute();
}

/**
 * Whether every engine there is was taken out of service: what is asked for would wait for ever. Where no
 * engine was seen for a while it waits for one to come, as those may be starting.
 */
export async function areAllEnginesDisabled(handle: Handle): Promise<boolean> {
  const row = await handle
    .selectFrom("engine")
    .leftJoin("disabled_service", (join) =>
      join
        .onRef("disabled_service.host", "=", "engine.host")
        .on("disabled_service.service", "=", "engine" satisfies NodeService),
    )
    .select((eb) => [
      eb.fn.count<number>("engine.name").as("engines"),
      eb.fn.count<number>("disabled_service.host").as("disabled"),
    ])
    .where("engine.seen_at", ">", sql<Date>`now() - ${GONE_MS} * interval '1 millisecond'`)
    .executeTakeFirstOrThrow();
  return row.engines > 0 && row.engines === row.disabled;
}
