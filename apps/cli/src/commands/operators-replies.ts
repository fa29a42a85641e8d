import { type FakeHandlers, PROJECT, workloadOf } from "../fake-api.ts";

const AT = "2026-06-01T12:00:00.000000";
const SUM = { usage: 2048, snap_count: 2 };
const NODE = {
  id: "engine-1",
  node: "control-1",
  service: "cairn-engine",
  status: "Up",
  version: "0.1",
  ipaddress: "",
  is_vip: false,
  disabled: false,
  disabled_reason: null,
  started_at: AT,
  last_seen_at: AT,
};
const RULE = {
  id: "r1",
  description: "2 at once on each host",
  rule: { kind: "cap", scope: "host", max: 2 },
  changed_by: "anna",
  created_at: AT,
};
const PROTECTION = {
  id: "p1",
  project_id: PROJECT,
  user_id: "anna",
  workload_id: "w1",
  tag: "backup",
  metadata_key: null,
  metadata_value: null,
  created_at: AT,
  looked_at: null,
  note: null,
};
const AUDIT = {
  ID: "a1",
  Timestamp: AT,
  UserName: "anna",
  UserId: "u1",
  ProjectName: "demo",
  ProjectId: PROJECT,
  ObjectType: "workload",
  ObjectName: "web",
  ObjectId: "w1",
  Action: "workload:workload_delete",
  Outcome: "accepted",
  Status: 202,
  Details: "",
  RequestId: "req-1",
  Position: 7,
  Hash: "9f",
};
const STORAGE = {
  id: "t1",
  name: "default",
  storage_type: "directory",
  nfs_share: "/srv/cairn",
  is_default: true,
  status: "online",
  total_capacity: 4096,
  total_capacity_humanized: "4.0 KiB",
  available_capacity: 2048,
  available_capacity_humanized: "2.0 KiB",
  total_utilization: 2048,
  total_utilization_humanized: "2.0 KiB",
  measured_at: AT,
  snapshots_utilization: 2048,
  snapshots_utilization_humanized: "2.0 KiB",
  full: SUM,
  incremental: SUM,
};
const TENANT = {
  tenant_name: "demo",
  total_vms: 3,
  vms_protected: 2,
  workloads: 1,
  snapshots: 4,
  used_capacity: 2048,
  used_capacity_humanized: "2.0 KiB",
  full: SUM,
  incremental: SUM,
};
const VOLUMES = { "i1-vda": { device: "vda", provisioned_size: 4096, size: 2048, snapshots: 4 } };
const CHARGE = {
  tenant_name: "demo",
  size: 2048,
  size_humanized: "2.0 KiB",
  workloads: {
    w1: {
      name: "web",
      size: 2048,
      size_humanized: "2.0 KiB",
      protected_vms: { i1: { name: "web-1", provisioned_size: 4096, size: 2048, volumes: VOLUMES } },
    },
  },
};
const ACTIVITY = {
  activity_id: "a1",
  activity_type: "workload:workload_delete",
  activity_result: "accepted",
  activity_time: AT,
  activity_description: "",
  object_type: "workload",
  object_id: "w1",
  object_name: "web",
  object_user_id: "u1",
  object_user_name: "anna",
  object_project_id: PROJECT,
};
const AUDIT_RETENTION = { days: null, begins_after: "41:9f", trimmed_at: AT };
const QUEUED = {
  run_id: "x",
  snapshot_id: "s1",
  workload_id: "w1",
  project_id: PROJECT,
  is_scheduled: true,
  asked_at: AT,
  waited_seconds: 3,
  place: 1,
  reason: "2 of 2 run on compute-7",
  hosts: ["compute-7"],
  target_id: "t1",
};
const SUMS = { total_vms: 3, vms_protected: 2, workloads: 1, snapshots: 4, total_usage: 2048 };

/** What the API says to the commands of operators. */
export const OPERATORS_REPLIES: FakeHandlers = {
  listWorkloads: () => ({ body: { workloads: [workloadOf("w1", "web")] } }),
  listNodes: () => ({ body: { nodes: [NODE] } }),
  updateService: () => ({ body: { nodes: [{ ...NODE, disabled: true }] } }),
  removeNode: () => ({}),
  listAudit: () => ({ body: { auditlog: [AUDIT] } }),
  verifyAudit: () => ({
    body: {
      is_intact: true,
      checked: 7,
      begins_after: 0,
      position: 7,
      hash: "9f",
      next: null,
      broken_at: null,
      because: null,
    },
  }),
  showAuditRetention: () => ({ body: { audit_retention: AUDIT_RETENTION } }),
  setAuditRetention: () => ({ body: { audit_retention: { ...AUDIT_RETENTION, days: 365 } } }),
  showStorageUsage: () => ({ body: { storage_usage: [STORAGE] } }),
  showTenantsUsage: () => ({
    body: {
      global_usage: { ...SUMS, total_usage_humanized: "2.0 KiB" },
      tenants_usage: { [PROJECT]: TENANT },
    },
  }),
  showTenantsChargeback: () => ({ body: { [PROJECT]: CHARGE } }),
  listProtectedVms: () => ({
    body: { protected_vms: [{ id: "i1", name: "web-1", workload_id: "w1", workload_name: "web" }] },
  }),
  listRecentActivities: () => ({ body: { recentactivities: [ACTIVITY] } }),
  showAdmissionQueue: () => ({ body: { queue: [QUEUED], waiting: 1, running: 2 } }),
  listAdmissionRules: () => ({ body: { rules: [RULE] } }),
  createAdmissionRule: () => ({ body: { rule: RULE } }),
  deleteAdmissionRule: () => ({}),
  listProtectionRules: () => ({ body: { protection_rules: [PROTECTION] } }),
  createProtectionRule: () => ({ body: { protection_rule: PROTECTION } }),
  deleteProtectionRule: () => ({}),
};
