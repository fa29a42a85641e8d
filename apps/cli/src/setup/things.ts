/** The sides of a service in Keystone's catalogue. */
export const SIDES = ["public", "internal", "admin"] as const;
export type Side = (typeof SIDES)[number];

/** Something in Keystone that Cairn needs, by its name. Users and projects are of the set-up's one domain. */
export type Thing =
  | { readonly kind: "service"; readonly name: string }
  | { readonly kind: "role"; readonly role: string }
  | { readonly kind: "project"; readonly domain: string; readonly project: string }
  | { readonly kind: "user"; readonly domain: string; readonly user: string }
  | {
      readonly kind: "grant";
      readonly role: string;
      readonly domain: string;
      readonly user: string;
      readonly project: string;
    }
  | { readonly kind: "endpoint"; readonly side: Side; readonly region: string };

/** The thing as people call it: `role admin of user cairn in project service`. */
export function describeThing(thing: Thing): string {
  switch (thing.kind) {
    case "service":
      return `service ${thing.name}`;
    case "role":
      return `role ${thing.role}`;
    case "project":
      return `project ${thing.project}`;
    case "user":
      return `user ${thing.user}`;
    case "grant":
      return `role ${thing.role} of user ${thing.user} in project ${thing.project}`;
    case "endpoint":
      return `${thing.side} endpoint in ${thing.region}`;
  }
}

/**
 * The thing as it stands in the service's own record of what was made for it: its kind and names, each
 * escaped, joined by colons. A later Cairn must still read it.
 */
export function recordOf(thing: Thing): string {
  const join = (...parts: readonly string[]): string =>
    [thing.kind, ...parts.map(encodeURIComponent)].join(":");
  switch (thing.kind) {
    case "service":
      return join(thing.name);
    case "role":
      return join(thing.role);
    case "project":
      return join(thing.domain, thing.project);
    case "user":
      return join(thing.domain, thing.user);
    case "grant":
      return join(thing.role, thing.domain, thing.user, thing.project);
    case "endpoint":
      return join(thing.side, thing.region);
  }
}

/** Reads an entry of the record; undefined for what this Cairn does not know. */
export function thingOf(record: string): Thing | undefined {
  const [kind, ...escaped] = record.split(":");
  const [one = "", two = "", three = "", four = ""] = escaped.map(decodeURIComponent);
  switch (kind) {
    case "service":
      return { kind, name: one };
    case "role":
      return { kind, role: one };
    case "project":
      return { kind, domain: one, project: two };
    case "user":
      return { kind, domain: one, user: two };
    case "grant":
      return { kind, role: one, domain: two, user: three, project: four };
    case "endpoint": {
      const side = SIDES.find((each) => each === one);
      return side === undefined ? undefined : { kind, side, region: two };
    }
    case undefined:
    default:
      return undefined;
  }
}
