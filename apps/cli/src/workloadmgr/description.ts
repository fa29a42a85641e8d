import { type RouteId, routeOf } from "@cairn/contract";
import { type Command, type Findable, openstackName } from "./command.ts";
import { isJson } from "./request.ts";
import { COMMANDS } from "./table.ts";

/** Where a thing is looked for that was given by name. */
const LISTS: Readonly<Record<Findable, readonly [operation: RouteId, at: string]>> = {
  workload: ["listWorkloads", "workloads"],
  snapshot: ["listSnapshots", "snapshots"],
  restore: ["listRestores", "restores"],
};

/** The table for programs in other languages: operations are methods and paths there. */
export function describeCommands(): unknown {
  const lists = Object.entries(LISTS).map(([kind, [operation, at]]) => [
    kind,
    { path: routeOf(operation).paths[0], at },
  ]);
  return { lists: Object.fromEntries(lists), commands: COMMANDS.map(described) };
}

function described(command: Command): unknown {
  const { summary, examples, operation, parameters, fixed = {}, result } = command;
  const { methods, paths } = routeOf(operation);
  return {
    name: openstackName(command),
    summary,
    examples,
    request: { method: methods[0], paths, paged: isPaged(operation) },
    parameters,
    fixed,
    result,
  };
}

/** Whether the rows of an operation come in pages. */
export function isPaged(operation: RouteId): boolean {
  const { query } = routeOf(operation);
  return "properties" in query && isJson(query.properties) && "limit" in query.properties;
}
