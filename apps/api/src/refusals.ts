import type { NotOpened } from "@cairn/database";
import { Rejection, unreachable } from "@cairn/kernel";

/** What a resource is called in refusals. */
export type ResourceKind =
  | "workload"
  | "snapshot"
  | "restore"
  | "trust"
  | "workload_type"
  | "admission rule"
  | "policy"
  | "quota"
  | "quota_type"
  | "project"
  | "search"
  | "setting"
  | "webhook"
  | "delivery"
  | "protection rule";

/** Where those are listed whose list is not called after them. */
const LISTS: Readonly<Partial<Record<ResourceKind, string>>> = {
  "admission rule": "GET /admission/rules lists those of this cloud.",
  search: "GET /search lists those of this project.",
  webhook: "GET /notifications/webhooks lists those of this project.",
  delivery: "GET /notifications/deliveries lists those of this project.",
  policy: "GET /workload_policy lists the policies that the project may choose.",
  quota: "GET /project_allowed_quotas/{project_id} lists the quotas of a project.",
  quota_type: "GET /project_quota_types lists the types of quotas.",
  project: "Use the id of a project that Keystone knows, and that you may see.",
  "protection rule": "GET /protection_rules lists those of this project.",
};

/** The refusal for a resource that does not exist, or is another project's: nobody can tell which. */
export function notFound(kind: ResourceKind, id: string): Rejection {
  const title = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1).replaceAll("_", " ")}`;
  return new Rejection(`${title} ${id} could not be found.`, {
    status: 404,
    field: kind === "setting" ? "setting_name" : `${kind}_id`,
    value: id,
    remedy: LISTS[kind] ?? `GET /${kind}s lists the ${kind}s of this project.`,
  });
}

/** The refusal for something that its status forbids. */
export function conflict(kind: ResourceKind, id: string, status: string): Rejection {
  return new Rejection(`The ${kind} ${id} is ${status}.`, {
    status: 409,
    field: "status",
    value: status,
    remedy: remedies[status] ?? `Wait until the ${kind} is available, or delete it if it failed.`,
  });
}

/** The refusal to cancel what is over. */
export function tooLateToCancel(
  kind: ResourceKind,
  row: { readonly id: string; readonly name: string; readonly status: string },
): Rejection {
  return new Rejection(`The ${kind} ${row.name} (${row.id}) has ended already: it is ${row.status}.`, {
    status: 409,
    field: "status",
    value: row.status,
    remedy: `There is nothing to cancel; delete the ${kind} if you do not want it.`,
  });
}

const remedies: Readonly<Record<string, string>> = {
  locked: "Wait until the running snapshot, restore or change has ended, or cancel it.",
  mounting: "Wait until it is mounted, or cancel that; then dismount it.",
  mounted: "Dismount it first: POST /snapshots/{snapshot_id}/dismount (cairn snapshot dismount).",
  restoring: "Wait until the running restore has ended, or cancel it.",
  executing: "Wait until it has ended, or cancel it.",
  deleting: "It is being deleted; nothing else can be done with it.",
  error: "It failed; see its error_msg. Delete it and try again.",
};

/** Why a run was not opened, as a refusal. */
export function notOpened(
  reason: NotOpened,
  asked: { readonly kind: ResourceKind; readonly id: string },
): Rejection {
  switch (reason.kind) {
    case "absent":
      return notFound(asked.kind, asked.id);
    case "busy":
      return asked.kind === reason.what
        ? conflict(asked.kind, asked.id, reason.status)
        : conflict(reason.what, `of ${asked.kind} ${asked.id}`, reason.status);
    default:
      return unreachable(reason);
  }
}
