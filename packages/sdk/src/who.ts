import type { CloudAccess } from "@cairn/openstack";

type Credentials = CloudAccess["credentials"];
type Named = { readonly id: string } | { readonly name: string };
type Scope = Extract<Credentials, { kind: "password" }>["scope"];

/** Who asks Keystone for what, without any secret: `user demo for project shop`. */
export function describeAccess({ credentials }: CloudAccess): string {
  switch (credentials.kind) {
    case "password":
      return `user ${labelOf(credentials.user)}${forScope(credentials.scope)}`;
    case "token":
      return `the given token${credentials.scope === undefined ? "" : forScope(credentials.scope)}`;
    case "application-credential":
      return `application credential ${labelOf(credentials.credential)}`;
    case "trust":
      return `user ${labelOf(credentials.user)} for trust ${credentials.trustId}`;
    default:
      return credentials satisfies never;
  }
}

function forScope(scope: Scope): string {
  switch (scope.kind) {
    case "project":
      return ` for project ${labelOf(scope.project)}`;
    case "domain":
      return ` for domain ${labelOf(scope.domain)}`;
    case "system":
      return " for the system";
    case "unscoped":
      return "";
    default:
      return scope satisfies never;
  }
}

function labelOf(named: Named): string {
  return "name" in named ? named.name : named.id;
}
