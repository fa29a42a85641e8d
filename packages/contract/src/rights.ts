import type { Route } from "./route.ts";
import { fullPath, routeIds, routeOf } from "./routes.ts";

/** A rule of policy.yaml as it is without one, for programs and for people. */
export interface RightsRule {
  readonly name: string;
  /** In oslo.policy's language. */
  readonly check: string;
  readonly description: string;
  /** The requests that ask for it; none for rules that others refer to. */
  readonly operations: readonly { readonly method: string; readonly path: string }[];
}

/** Rules that the actions' refer to: who changes one of these changes all that build on it. */
const COMMON: readonly RightsRule[] = [
  {
    name: "context_is_admin",
    check: "role:admin",
    description: "Who administers the cloud: may enter every project, and is_admin:True holds for them",
    operations: [],
  },
  {
    name: "admin_api",
    check: "is_admin:True",
    description: "May do what concerns all projects",
    operations: [],
  },
  {
    name: "admin_or_owner",
    check: "is_admin:True or project_id:%(project_id)s",
    description: "May look at what belongs to a project: whoever has any role in it",
    operations: [],
  },
  {
    name: "admin_or_member",
    check: "is_admin:True or (project_id:%(project_id)s and (role:member or role:manager or role:_member_))",
    description: "May change what belongs to a project: not who has only the role reader",
    operations: [],
  },
];

const CHECKS: Readonly<Record<Route["effect"], string>> = {
  read: "rule:admin_or_owner",
  change: "rule:admin_or_member",
  inspect: "rule:admin_api",
  administer: "rule:admin_api",
};

/** Every rule with its default: those that others refer to, then one for each action, by name. */
export function rightsRules(): readonly RightsRule[] {
  const actions = new Map<string, RightsRule>();
  for (const id of routeIds) {
    const route: Route = routeOf(id);
    if (route.action === undefined) continue;
    const [path] = route.paths;
    const operation = { method: route.methods[0], path: fullPath(route, path) };
    const known = actions.get(route.action);
    actions.set(route.action, {
      name: route.action,
      check: known?.check ?? CHECKS[route.effect],
      description: known?.description ?? route.summary,
      operations: [...(known?.operations ?? []), operation],
    });
  }
  return [...COMMON, ...[...actions.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))];
}

/** The defaults as the rules of the domain take them. */
export function defaultRights(): Readonly<Record<string, string>> {
  return Object.fromEntries(rightsRules().map(({ name, check }) => [name, check]));
}

/** All rules as a policy file whose lines are comments: who changes one takes its `#` away. */
export function samplePolicyFile(): string {
  const head = [
    "# Who may do what, in the language of oslo.policy. Each line that is not a comment takes the place of a",
    "# default. The API reads the file again while it runs; `cairn policy-file check` tells if it is right.",
  ];
  return `${[head.join("\n"), ...rightsRules().map(sampleEntry)].join("\n\n")}\n`;
}

function sampleEntry({ name, check, description, operations }: RightsRule): string {
  const lines = operations.map(({ method, path }) => `# ${method.padEnd(6)} ${path}`);
  return [`# ${description}`, ...lines, `#"${name}": "${check}"`].join("\n");
}
