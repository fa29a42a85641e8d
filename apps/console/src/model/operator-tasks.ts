import type { ReplyOf } from "./api-types.ts";

export type Node = ReplyOf<"GET /workloads/metrics/nodes">["nodes"][number];
export type Storage = ReplyOf<"GET /workloads/metrics/storage_usage">["storage_usage"][number];

/** Something that an operator should look at. */
export type OperatorTask =
  /** No scheduled snapshot begins anywhere. */
  | { readonly kind: "switch-off" }
  | { readonly kind: "no-target" }
  | { readonly kind: "target-offline"; readonly name: string }
  | { readonly kind: "target-full"; readonly name: string; readonly share: number }
  | { readonly kind: "node-down"; readonly node: string; readonly service: Node["service"] }
  | {
      readonly kind: "node-out";
      readonly node: string;
      readonly service: Node["service"];
      readonly reason: string | null;
    };

/** From here on a target is called full. */
const FULL_SHARE = 0.9;

/** What needs an operator, the worst first. */
export function operatorTasks({
  isSwitchedOn,
  storage,
  nodes,
}: {
  readonly isSwitchedOn: boolean;
  readonly storage: readonly Storage[];
  readonly nodes: readonly Node[];
}): readonly OperatorTask[] {
  const offline = storage.filter(({ status }) => status === "offline");
  const full = storage.flatMap(({ name, total_capacity: all, total_utilization: used }) => {
    const share = all === null || used === null || all === 0 ? 0 : used / all;
    return share >= FULL_SHARE ? [{ kind: "target-full", name, share } as const] : [];
  });
  const down = nodes.filter(({ status }) => status === "Down");
  const out = nodes.filter(({ status, disabled }) => status === "Up" && disabled);
  return [
    ...(storage.length === 0 ? [{ kind: "no-target" } as const] : []),
    ...offline.map(({ name }) => ({ kind: "target-offline", name }) as const),
    ...full,
    ...down.map(({ node, service }) => ({ kind: "node-down", node, service }) as const),
    ...(isSwitchedOn ? [] : [{ kind: "switch-off" } as const]),
    ...out.map(({ node, service, disabled_reason: reason }) => ({
      kind: "node-out" as const,
      node,
      service,
      reason,
    })),
  ];
}
