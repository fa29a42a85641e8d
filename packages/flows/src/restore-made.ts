import type { FlavorOutput, ServerGroupOutput } from "./restore-compute-steps.ts";
import type { FloatingIpOutput } from "./restore-floating-ip-steps.ts";
import type { GroupsOutput } from "./restore-network-steps.ts";
import type { RoutersOutput } from "./restore-router-steps.ts";
import type { NetworksOutput } from "./restore-topology-steps.ts";
import type { ConcludedRun } from "./step.ts";

/** The key of a restore's metadata under which stands what it made beside instances. */
export const RESTORED_KEY = "restored";

/** Something that was made, and what it takes the place of. */
interface MadeThing {
  readonly id: string;
  /** Its id in the snapshot; null for what has none there. */
  readonly original_id: string | null;
  readonly name?: string;
}

/** What a restore made beside instances, as the API shows it. */
export type RestoredThings = Readonly<
  Record<
    "networks" | "subnets" | "routers" | "security_groups" | "flavors" | "server_groups" | "floating_ips",
    readonly MadeThing[]
  >
>;

/** What the steps of a restore that succeeded made beside instances. */
export function restoredThings(run: ConcludedRun): RestoredThings {
  const networks = run.outputs.get("networks") as NetworksOutput | undefined;
  const routers = run.outputs.get("routers") as RoutersOutput | undefined;
  const groups = run.outputs.get("security-groups") as GroupsOutput | undefined;
  return {
    networks: listed(networks?.networkIds),
    subnets: listed(networks?.subnetIds),
    routers: listed(routers?.routerIds),
    security_groups: listed(groups?.groupIds),
    flavors: outputsOf<FlavorOutput>(run, "flavor-").map(({ flavorId, name }) => made(flavorId, name)),
    server_groups: outputsOf<ServerGroupOutput>(run, "server-group-").map(({ serverGroupId, name }) =>
      made(serverGroupId, name),
    ),
    floating_ips: outputsOf<FloatingIpOutput>(run, "floating-ip-").flatMap(
      ({ floatingIpId: id, address, isMade }) =>
        id === null || address === null || !isMade ? [] : [made(id, address)],
    ),
  };
}

function made(id: string, name: string): MadeThing {
  return { id, original_id: null, name };
}

function listed(ids: Readonly<Record<string, string>> | undefined): MadeThing[] {
  return Object.entries(ids ?? {}).map(([original, id]) => ({ id, original_id: original }));
}

/** Everything that the planner and the steps had to say about what is not as it was. */
export function warningsOf(run: ConcludedRun): string[] {
  const sentences = [...run.outputs.values()].flatMap((output) => {
    const warnings = typeof output === "object" && output !== null ? Reflect.get(output, "warnings") : [];
    return Array.isArray(warnings) ? warnings.filter((each) => typeof each === "string") : [];
  });
  return [...new Set(sentences)];
}

function outputsOf<Output>(run: ConcludedRun, prefix: string): Output[] {
  return [...run.outputs].filter(([key]) => key.startsWith(prefix)).map(([, output]) => output as Output);
}
