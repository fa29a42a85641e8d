import { Rejection } from "@cairn/kernel";
import type { Endpoint, Project, Role, Service, User } from "@cairn/openstack";
import { describeThing, recordOf, SIDES, type Side, type Thing, thingOf } from "./things.ts";

/** What Cairn shall find in Keystone. */
export interface Wanted {
  /** Under which clients look for it: `workloads`, which clients of other products for this job know, too. */
  readonly serviceType: string;
  readonly serviceName: string;
  readonly region: string;
  readonly urls: Readonly<Record<Side, string>>;
  readonly domain: string;
  readonly user: string;
  readonly project: string;
}

/** What is in Keystone now. */
export interface Seen {
  readonly domainId: string;
  readonly service: Service | undefined;
  /** Those of the service, in all regions. */
  readonly endpoints: readonly Endpoint[];
  readonly roles: readonly Role[];
  readonly project: Project | undefined;
  readonly user: User | undefined;
  /** Ids of the roles that the user has in the project. */
  readonly grantedRoleIds: readonly string[];
}

export type Step =
  | { readonly action: "make"; readonly thing: Thing }
  | { readonly action: "change"; readonly thing: Thing; readonly id: string }
  | { readonly action: "keep"; readonly thing: Thing; readonly id: string };

/**
 * What the service user must be allowed: `admin` to see all hosts, users and projects and to act in
 * maintenance; `service` is how other services know one of their kind (keystonemiddleware,
 * `service_token_roles`).
 */
const ROLES = ["admin", "service"] as const;

/**
 * What is to be made, in this order: the service first, because it carries the record of all that is made,
 * and its endpoints last, because with them clients find it.
 */
export function planSetup(wanted: Wanted, seen: Seen): readonly Step[] {
  const { domain, user, project } = wanted;
  if (!seen.roles.some((role) => role.name === "admin")) {
    throw new Rejection("Keystone has no role admin.", {
      status: 409,
      remedy: "Bootstrap the cloud's Keystone first (keystone-manage bootstrap).",
    });
  }
  const found = (thing: Thing, id: string | undefined): Step =>
    id === undefined ? { action: "make", thing } : { action: "keep", thing, id };
  return [
    found({ kind: "service", name: seen.service?.name ?? wanted.serviceName }, seen.service?.id),
    ...ROLES.map((role) => found({ kind: "role", role }, roleId(seen, role))),
    found({ kind: "project", domain, project }, seen.project?.id),
    found({ kind: "user", domain, user }, seen.user?.id),
    ...ROLES.map((role) => found({ kind: "grant", role, domain, user, project }, grantId(seen, role))),
    ...SIDES.map((side) => planEndpoint(wanted, seen, side)),
  ];
}

function roleId(seen: Seen, name: string): string | undefined {
  return seen.roles.find((role) => role.name === name)?.id;
}

function grantId(seen: Seen, role: string): string | undefined {
  return seen.grantedRoleIds.find((id) => id === roleId(seen, role));
}

/** An endpoint that somebody else made is not ours to change. */
function planEndpoint(wanted: Wanted, seen: Seen, side: Side): Step {
  const thing: Thing = { kind: "endpoint", side, region: wanted.region };
  const old = seen.endpoints.find((each) => each.interface === side && each.region === wanted.region);
  if (old === undefined) return { action: "make", thing };
  if (old.url === wanted.urls[side]) return { action: "keep", thing, id: old.id };
  if (seen.service?.made.includes(recordOf(thing)) === true) return { action: "change", thing, id: old.id };
  throw new Rejection(`The catalogue has another ${describeThing(thing)}: ${old.url}.`, {
    status: 409,
    field: `--${side}-url`,
    value: wanted.urls[side],
    remedy: `If nobody needs it, delete it first: openstack endpoint delete ${old.id}`,
  });
}

/** The record of what was made, with what this plan makes. */
export function recordAfter(steps: readonly Step[], seen: Seen): readonly string[] {
  const made = steps.filter((step) => step.action === "make").map((step) => recordOf(step.thing));
  return [...new Set([...(seen.service?.made ?? []), ...made])];
}

/**
 * What was made and is to be taken away: endpoints first, so that no client finds a service that is half
 * gone, and the service, which carries the record, last.
 */
export function planRemoval(service: Service | undefined): readonly Thing[] {
  const made = (service?.made ?? []).map((record) => thingOf(record)).filter((thing) => thing !== undefined);
  return made.toSorted((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind));
}

const ORDER: readonly Thing["kind"][] = ["endpoint", "grant", "user", "project", "role", "service"];
