import { type Command, nothing, type Parameter } from "./command.ts";

const LICENSE_FIELDS = ["name", "edition", "status", "type", "expires"] as const;

/** The commands for administrators on the whole cloud. */
export const administrationCommands: readonly Command[] = [
  {
    name: "workload-get-auditlog",
    openstack: "workload auditlog list",
    summary: "List who changed what, or was refused to, newest first; for administrators.",
    examples: ["--time_in_minutes 1440", "--time_from 06-01-2026 --time_to 06-30-2026 -f csv"],
    operation: "listAudit",
    parameters: [
      {
        name: "--time_in_minutes",
        help: "of the last so many minutes",
        value: "integer",
        to: "query.time_in_minutes",
      },
      { name: "--time_from", help: "from this day on, MM-DD-YYYY", to: "query.time_from" },
      { name: "--time_to", help: "up to this day, MM-DD-YYYY", to: "query.time_to" },
    ],
    result: {
      kind: "list",
      at: "auditlog",
      marker: "ID",
      columns: [
        ["UserName", "UserName"],
        ["UserId", "UserId"],
        ["ProjectName", "ProjectName"],
        ["ProjectId", "ProjectId"],
        ["ObjectName", "ObjectName"],
        ["ObjectId", "ObjectId"],
        ["Timestamp", "Timestamp"],
        ["Details", "Details"],
      ],
    },
  },
  {
    name: "workload-get-nodes",
    openstack: "workload node list",
    summary: "List engines and datamovers, and whether they take work; for administrators.",
    examples: ["", "-f yaml"],
    operation: "listNodes",
    parameters: [],
    result: {
      kind: "list",
      at: "nodes",
      columns: [
        ["Node", "node"],
        ["ID", "id"],
        ["Service", "service"],
        ["Version", "version"],
        ["IPAddress", "ipaddress"],
        ["Status", "status"],
        ["Disabled", "disabled"],
      ],
    },
  },
  {
    name: "workload-remove-node",
    openstack: "workload node remove",
    summary: "Forget a node that is gone for good; for administrators.",
    examples: ["compute-7"],
    operation: "removeNode",
    parameters: [{ name: "node_name", help: "name of the node", to: "path.node_name" }],
    result: nothing,
  },
  switching("disable", 1, "Give a node no new work; what it works on goes on; for administrators."),
  switching("enable", 0, "Give a node work again; for administrators."),
  {
    name: "workload-get-storage-usage",
    openstack: "workload storage usage show",
    summary: "Tell how full backup targets are; for administrators.",
    examples: [""],
    operation: "showStorageUsage",
    parameters: [{ name: "--nfsshare", help: "this target alone", to: "query.nfsshare" }],
    result: {
      kind: "list",
      at: "storage_usage",
      columns: [
        ["Name", "name"],
        ["Storage Type", "storage_type"],
        ["NFS Share", "nfs_share"],
        ["Status", "status"],
        ["Total Capacity", "total_capacity_humanized"],
        ["Total Utilization", "total_utilization_humanized"],
        ["Available Capacity", "available_capacity_humanized"],
        ["Snapshots", "snapshots_utilization_humanized"],
      ],
    },
  },
  {
    name: "get-tenants-usage",
    openstack: "workload tenants usage show",
    summary: "Tell what each project protects, and what it takes on the targets; for administrators.",
    examples: ["", "-f json"],
    operation: "showTenantsUsage",
    parameters: [],
    result: {
      kind: "item",
      at: "",
      fields: [
        ["total_vms", "global_usage.total_vms"],
        ["vms_protected", "global_usage.vms_protected"],
        ["total_usage", "global_usage.total_usage"],
        ["total_usage_humanized", "global_usage.total_usage_humanized"],
      ],
      spread: { at: "tenants_usage", head: "tenant_name" },
    },
  },
  {
    name: "get-protected-vms",
    openstack: "workload protected vms list",
    summary: "List the instances of the project that are in a workload.",
    examples: [""],
    operation: "listProtectedVms",
    parameters: [],
    result: {
      kind: "list",
      at: "protected_vms",
      columns: [
        ["ID", "id"],
        ["Name", "name"],
        ["Workload ID", "workload_id"],
        ["Workload Name", "workload_name"],
      ],
    },
  },
  {
    name: "license-create",
    summary: "Accept a licence file: none is needed, and nothing of it is kept; for administrators.",
    examples: ["license.txt"],
    operation: "createLicense",
    parameters: [
      { name: "license_file", help: "the file", value: "contents", to: "body.license.lic_txt" },
      {
        name: "--accept-eula",
        help: "accepted: there is no question to answer",
        value: "flag",
        to: "out.eula",
      },
    ],
    result: { kind: "item", at: "license", fields: LICENSE_FIELDS },
  },
  {
    name: "license-list",
    summary: "Show the licence: free software needs none; for administrators.",
    examples: [""],
    operation: "showLicense",
    parameters: [],
    result: { kind: "item", at: "license", fields: LICENSE_FIELDS },
  },
  {
    name: "license-check",
    summary: "Tell whether the licence is valid, which it always is; for administrators.",
    examples: [""],
    operation: "checkLicense",
    parameters: [],
    result: { kind: "line", text: "{reply.message}" },
  },
];

/** A command that takes a node out, or lets it in again. */
function switching(verb: "disable" | "enable", status: 0 | 1, summary: string): Command {
  const reason: Parameter = { name: "--reason", help: "why, for others to read", to: "body.reason" };
  return {
    name: `workload-service-${verb}`,
    openstack: `workload service ${verb}`,
    summary,
    examples: [verb === "disable" ? "--reason maintenance compute-7" : "compute-7"],
    operation: "updateService",
    fixed: { "body.status": status },
    parameters: [{ name: "node_name", help: "name of the node", to: "body.node_name" }, reason],
    result: { kind: "line", text: `workloads service successfully ${verb}d on node: {body.node_name}` },
  };
}
