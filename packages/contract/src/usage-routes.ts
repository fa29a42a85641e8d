import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { ByteCount, nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const Count = Type.Integer({ minimum: 0 });
const Text = Type.String();

const SnapshotSum = Type.Object({ usage: ByteCount, snap_count: Count });

/** How full a target is. */
export const StorageUsage = Type.Object({
  id: WireId,
  name: Text,
  storage_type: Type.Union([Type.Literal("directory"), Type.Literal("s3")]),
  nfs_share: Type.String({ description: "its export or directory, or s3://bucket/prefix" }),
  is_default: Type.Boolean(),
  status: Type.Union([Type.Literal("online"), Type.Literal("offline")]),
  total_capacity: nullable(ByteCount),
  total_capacity_humanized: Type.String({ description: "unlimited: a bucket; unknown: not measured yet" }),
  available_capacity: nullable(ByteCount),
  available_capacity_humanized: Text,
  total_utilization: nullable(ByteCount),
  total_utilization_humanized: Text,
  measured_at: nullable(Timestamp),
  snapshots_utilization: Type.Integer({
    minimum: 0,
    description: "what the snapshots that can be restored have added, compressed and sealed",
  }),
  snapshots_utilization_humanized: Text,
  full: SnapshotSum,
  incremental: SnapshotSum,
});
export type StorageUsage = Static<typeof StorageUsage>;

const ProjectUsage = Type.Object({
  tenant_name: Type.String({ description: "its id where Keystone has no name for it" }),
  total_vms: nullable(Type.Integer({ minimum: 0, description: "null: Nova gave no answer" })),
  vms_protected: Count,
  workloads: Count,
  snapshots: Count,
  used_capacity: ByteCount,
  used_capacity_humanized: Text,
  full: SnapshotSum,
  incremental: SnapshotSum,
});
export type ProjectUsage = Static<typeof ProjectUsage>;

const VolumeCharge = Type.Object({
  device: Text,
  provisioned_size: ByteCount,
  size: ByteCount,
  snapshots: Count,
});
const InstanceCharge = Type.Object({
  name: Text,
  provisioned_size: ByteCount,
  size: ByteCount,
  volumes: Type.Record(Text, VolumeCharge),
});
const WorkloadCharge = Type.Object({
  name: Text,
  size: ByteCount,
  size_humanized: Text,
  protected_vms: Type.Record(Text, InstanceCharge),
});
const ProjectCharge = Type.Object({
  tenant_name: Text,
  size: ByteCount,
  size_humanized: Text,
  workloads: Type.Record(Text, WorkloadCharge),
});
export type ProjectCharge = Static<typeof ProjectCharge>;

const ProtectedVm = Type.Object({
  id: WireId,
  name: Text,
  workload_id: WireId,
  workload_name: Text,
});

/** An instance of the project, and what there is of it if it were lost now. */
const InstanceProtection = Type.Object({
  id: WireId,
  name: Text,
  is_there: Type.Boolean({ description: "false: a workload has it, but Nova does not know it any more" }),
  workload_id: nullable(WireId),
  workload_name: nullable(Text),
  snapshot_id: nullable(Type.String({ description: "the newest of its snapshots that can be restored" })),
  snapshot_at: nullable(Timestamp),
});
export type InstanceProtection = Static<typeof InstanceProtection>;

const Activity = Type.Object({
  activity_id: Type.String({ description: "of its entry in the audit log" }),
  activity_type: Type.String({ description: "the action, as in the audit log" }),
  activity_result: Text,
  activity_time: Timestamp,
  activity_description: Text,
  object_type: Text,
  object_id: Text,
  object_name: Text,
  object_user_id: nullable(Text),
  object_user_name: Text,
  object_project_id: nullable(Text),
});
export type Activity = Static<typeof Activity>;

const CloudProject = Type.Object({ id: WireId, name: Text });
export type CloudProject = Static<typeof CloudProject>;

const License = Type.Object({
  name: Text,
  edition: Text,
  status: Text,
  type: Text,
  expires: Type.Null(),
});
const licenseReply = Type.Object({ license: License });

/** The operations that tell what there is, and what it takes. */
export const usageRoutes = {
  showStorageUsage: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/storage_usage"],
    params: none,
    query: Type.Object({ nfsshare: Type.Optional(Type.String({ description: "this target alone" })) }),
    reply: Type.Object({ storage_usage: Type.Array(StorageUsage) }),
    status: 200,
    action: "workload:get_storage_usage",
    effect: "inspect",
    summary: "Tell how full backup targets are",
  },
  showTenantsUsage: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/tenants_usage"],
    params: none,
    query: none,
    reply: Type.Object({
      global_usage: Type.Object({
        total_vms: nullable(Count),
        vms_protected: Count,
        workloads: Count,
        snapshots: Count,
        total_usage: ByteCount,
        total_usage_humanized: Text,
      }),
      tenants_usage: Type.Record(Text, ProjectUsage),
    }),
    status: 200,
    action: "workload:get_tenants_usage",
    effect: "inspect",
    summary: "Tell what each project protects, and what it takes on the targets",
  },
  showTenantsChargeback: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/tenants_chargeback"],
    params: none,
    query: Type.Object({ project: Type.Optional(WireId) }),
    reply: Type.Record(Text, ProjectCharge),
    status: 200,
    action: "workload:get_tenants_chargeback",
    effect: "inspect",
    summary: "Tell what each disk of each protected instance takes, by project and workload",
  },
  listProtectedVms: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/vms_protected"],
    params: none,
    query: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      marker: Type.Optional(WireId),
    }),
    reply: Type.Object({ protected_vms: Type.Array(ProtectedVm) }),
    status: 200,
    action: "workload:get_protected_vms",
    effect: "read",
    summary: "List the instances of the project that are in a workload",
  },
  listInstanceProtection: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/instances"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({ instances: Type.Array(InstanceProtection) }),
    status: 200,
    action: "workload:get_protected_vms",
    effect: "read",
    summary: "List all instances of the project: which workload has them, and their newest good snapshot",
  },
  listRecentActivities: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/recentactivities"],
    params: none,
    query: Type.Object({
      time_in_minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
      ...page,
    }),
    reply: Type.Object({ recentactivities: Type.Array(Activity) }),
    status: 200,
    action: "workload:get_recentactivities",
    effect: "inspect",
    summary: "List what happened lately, of the last day unless told; newest first",
  },
  listProjects: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/projects"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({ projects: Type.Array(CloudProject) }),
    status: 200,
    action: "workload:get_tenants_usage",
    effect: "inspect",
    summary: "List the projects of the cloud by name: those to give a policy, a target or a quota to",
  },
  showLicense: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/license"],
    params: none,
    query: none,
    reply: licenseReply,
    status: 200,
    action: "workload:license_list",
    effect: "inspect",
    summary: "Show the licence: free software needs none",
  },
  checkLicense: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/metrics/license_check"],
    params: none,
    query: none,
    reply: Type.Object({ message: Text }),
    status: 200,
    action: "workload:license_check",
    effect: "inspect",
    summary: "Check the licence: it is valid, without a limit",
  },
  createLicense: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/license"],
    params: none,
    query: none,
    body: Type.Object({
      license: Type.Object({ file_name: Type.Optional(Text), lic_txt: Type.Optional(Text) }),
    }),
    reply: licenseReply,
    status: 200,
    action: "workload:license_create",
    effect: "administer",
    summary: "Take note of no licence: none is needed, and what is sent is not kept",
  },
} as const satisfies Record<string, Route>;
