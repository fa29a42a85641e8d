import { type Node, wireTime } from "@cairn/contract";
import { listNodes, type NodeRow, type NodeService, removeNode, switchService } from "@cairn/database";
import { asId, Rejection } from "@cairn/kernel";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageAmong } from "./lists.ts";

/** Engines say so every 2 s, datamovers with each claim: half a minute at most. */
const UP_MS: Readonly<Record<NodeService, number>> = { engine: 15_000, datamover: 60_000 };
const NAMES = { engine: "cairn-engine", datamover: "cairn-datamover" } as const;

/** What does the work, and whether it may. */
export function nodeHandlers(world: World): Pick<Handlers, "listNodes" | "updateService" | "removeNode"> {
  const { handle } = world.database;
  return {
    listNodes: async ({ query }) => {
      const nodes = (await listNodes(handle)).map(nodeOf);
      return { nodes: pageAmong(nodes, query, ({ id }) => id) };
    },
    updateService: async (request) => update(world, request),
    removeNode: async ({ params }) => {
      const rows = await onNode(world, params.node_name);
      const up = rows.find(isUp);
      if (up !== undefined) {
        throw new Rejection(`The ${NAMES[up.service]} of node ${up.host} is up.`, {
          status: 409,
          field: "node_name",
          value: params.node_name,
          remedy: "Stop it first; to give it no new work, disable it.",
        });
      }
      await world.database.transaction(async (transaction) =>
        removeNode(transaction, asId(params.node_name)),
      );
      return undefined;
    },
  };
}

async function update(
  world: World,
  { body, caller }: ApiRequest<"updateService">,
): Promise<{ nodes: Node[] }> {
  const rows = await onNode(world, body.node_name);
  const wanted = rows.filter(({ service }) => body.service === undefined || NAMES[service] === body.service);
  const services = [...new Set(wanted.map(({ service }) => service))];
  if (services.length === 0) {
    throw new Rejection(`Node ${body.node_name} has no ${body.service ?? "service"}.`, {
      status: 400,
      field: "service",
      value: body.service,
      remedy: "Leave service out to mean all of the node's.",
    });
  }
  await world.database.transaction(async (transaction) => {
    for (const service of services) {
      await switchService(transaction, {
        host: asId(body.node_name),
        service,
        isDisabled: body.status === 1,
        reason: body.reason ?? "",
        by: caller.userId,
      });
    }
  });
  return { nodes: (await onNode(world, body.node_name)).map(nodeOf) };
}

async function onNode({ database }: World, name: string): Promise<NodeRow[]> {
  const all = await listNodes(database.handle);
  const rows = all.filter(({ host }) => host === name);
  if (rows.length > 0) return rows;
  const names = [...new Set(all.map(({ host }) => host))];
  throw new Rejection(`Node ${name} could not be found.`, {
    status: 404,
    field: "node_name",
    value: name,
    remedy: names.length === 0 ? "There are no nodes yet." : `There are ${names.slice(0, 20).join(", ")}.`,
  });
}

/** Whether a service was heard of lately. */
export function isUp({ service, seenMs }: NodeRow): boolean {
  return seenMs !== null && seenMs <= UP_MS[service];
}

function nodeOf(row: NodeRow): Node {
  const { disabled, startedAt, seenAt } = row;
  return {
    id: `${NAMES[row.service]}/${row.name}`,
    node: row.host,
    service: NAMES[row.service],
    status: isUp(row) ? "Up" : "Down",
    version: row.version ?? "",
    ipaddress: row.address,
    is_vip: false,
    disabled: disabled !== undefined,
    disabled_reason: disabled?.reason ?? null,
    started_at: startedAt === null ? null : wireTime(startedAt.getTime()),
    last_seen_at: seenAt === null ? null : wireTime(seenAt.getTime()),
  };
}
