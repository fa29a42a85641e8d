import type { Session } from "./session.ts";

/** The pages for whoever runs the service, in the order of their navigation. */
export const OPERATOR_ROOMS = [
  "status",
  "workloads",
  "nodes",
  "targets",
  "policies",
  "schedules",
  "simulator",
  "mail",
  "webhooks",
  "audit",
  "usage",
  "quotas",
  "orphans",
  "about",
] as const;
export type OperatorRoom = (typeof OPERATOR_ROOMS)[number];

interface Need {
  /** What the page asks of the API, by the API's names. */
  readonly requests: readonly string[];
  /** The API gives it to administrators of the cloud alone, whatever the rules say of the requests. */
  readonly isOfAdministrators: boolean;
}

const need = (...requests: readonly string[]): Need => ({ requests, isOfAdministrators: false });
const administrators = (...requests: readonly string[]): Need => ({ requests, isOfAdministrators: true });

const NEEDS: Readonly<Record<OperatorRoom, Need>> = {
  status: administrators(
    "showTenantsUsage",
    "showStorageUsage",
    "listNodes",
    "showAdmissionQueue",
    "listSnapshots",
    "listWorkloads",
  ),
  workloads: administrators("listWorkloadsDetail", "listProjects"),
  nodes: need("listNodes"),
  targets: need("listBackupTargets", "listBackupTargetTypes", "listProjects"),
  policies: administrators("listPolicies", "createPolicy", "listProjects"),
  schedules: administrators("showGlobalJobScheduler", "listWorkloadsDetail", "listAdmissionRules"),
  simulator: administrators("previewSchedule", "listPolicies"),
  mail: administrators("createSettings", "listSettings", "testEmail"),
  webhooks: administrators("listWebhooks", "listDeliveries", "createWebhook"),
  audit: need("listAudit", "listProjects"),
  usage: need("showTenantsUsage", "showTenantsChargeback"),
  quotas: administrators("listProjects", "showQuotaUsage", "listQuotas", "createQuotas"),
  orphans: need("listOrphanedWorkloads", "listImportableWorkloads", "listProjects"),
  about: need("showLicense", "listNodes"),
};

/** Whether somebody may open an operator page, by what the API says of their rights. */
export function mayOpen(
  { mayNot, isAdmin }: Pick<Session, "mayNot" | "isAdmin">,
  room: OperatorRoom,
): boolean {
  const { requests, isOfAdministrators } = NEEDS[room];
  return (isAdmin || !isOfAdministrators) && requests.every((request) => !mayNot.has(request));
}

/** The operator pages that somebody may open; none for whoever is no operator. */
export function roomsFor(session: Pick<Session, "mayNot" | "isAdmin">): readonly OperatorRoom[] {
  return OPERATOR_ROOMS.filter((room) => mayOpen(session, room));
}
