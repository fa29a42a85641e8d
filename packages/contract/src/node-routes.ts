import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, page, Timestamp } from "./shapes.ts";

const none = Type.Object({});
const NodeName = Type.String({ minLength: 1, maxLength: 255, pattern: "^[^\\u0000-\\u001f/]+$" });
const Service = Type.Union([Type.Literal("cairn-engine"), Type.Literal("cairn-datamover")]);

/** A service on a node: an engine, of which a node may have several, or a compute node's datamover. */
export const Node = Type.Object({
  id: Type.String(),
  node: Type.String({ description: "where it runs" }),
  service: Service,
  status: Type.Union([Type.Literal("Up"), Type.Literal("Down")]),
  version: Type.String(),
  ipaddress: Type.String({ description: "empty where it is not known" }),
  is_vip: Type.Literal(false),
  disabled: Type.Boolean({ description: "takes no new work" }),
  disabled_reason: nullable(Type.String()),
  started_at: nullable(Timestamp),
  last_seen_at: nullable(Timestamp),
});
export type Node = Static<typeof Node>;

const nodesReply = Type.Object({ nodes: Type.Array(Node) });

/** The operations on what does the work. */
export const nodeRoutes = {
  listNodes: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/nodes"],
    params: none,
    query: Type.Object(page),
    reply: nodesReply,
    status: 200,
    action: "workload:get_nodes",
    effect: "inspect",
    summary: "List engines and datamovers: version, last sign of life, whether they take work",
  },
  updateService: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/service/update"],
    params: none,
    query: none,
    body: Type.Object({
      node_name: NodeName,
      status: Type.Integer({ minimum: 0, maximum: 1, description: "1: take no new work; 0: take it again" }),
      reason: Type.Optional(nullable(Type.String({ maxLength: 255 }))),
      service: Type.Optional(Service),
    }),
    reply: nodesReply,
    status: 200,
    action: "workload:service_update",
    effect: "administer",
    refusal: "User does not have admin privileges",
    summary: "Take the services of a node out, or let them in again; what they work on goes on",
  },
  removeNode: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/workloads/remove_node/{node_name}"],
    params: Type.Object({ node_name: NodeName }),
    query: none,
    status: 200,
    action: "workload:remove_node",
    effect: "administer",
    summary: "Forget a node that is gone for good; its datamover's token lets nobody in any more",
  },
} as const satisfies Record<string, Route>;
