// Made by apps/console/src/generate.ts of docs/openapi.json; not to be edited.

export interface Schemas {
  readonly Fault: {
    readonly [name: string]: Schemas["FaultDetail"];
  };
  readonly Consistency: {
    readonly "quality": 
      | "application"
      | "file-system"
      | "crash";
    readonly "reason": string;
    readonly "freeze_ms"?: number;
  };
  readonly CreateRestore: {
    readonly "restore": {
      readonly "name"?: string;
      readonly "description"?: string;
      readonly "options": Schemas["RestoreOptions"];
    };
  };
  readonly CreateWorkload: {
    readonly "workload": {
      readonly "name"?: string;
      readonly "description"?: string;
      readonly "workload_type_id"?: string | null;
      readonly "source_platform"?: string | null;
      readonly "instances": readonly ({
        readonly "instance-id": string;
      })[];
      readonly "jobschedule"?: {
        readonly [name: string]: unknown;
      };
      readonly "metadata"?: {
        readonly [name: string]: unknown;
      };
      readonly "policy_id"?: string | null;
      readonly "encryption"?: boolean;
      readonly "secret_uuid"?: string | null;
      readonly "backup_target_types"?: string | null;
    };
  };
  readonly DiskProgress: {
    readonly "disk": string;
    readonly "disk_id": string;
    readonly "instance": string;
    readonly "instance_id": string;
    readonly "done_bytes": number;
    readonly "total_bytes": number;
    readonly "stored_bytes": number;
  };
  readonly DiskRead: {
    readonly "mode": "full" | "incremental";
    readonly "tracker"?: string;
    readonly "because"?: string;
  };
  readonly FaultDetail: {
    readonly "code": number;
    readonly "message": string;
    readonly "field"?: string;
    readonly "value"?: unknown;
    readonly "remedy"?: string;
  };
  readonly JobSchedule: {
    readonly [name: string]: unknown;
  };
  readonly Links: readonly ({
    readonly "rel": string;
    readonly "href": string;
  })[];
  readonly MetadataRow: {
    readonly "id": string;
    readonly "key": string;
    readonly "value": string | null;
    readonly "version": string;
    readonly "created_at": string;
    readonly "updated_at": string | null;
    readonly "deleted_at": string | null;
    readonly "deleted": boolean;
    readonly "snapshot_id"?: string;
    readonly "restore_id"?: string;
  };
  readonly ModifyWorkload: {
    readonly "workload": {
      readonly "name"?: string;
      readonly "description"?: string;
      readonly "instances"?: readonly ({
        readonly "instance-id": string;
      })[];
      readonly "jobschedule"?: {
        readonly [name: string]: unknown;
      };
      readonly "metadata"?: {
        readonly [name: string]: unknown;
      };
      readonly "backup_target_types"?: string | null;
      readonly "encryption"?: boolean;
      readonly "secret_uuid"?: string | null;
      readonly "policy_id"?: string | null;
    };
  };
  readonly NetworkMapping: {
    readonly "snapshot_network": {
      readonly "id": string;
      readonly "subnet"?: {
        readonly "id": string;
      };
    };
    readonly "target_network": {
      readonly "id": string;
      readonly "name"?: string;
      readonly "subnet"?: {
        readonly "id": string;
      };
    };
  };
  readonly Progress: {
    readonly "phase": string;
    readonly "disks": readonly (Schemas["DiskProgress"])[];
    readonly "bytes_per_second": number | null;
    readonly "remaining_seconds": number | null;
  };
  readonly RestoreDetail: {
    readonly "id": string;
    readonly "created_at": string;
    readonly "updated_at": string;
    readonly "finished_at": string | null;
    readonly "user_id": string;
    readonly "project_id": string;
    readonly "status": Schemas["RestoreStatus"];
    readonly "restore_type": string;
    readonly "snapshot_id": string;
    readonly "workload_id": string;
    readonly "links": Schemas["Links"];
    readonly "name": string;
    readonly "description": string;
    readonly "host": string;
    readonly "size": number;
    readonly "uploaded_size": number;
    readonly "progress_percent": number;
    readonly "progress_msg": string | null;
    readonly "warning_msg": string | null;
    readonly "error_msg": string | null;
    readonly "time_taken": number;
    readonly "restore_options": Schemas["RestoreOptions"];
    readonly "safety_snapshot_id": string | null;
    readonly "metadata": readonly (Schemas["MetadataRow"])[];
    readonly "instances": readonly (Schemas["RestoredInstance"])[];
    readonly "networks": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "subnets": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "routers": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "flavors": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "security_groups": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "server_groups": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "floating_ips": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "snapshot_details": {
      readonly "id": string;
      readonly "name": string;
      readonly "created_at": string;
    };
    readonly "progress": Schemas["Progress"] | null;
  };
  readonly RestoredInstance: {
    readonly "id": string;
    readonly "name": string;
    readonly "status": string;
    readonly "metadata": {
      readonly "instance_id": string;
    };
  };
  readonly RestoreDisk: {
    readonly "id": string;
    readonly "new_volume_type"?: string;
    readonly "availability_zone"?: string;
    readonly "restore_cinder_volume"?: boolean;
  };
  readonly RestoreFlavor: {
    readonly "id"?: string;
    readonly "vcpus"?: number;
    readonly "ram"?: number;
    readonly "disk"?: number;
    readonly "ephemeral"?: number;
    readonly "swap"?: number;
  };
  readonly RestoreInstance: {
    readonly "id": string;
    readonly "include"?: boolean;
    readonly "name"?: string;
    readonly "availability_zone"?: string;
    readonly "flavor"?: {
      readonly "id"?: string;
      readonly "vcpus"?: number;
      readonly "ram"?: number;
      readonly "disk"?: number;
      readonly "ephemeral"?: number;
      readonly "swap"?: number;
    };
    readonly "nics"?: readonly (Schemas["RestoreNic"])[];
    readonly "vdisks"?: readonly (Schemas["RestoreDisk"])[];
    readonly "restore_boot_disk"?: boolean;
    readonly "server_group"?: string;
  };
  readonly RestoreKind: 
    | "oneclick"
    | "selective"
    | "inplace";
  readonly RestoreNic: {
    readonly "id"?: string;
    readonly "mac_address"?: string;
    readonly "ip_address"?: string;
    readonly "network": {
      readonly "id": string;
      readonly "subnet"?: {
        readonly "id": string;
      };
    };
  };
  readonly RestoreOptions: {
    readonly "name"?: string;
    readonly "description"?: string;
    readonly "type": "openstack";
    readonly "restore_type": Schemas["RestoreKind"];
    readonly "oneclickrestore": boolean;
    readonly "safety_snapshot"?: boolean;
    readonly "openstack": {
      readonly "instances": readonly (Schemas["RestoreInstance"])[];
      readonly "restore_topology": boolean;
      readonly "restore_security_groups"?: boolean;
      readonly "networks_mapping": {
        readonly "networks": readonly (Schemas["NetworkMapping"])[];
      };
    };
  };
  readonly RestoreStatus: 
    | "creating"
    | "executing"
    | "restoring"
    | "available"
    | "error"
    | "cancelling"
    | "cancelled"
    | "deleting";
  readonly RestoreSummary: {
    readonly "id": string;
    readonly "created_at": string;
    readonly "updated_at": string;
    readonly "finished_at": string | null;
    readonly "user_id": string;
    readonly "project_id": string;
    readonly "status": Schemas["RestoreStatus"];
    readonly "restore_type": string;
    readonly "snapshot_id": string;
    readonly "workload_id": string;
    readonly "links": Schemas["Links"];
    readonly "name": string;
    readonly "description": string;
    readonly "host": string;
    readonly "size": number;
    readonly "uploaded_size": number;
    readonly "progress_percent": number;
    readonly "progress_msg": string | null;
    readonly "warning_msg": string | null;
    readonly "error_msg": string | null;
    readonly "time_taken": number;
    readonly "restore_options": Schemas["RestoreOptions"];
    readonly "safety_snapshot_id": string | null;
    readonly "metadata": readonly (Schemas["MetadataRow"])[];
  };
  readonly SnapshotDetail: {
    readonly "id": string;
    readonly "created_at": string;
    readonly "status": Schemas["SnapshotStatus"];
    readonly "snapshot_type": Schemas["SnapshotType"];
    readonly "workload_id": string;
    readonly "name": string;
    readonly "description": string;
    readonly "host": string;
    readonly "updated_at": string;
    readonly "finished_at": string | null;
    readonly "user_id": string;
    readonly "project_id": string;
    readonly "size": number;
    readonly "restore_size": number;
    readonly "uploaded_size": number;
    readonly "progress_percent": number;
    readonly "progress_msg": string | null;
    readonly "warning_msg": string | null;
    readonly "error_msg": string | null;
    readonly "time_taken": number;
    readonly "metadata": readonly (Schemas["MetadataRow"])[];
    readonly "links": Schemas["Links"];
    readonly "instances": readonly (Schemas["SnapshotInstance"])[];
    readonly "workload_point": Schemas["WorkloadPoint"] | null;
    readonly "progress": Schemas["Progress"] | null;
    readonly "waiting": Schemas["Waiting"] | null;
    readonly "mount": Schemas["SnapshotMount"] | null;
    readonly "virtual_bytes": number;
    readonly "read_bytes": number;
    readonly "stored_bytes": number;
  };
  readonly SnapshotDisk: {
    readonly "label": string | null;
    readonly "volume_id"?: string;
    readonly "volume_name"?: string;
    readonly "volume_size"?: number;
    readonly "volume_type"?: string | null;
    readonly "volume_mountpoint"?: string;
    readonly "availability_zone"?: string | null;
    readonly "metadata"?: {
      readonly [name: string]: unknown;
    };
    readonly "image_id"?: string | null;
    readonly "image_name"?: string | null;
    readonly "restore_size": number | null;
    readonly "disk": string;
    readonly "disk_id": string;
    readonly "format": string | null;
    readonly "size_bytes": number | null;
    readonly "read": Schemas["DiskRead"] | null;
    readonly "read_bytes": number | null;
    readonly "changed_bytes": number | null;
    readonly "audited_bytes": number | null;
    readonly "stored_bytes": number | null;
  };
  readonly SnapshotInstance: {
    readonly "id": string;
    readonly "name": string;
    readonly "status": string;
    readonly "metadata": {
      readonly [name: string]: unknown;
    };
    readonly "flavor": {
      readonly [name: string]: unknown;
    };
    readonly "security_group": readonly ({
      readonly [name: string]: unknown;
    })[];
    readonly "nics": readonly (Schemas["SnapshotNic"])[];
    readonly "vdisks": readonly (Schemas["SnapshotDisk"])[];
    readonly "point_at": string | null;
    readonly "consistency": Schemas["Consistency"] | null;
    readonly "vm_mount_path"?: string;
  };
  readonly SnapshotMount: {
    readonly "instance_id": string;
    readonly "instance_name": string;
    readonly "mounturl": string;
    readonly "mounted_at": string | null;
    readonly "dismounting": boolean;
    readonly "file_systems": readonly ({
      readonly "vm_id": string;
      readonly "vm_name": string;
      readonly "disk": string;
      readonly "path": string;
      readonly "file_system": string;
    })[];
  };
  readonly SnapshotNic: {
    readonly "mac_address": string;
    readonly "ip_address": string;
    readonly "network": {
      readonly "id": string;
      readonly "name": string;
      readonly "subnet": {
          readonly "id": string;
          readonly "name": string;
          readonly "cidr": string;
          readonly "ip_version": number;
          readonly "gateway_ip": string | null;
        } | null;
    };
  };
  readonly SnapshotStatus: 
    | "creating"
    | "executing"
    | "snapshotting"
    | "uploading"
    | "available"
    | "restoring"
    | "error"
    | "cancelling"
    | "cancelled"
    | "deleting"
    | "mounting"
    | "mounted";
  readonly SnapshotSummary: {
    readonly "id": string;
    readonly "created_at": string;
    readonly "status": Schemas["SnapshotStatus"];
    readonly "snapshot_type": Schemas["SnapshotType"];
    readonly "workload_id": string;
    readonly "name": string;
    readonly "description": string;
    readonly "host": string;
  };
  readonly SnapshotType: "full" | "incremental";
  readonly TakeSnapshot: {
    readonly "snapshot": {
      readonly "name"?: string;
      readonly "description"?: string;
      readonly "is_scheduled"?: boolean;
      readonly "full"?: boolean;
    };
  };
  readonly Waiting: {
    readonly "since": string;
    readonly "place": number | null;
    readonly "code": string | null;
    readonly "reason": string;
  };
  readonly WorkloadDetail: {
    readonly "id": string;
    readonly "name": string;
    readonly "description": string;
    readonly "project_id": string;
    readonly "user_id": string;
    readonly "workload_type_id": string;
    readonly "status": Schemas["WorkloadStatus"];
    readonly "created_at": string;
    readonly "updated_at": string;
    readonly "snapshots_info": string;
    readonly "scheduler_trust": {
        readonly [name: string]: unknown;
      } | null;
    readonly "links": Schemas["Links"];
    readonly "instances": readonly ({
      readonly "id": string;
      readonly "name": string;
      readonly "metadata": {
        readonly [name: string]: unknown;
      };
    })[];
    readonly "jobschedule": Schemas["JobSchedule"];
    readonly "metadata": {
      readonly [name: string]: unknown;
    };
    readonly "storage_usage": {
      readonly "usage": number;
      readonly "full": {
        readonly "usage": number;
        readonly "snap_count": number;
      };
      readonly "incremental": {
        readonly "usage": number;
        readonly "snap_count": number;
      };
    };
    readonly "availability_zone": string | null;
    readonly "host": string | null;
    readonly "error_msg": string | null;
    readonly "waiting_reason": string | null;
    readonly "interval": string | null;
    readonly "encryption": boolean;
    readonly "secret_uuid": string | null;
    readonly "backup_target_types": string | null;
    readonly "source_platform": string;
    readonly "policy_id": string | null;
    readonly "recent_snapshots": readonly ({
      readonly "id": string;
      readonly "status": Schemas["SnapshotStatus"];
      readonly "snapshot_type": Schemas["SnapshotType"];
      readonly "created_at": string;
    })[];
    readonly "restorable_snapshot": {
        readonly "id": string;
        readonly "created_at": string;
      } | null;
  };
  readonly WorkloadPoint: {
    readonly "together": boolean;
    readonly "skew_ms": number | null;
    readonly "window_ms": number | null;
    readonly "reason": string | null;
  };
  readonly WorkloadStatus: 
    | "creating"
    | "available"
    | "locked"
    | "updating"
    | "resetting"
    | "deleting"
    | "error";
  readonly WorkloadSummary: {
    readonly "id": string;
    readonly "name": string;
    readonly "description": string;
    readonly "project_id": string;
    readonly "user_id": string;
    readonly "workload_type_id": string;
    readonly "status": Schemas["WorkloadStatus"];
    readonly "created_at": string;
    readonly "updated_at": string;
    readonly "snapshots_info": string;
    readonly "scheduler_trust": {
        readonly [name: string]: unknown;
      } | null;
    readonly "links": Schemas["Links"];
  };
}

export interface Api {
  readonly "GET /workloads": {
    readonly query: {
      readonly "all_workloads"?: boolean;
      readonly "detail"?: boolean;
      readonly "name"?: string;
      readonly "status"?: 
        | "creating"
        | "available"
        | "locked"
        | "updating"
        | "resetting"
        | "deleting"
        | "error";
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "workloads": readonly (Schemas["WorkloadDetail"] | Schemas["WorkloadSummary"])[];
    };
  };
  readonly "POST /workloads": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: Schemas["CreateWorkload"];
    readonly reply: {
      readonly "workload": Schemas["WorkloadSummary"];
    };
  };
  readonly "GET /workloads/detail": {
    readonly query: {
      readonly "all_workloads"?: boolean;
      readonly "detail"?: boolean;
      readonly "name"?: string;
      readonly "status"?: 
        | "creating"
        | "available"
        | "locked"
        | "updating"
        | "resetting"
        | "deleting"
        | "error";
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "workloads": readonly (Schemas["WorkloadDetail"])[];
    };
  };
  readonly "GET /workloads/{workload_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "workload": Schemas["WorkloadDetail"];
    };
  };
  readonly "PUT /workloads/{workload_id}": {
    readonly query: {
      readonly "is_admin_dashboard"?: boolean;
    };
    readonly body: Schemas["ModifyWorkload"];
    readonly reply: {
      readonly "workload": Schemas["WorkloadDetail"];
    };
  };
  readonly "DELETE /workloads/{workload_id}": {
    readonly query: {
      readonly "database_only"?: boolean;
    };
    readonly reply: undefined;
  };
  readonly "POST /workloads/{workload_id}": {
    readonly query: {
      readonly "full"?: boolean;
    };
    readonly body: Schemas["TakeSnapshot"];
    readonly reply: {
      readonly "snapshot": Schemas["SnapshotDetail"];
    };
  };
  readonly "POST /workloads/{workload_id}/reset": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /workloads/{workload_id}/unlock": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "GET /workloads/audit/auditlog": {
    readonly query: {
      readonly "time_in_minutes"?: number;
      readonly "time_from"?: string;
      readonly "time_to"?: string;
      readonly "user_id"?: string;
      readonly "project"?: string;
      readonly "action"?: string;
      readonly "object_id"?: string;
      readonly "outcome"?: 
        | "accepted"
        | "refused"
        | "failed"
        | "unknown";
      readonly "request_id"?: string;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "auditlog": readonly ({
        readonly "ID": string;
        readonly "Timestamp": string;
        readonly "UserName": string;
        readonly "UserId": string | null;
        readonly "ProjectName": string;
        readonly "ProjectId": string | null;
        readonly "ObjectType": string;
        readonly "ObjectName": string;
        readonly "ObjectId": string;
        readonly "Action": string;
        readonly "Outcome": 
          | "accepted"
          | "refused"
          | "failed"
          | "unknown";
        readonly "Status": number | null;
        readonly "Details": string;
        readonly "RequestId": string;
        readonly "Position": number | null;
        readonly "Hash": string | null;
      })[];
    };
  };
  readonly "GET /workloads/audit/verify": {
    readonly query: {
      readonly "after"?: number;
      readonly "until"?: number;
    };
    readonly reply: {
      readonly "is_intact": boolean;
      readonly "checked": number;
      readonly "begins_after": number;
      readonly "position": number;
      readonly "hash": string;
      readonly "next": number | null;
      readonly "broken_at": number | null;
      readonly "because": string | null;
    };
  };
  readonly "GET /workloads/audit/retention": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "audit_retention": {
        readonly "days": number | null;
        readonly "begins_after": string | null;
        readonly "trimmed_at": string | null;
      };
    };
  };
  readonly "PUT /workloads/audit/retention": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "audit_retention": {
        readonly "days": number | null;
      };
    };
    readonly reply: {
      readonly "audit_retention": {
        readonly "days": number | null;
        readonly "begins_after": string | null;
        readonly "trimmed_at": string | null;
      };
    };
  };
  readonly "POST /search": {
    readonly query: {
      readonly "wait"?: boolean;
    };
    readonly body: {
      readonly "file_search": {
        readonly "vm_id": string;
        readonly "filepath": string;
        readonly "snapshot_ids"?: readonly (string)[];
        readonly "start"?: number;
        readonly "end"?: number;
        readonly "date_from"?: string | null;
        readonly "date_to"?: string | null;
      };
    };
    readonly reply: {
      readonly "file_search": {
        readonly "id": number;
        readonly "status": 
          | "executing"
          | "completed"
          | "error";
        readonly "vm_id": string;
        readonly "filepath": string;
        readonly "error_msg": string | null;
        readonly "json_resp": string | null;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
      };
    };
  };
  readonly "GET /search": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: number;
    };
    readonly reply: {
      readonly "file_search": readonly ({
        readonly "id": number;
        readonly "status": 
          | "executing"
          | "completed"
          | "error";
        readonly "vm_id": string;
        readonly "filepath": string;
        readonly "error_msg": string | null;
        readonly "json_resp": string | null;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
      })[];
    };
  };
  readonly "GET /search/{search_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "file_search": {
        readonly "id": number;
        readonly "status": 
          | "executing"
          | "completed"
          | "error";
        readonly "vm_id": string;
        readonly "filepath": string;
        readonly "error_msg": string | null;
        readonly "json_resp": string | null;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
      };
    };
  };
  readonly "GET /snapshots/{snapshot_id}/files": {
    readonly query: {
      readonly "vm_id"?: string;
      readonly "volume"?: string;
      readonly "path"?: string;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "volumes": readonly ({
        readonly "label": string;
        readonly "format": string;
        readonly "readable": boolean;
      })[];
      readonly "files": readonly ({
        readonly "path": string;
        readonly "permissions": string;
        readonly "mode": number;
        readonly "size": number;
        readonly "uid": number;
        readonly "gid": number;
        readonly "links": number;
        readonly "inode": number;
        readonly "accessed": string;
        readonly "modified": string;
        readonly "changed": string;
        readonly "target"?: string;
      })[];
      readonly "more": boolean;
    };
  };
  readonly "GET /snapshots/{snapshot_id}/files/content": {
    readonly query: {
      readonly "vm_id"?: string;
      readonly "volume"?: string;
      readonly "path"?: string;
    };
    readonly reply: undefined;
  };
  readonly "GET /workloads/metrics/nodes": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "nodes": readonly ({
        readonly "id": string;
        readonly "node": string;
        readonly "service": "cairn-engine" | "cairn-datamover";
        readonly "status": "Up" | "Down";
        readonly "version": string;
        readonly "ipaddress": string;
        readonly "is_vip": false;
        readonly "disabled": boolean;
        readonly "disabled_reason": string | null;
        readonly "started_at": string | null;
        readonly "last_seen_at": string | null;
      })[];
    };
  };
  readonly "POST /workloads/service/update": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "node_name": string;
      readonly "status": number;
      readonly "reason"?: string | null;
      readonly "service"?: "cairn-engine" | "cairn-datamover";
    };
    readonly reply: {
      readonly "nodes": readonly ({
        readonly "id": string;
        readonly "node": string;
        readonly "service": "cairn-engine" | "cairn-datamover";
        readonly "status": "Up" | "Down";
        readonly "version": string;
        readonly "ipaddress": string;
        readonly "is_vip": false;
        readonly "disabled": boolean;
        readonly "disabled_reason": string | null;
        readonly "started_at": string | null;
        readonly "last_seen_at": string | null;
      })[];
    };
  };
  readonly "DELETE /workloads/remove_node/{node_name}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /workloads/{workload_id}/pause": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /workloads/{workload_id}/resume": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "GET /global_job_scheduler": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "global_job_scheduler": boolean;
    };
  };
  readonly "POST /global_job_scheduler/enable": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "global_job_scheduler": boolean;
    };
  };
  readonly "POST /global_job_scheduler/disable": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "global_job_scheduler": boolean;
    };
  };
  readonly "GET /trusts": {
    readonly query: {
      readonly "is_cloud_admin"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "trust": readonly ({
        readonly "name": string;
        readonly "value": string;
        readonly "category": "identity";
        readonly "type": "trust_id" | "application_credential_id";
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "is_public": boolean;
        readonly "is_hidden": boolean;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
      })[];
    };
  };
  readonly "POST /trusts": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "trusts": {
        readonly "role_name"?: string;
        readonly "is_cloud_trust"?: boolean;
      };
    };
    readonly reply: {
      readonly "trust": readonly ({
        readonly "name": string;
        readonly "value": string;
        readonly "category": "identity";
        readonly "type": "trust_id" | "application_credential_id";
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "is_public": boolean;
        readonly "is_hidden": boolean;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
      })[];
    };
  };
  readonly "GET /trusts/validate/{workload_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "scheduler_enabled": boolean;
      readonly "trust": {
          readonly "name": string;
          readonly "value": string;
          readonly "category": "identity";
          readonly "type": "trust_id" | "application_credential_id";
          readonly "description": string;
          readonly "status": "available";
          readonly "user_id": string;
          readonly "project_id": string;
          readonly "is_public": boolean;
          readonly "is_hidden": boolean;
          readonly "version": string;
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "metadata": readonly ({
            readonly "key": string;
            readonly "value": string;
          })[];
        } | null;
      readonly "is_valid": boolean;
      readonly "scheduler_obj": {
        readonly [name: string]: unknown;
      };
    };
  };
  readonly "GET /trusts/{trust_name}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "trust": {
        readonly "name": string;
        readonly "value": string;
        readonly "category": "identity";
        readonly "type": "trust_id" | "application_credential_id";
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "is_public": boolean;
        readonly "is_hidden": boolean;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
      };
    };
  };
  readonly "DELETE /trusts/{trust_name}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /settings": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "settings": readonly ({
        readonly "name": string;
        readonly "value": string;
        readonly "category"?: string;
        readonly "type"?: string;
        readonly "description"?: string;
        readonly "is_public"?: boolean;
        readonly "is_hidden"?: boolean;
        readonly "metadata"?: {
          readonly [name: string]: string;
        };
      })[];
    };
    readonly reply: {
      readonly "settings": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "value": string;
        readonly "category": string;
        readonly "type": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "public": boolean;
        readonly "is_hidden": boolean;
        readonly "hidden": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "status": "available";
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
      })[];
    };
  };
  readonly "PUT /settings": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "settings": readonly ({
        readonly "name": string;
        readonly "value": string;
        readonly "category"?: string;
        readonly "type"?: string;
        readonly "description"?: string;
        readonly "is_public"?: boolean;
        readonly "is_hidden"?: boolean;
        readonly "metadata"?: {
          readonly [name: string]: string;
        };
      })[];
    };
    readonly reply: {
      readonly "settings": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "value": string;
        readonly "category": string;
        readonly "type": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "public": boolean;
        readonly "is_hidden": boolean;
        readonly "hidden": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "status": "available";
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
      })[];
    };
  };
  readonly "GET /settings": {
    readonly query: {
      readonly "get_hidden"?: boolean;
      readonly "get_smtp_settings"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "settings": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "value": string;
        readonly "category": string;
        readonly "type": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "public": boolean;
        readonly "is_hidden": boolean;
        readonly "hidden": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "status": "available";
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
      })[];
    };
  };
  readonly "GET /settings/{setting_name}": {
    readonly query: {
      readonly "get_hidden"?: boolean;
      readonly "is_public"?: boolean;
    };
    readonly reply: {
      readonly "setting": {
        readonly "id": string;
        readonly "name": string;
        readonly "value": string;
        readonly "category": string;
        readonly "type": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "public": boolean;
        readonly "is_hidden": boolean;
        readonly "hidden": boolean;
        readonly "metadata": readonly ({
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "status": "available";
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
      };
    };
  };
  readonly "DELETE /settings/{setting_name}": {
    readonly query: {
      readonly "is_public"?: boolean;
    };
    readonly reply: undefined;
  };
  readonly "POST /workloads/settings": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "settings": {
        readonly [name: string]: string;
      };
    };
  };
  readonly "GET /workloads/email/test_email": {
    readonly query: {
      readonly "smtp_server_name"?: string;
      readonly "smtp_port"?: string;
      readonly "smtp_server_username"?: string;
      readonly "smtp_server_password"?: string;
      readonly "smtp_timeout"?: string;
      readonly "smtp_security"?: string;
      readonly "smtp_default_sender"?: string;
      readonly "smtp_default_recipient"?: string;
      readonly "smtp_email_enable"?: string;
    };
    readonly reply: {
      readonly "message": string;
      readonly "delivery_id": string;
      readonly "recipients": readonly (string)[];
    };
  };
  readonly "GET /notifications/webhooks": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "webhooks": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "url": string;
        readonly "events": readonly (string)[];
        readonly "enabled": boolean;
        readonly "disabled_reason": string | null;
        readonly "all_projects": boolean;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      })[];
    };
  };
  readonly "POST /notifications/webhooks": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "webhook": {
        readonly "name": string;
        readonly "url": string;
        readonly "events"?: readonly (unknown)[];
        readonly "secret"?: string;
        readonly "all_projects"?: boolean;
      };
    };
    readonly reply: {
      readonly "webhook": {
        readonly "id": string;
        readonly "name": string;
        readonly "url": string;
        readonly "events": readonly (string)[];
        readonly "enabled": boolean;
        readonly "disabled_reason": string | null;
        readonly "all_projects": boolean;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "secret"?: string;
      };
    };
  };
  readonly "GET /notifications/webhooks/{webhook_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "webhook": {
        readonly "id": string;
        readonly "name": string;
        readonly "url": string;
        readonly "events": readonly (string)[];
        readonly "enabled": boolean;
        readonly "disabled_reason": string | null;
        readonly "all_projects": boolean;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "PUT /notifications/webhooks/{webhook_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "webhook": {
        readonly "name"?: string;
        readonly "url"?: string;
        readonly "events"?: readonly (unknown)[];
        readonly "enabled"?: boolean;
        readonly "secret"?: string;
        readonly "rotate_secret"?: boolean;
      };
    };
    readonly reply: {
      readonly "webhook": {
        readonly "id": string;
        readonly "name": string;
        readonly "url": string;
        readonly "events": readonly (string)[];
        readonly "enabled": boolean;
        readonly "disabled_reason": string | null;
        readonly "all_projects": boolean;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "secret"?: string;
      };
    };
  };
  readonly "DELETE /notifications/webhooks/{webhook_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /notifications/webhooks/{webhook_id}/test": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "delivery": {
        readonly "id": string;
        readonly "event": string;
        readonly "channel": "email" | "webhook";
        readonly "webhook_id": string | null;
        readonly "receiver": string;
        readonly "status": 
          | "waiting"
          | "sent"
          | "failed"
          | "dropped";
        readonly "attempts": number;
        readonly "message": string | null;
        readonly "next_attempt_at": string | null;
        readonly "resource_id": string | null;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "finished_at": string | null;
      };
    };
  };
  readonly "GET /notifications/deliveries": {
    readonly query: {
      readonly "webhook_id"?: string;
      readonly "status"?: 
        | "waiting"
        | "sent"
        | "failed"
        | "dropped";
      readonly "all_projects"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "deliveries": readonly ({
        readonly "id": string;
        readonly "event": string;
        readonly "channel": "email" | "webhook";
        readonly "webhook_id": string | null;
        readonly "receiver": string;
        readonly "status": 
          | "waiting"
          | "sent"
          | "failed"
          | "dropped";
        readonly "attempts": number;
        readonly "message": string | null;
        readonly "next_attempt_at": string | null;
        readonly "resource_id": string | null;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "finished_at": string | null;
      })[];
    };
  };
  readonly "GET /notifications/deliveries/{delivery_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "delivery": {
        readonly "id": string;
        readonly "event": string;
        readonly "channel": "email" | "webhook";
        readonly "webhook_id": string | null;
        readonly "receiver": string;
        readonly "status": 
          | "waiting"
          | "sent"
          | "failed"
          | "dropped";
        readonly "attempts": number;
        readonly "message": string | null;
        readonly "next_attempt_at": string | null;
        readonly "resource_id": string | null;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "finished_at": string | null;
      };
    };
  };
  readonly "POST /notifications/deliveries/{delivery_id}/retry": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "delivery": {
        readonly "id": string;
        readonly "event": string;
        readonly "channel": "email" | "webhook";
        readonly "webhook_id": string | null;
        readonly "receiver": string;
        readonly "status": 
          | "waiting"
          | "sent"
          | "failed"
          | "dropped";
        readonly "attempts": number;
        readonly "message": string | null;
        readonly "next_attempt_at": string | null;
        readonly "resource_id": string | null;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "finished_at": string | null;
      };
    };
  };
  readonly "POST /workloads/{workload_id}/snapshots/{snapshot_id}/plan": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "plan": {
        readonly "restore_type"?: "selective" | "inplace";
        readonly "instances"?: readonly (string)[];
      };
    };
    readonly reply: {
      readonly "restore": {
        readonly "name": string;
        readonly "description": string;
        readonly "options": Schemas["RestoreOptions"];
      };
      readonly "warnings": readonly (string)[];
      readonly "warnings_by_field": readonly ({
        readonly "field": 
          | "instance"
          | "flavor"
          | "availability_zone"
          | "network"
          | "volume_type"
          | "volume"
          | "topology";
        readonly "id": string;
        readonly "message": string;
      })[];
      readonly "choices": {
        readonly "flavors": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "vcpus": number;
          readonly "ram": number;
          readonly "disk": number;
        })[];
        readonly "networks": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "subnets": readonly ({
            readonly "id": string;
            readonly "name": string;
            readonly "cidr": string;
          })[];
        })[];
        readonly "volume_types": readonly (string)[];
        readonly "availability_zones": readonly (string)[];
      };
      readonly "mapping": {
        readonly "instances": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "included": boolean;
          readonly "flavor": string | null;
        })[];
        readonly "networks": readonly ({
          readonly "snapshot_network": {
            readonly "id": string;
            readonly "name": string;
            readonly "cidr": string | null;
          };
          readonly "target_network": {
            readonly "id": string;
            readonly "name": string;
            readonly "cidr": string | null;
          };
        })[];
        readonly "volume_types": readonly ({
          readonly "snapshot_volume_type": string;
          readonly "target_volume_type": string;
        })[];
        readonly "volumes": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "instance": string;
          readonly "disk": string;
          readonly "restored": boolean;
        })[];
      };
    };
  };
  readonly "POST /workloads/{workload_id}/snapshots/{snapshot_id}/restores/check": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: Schemas["CreateRestore"];
    readonly reply: {
      readonly "problems": readonly (Schemas["FaultDetail"])[];
    };
  };
  readonly "POST /workloads/{workload_id}/retention/preview": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "preview": {
        readonly "jobschedule"?: {
          readonly [name: string]: unknown;
        };
        readonly "policy_id"?: string | null;
        readonly "runs"?: number;
        readonly "simulate_days"?: number;
      };
    };
    readonly reply: {
      readonly "preview": {
        readonly "workload_id": string;
        readonly "timezone": string;
        readonly "enabled": boolean;
        readonly "judged": boolean;
        readonly "snapshots": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "created_at": string;
          readonly "status": string;
          readonly "is_scheduled": boolean;
          readonly "verdict": "keep" | "delete";
          readonly "reason": string;
          readonly "reasons": readonly ({
            readonly "code": 
              | "running"
              | "deleting"
              | "pinned"
              | "mounted"
              | "restoring"
              | "manual"
              | "base"
              | "newest"
              | "no-rules"
              | "no-schedule"
              | "outside"
              | "failed"
              | "last"
              | "days"
              | "tier";
            readonly "tier"?: 
              | "hourly"
              | "daily"
              | "weekly"
              | "monthly"
              | "yearly";
            readonly "period"?: string;
            readonly "place"?: number;
            readonly "of"?: number;
            readonly "days"?: number;
            readonly "by_hand"?: boolean;
            readonly "is_over"?: boolean;
          })[];
        })[];
        readonly "next_runs": readonly ({
          readonly "at": string;
          readonly "local_time": string;
          readonly "seconds": number;
          readonly "snapshot_type": 
            | "full"
            | "incremental"
            | "by-rule";
          readonly "tiers": readonly (string)[];
        })[];
        readonly "later": {
            readonly "runs": number;
            readonly "at": string;
            readonly "snapshots": number;
            readonly "oldest_at": string | null;
          } | null;
        readonly "simulation": {
            readonly "from": string;
            readonly "until": string;
            readonly "is_cut": boolean;
            readonly "taken": number;
            readonly "kept_by": {
              readonly "last": number;
              readonly "days": number;
              readonly "hourly": number;
              readonly "daily": number;
              readonly "weekly": number;
              readonly "monthly": number;
              readonly "yearly": number;
            };
            readonly "kept": readonly ({
              readonly "at": string;
              readonly "local_time": string;
              readonly "reason": string;
              readonly "reasons": readonly ({
                readonly "code": 
                  | "running"
                  | "deleting"
                  | "pinned"
                  | "mounted"
                  | "restoring"
                  | "manual"
                  | "base"
                  | "newest"
                  | "no-rules"
                  | "no-schedule"
                  | "outside"
                  | "failed"
                  | "last"
                  | "days"
                  | "tier";
                readonly "tier"?: 
                  | "hourly"
                  | "daily"
                  | "weekly"
                  | "monthly"
                  | "yearly";
                readonly "period"?: string;
                readonly "place"?: number;
                readonly "of"?: number;
                readonly "days"?: number;
                readonly "by_hand"?: boolean;
                readonly "is_over"?: boolean;
              })[];
            })[];
          } | null;
      };
    };
  };
  readonly "POST /schedules/preview": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "preview": {
        readonly "jobschedule"?: {
          readonly [name: string]: unknown;
        };
        readonly "policy_id"?: string | null;
        readonly "runs"?: number;
        readonly "simulate_days"?: number;
      };
    };
    readonly reply: {
      readonly "preview": {
        readonly "timezone": string;
        readonly "enabled": boolean;
        readonly "next_runs": readonly ({
          readonly "at": string;
          readonly "local_time": string;
          readonly "seconds": number;
          readonly "snapshot_type": 
            | "full"
            | "incremental"
            | "by-rule";
          readonly "tiers": readonly (string)[];
        })[];
        readonly "later": {
            readonly "runs": number;
            readonly "at": string;
            readonly "snapshots": number;
            readonly "oldest_at": string | null;
          } | null;
        readonly "simulation": {
            readonly "from": string;
            readonly "until": string;
            readonly "is_cut": boolean;
            readonly "taken": number;
            readonly "kept_by": {
              readonly "last": number;
              readonly "days": number;
              readonly "hourly": number;
              readonly "daily": number;
              readonly "weekly": number;
              readonly "monthly": number;
              readonly "yearly": number;
            };
            readonly "kept": readonly ({
              readonly "at": string;
              readonly "local_time": string;
              readonly "reason": string;
              readonly "reasons": readonly ({
                readonly "code": 
                  | "running"
                  | "deleting"
                  | "pinned"
                  | "mounted"
                  | "restoring"
                  | "manual"
                  | "base"
                  | "newest"
                  | "no-rules"
                  | "no-schedule"
                  | "outside"
                  | "failed"
                  | "last"
                  | "days"
                  | "tier";
                readonly "tier"?: 
                  | "hourly"
                  | "daily"
                  | "weekly"
                  | "monthly"
                  | "yearly";
                readonly "period"?: string;
                readonly "place"?: number;
                readonly "of"?: number;
                readonly "days"?: number;
                readonly "by_hand"?: boolean;
                readonly "is_over"?: boolean;
              })[];
            })[];
          } | null;
      };
    };
  };
  readonly "GET /workload_types": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "workload_types": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "status": string;
        readonly "metadata": readonly ({
          readonly [name: string]: unknown;
        })[];
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "links": readonly ({
          readonly "rel": string;
          readonly "href": string;
        })[];
      })[];
    };
  };
  readonly "GET /workload_types/{workload_type_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "workload_type": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "status": string;
        readonly "metadata": readonly ({
          readonly [name: string]: unknown;
        })[];
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "links": readonly ({
          readonly "rel": string;
          readonly "href": string;
        })[];
      };
    };
  };
  readonly "GET /protection_rules": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "protection_rules": readonly ({
        readonly "id": string;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "workload_id": string;
        readonly "tag": string | null;
        readonly "metadata_key": string | null;
        readonly "metadata_value": string | null;
        readonly "created_at": string;
        readonly "looked_at": string | null;
        readonly "note": string | null;
      })[];
    };
  };
  readonly "POST /protection_rules": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "protection_rule": unknown;
    };
    readonly reply: {
      readonly "protection_rule": {
        readonly "id": string;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "workload_id": string;
        readonly "tag": string | null;
        readonly "metadata_key": string | null;
        readonly "metadata_value": string | null;
        readonly "created_at": string;
        readonly "looked_at": string | null;
        readonly "note": string | null;
      };
    };
  };
  readonly "DELETE /protection_rules/{rule_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "GET /admission/queue": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "queue": readonly ({
        readonly "run_id": string;
        readonly "snapshot_id": string | null;
        readonly "workload_id": string;
        readonly "project_id": string;
        readonly "is_scheduled": boolean;
        readonly "asked_at": string;
        readonly "waited_seconds": number;
        readonly "place": number | null;
        readonly "reason": string | null;
        readonly "hosts": readonly (string)[];
        readonly "target_id": string | null;
      })[];
      readonly "waiting": number;
      readonly "running": number;
    };
  };
  readonly "GET /admission/rules": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "rules": readonly ({
        readonly "id": string;
        readonly "description": string;
        readonly "rule": {
            readonly "kind": "cap";
            readonly "scope": 
              | "cloud"
              | "target"
              | "host"
              | "project";
            readonly "subject"?: string | null;
            readonly "max": number;
          } | {
            readonly "kind": "window" | "blackout";
            readonly "scope": "cloud" | "host";
            readonly "subject"?: string | null;
            readonly "timezone": string;
            readonly "days": readonly (string)[];
            readonly "from": string;
            readonly "to": string;
          };
        readonly "changed_by": string;
        readonly "created_at": string;
      })[];
    };
  };
  readonly "POST /admission/rules": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "rule": {
          readonly "kind": "cap";
          readonly "scope": 
            | "cloud"
            | "target"
            | "host"
            | "project";
          readonly "subject"?: string | null;
          readonly "max": number;
        } | {
          readonly "kind": "window" | "blackout";
          readonly "scope": "cloud" | "host";
          readonly "subject"?: string | null;
          readonly "timezone": string;
          readonly "days": readonly (string)[];
          readonly "from": string;
          readonly "to": string;
        };
    };
    readonly reply: {
      readonly "rule": {
        readonly "id": string;
        readonly "description": string;
        readonly "rule": {
            readonly "kind": "cap";
            readonly "scope": 
              | "cloud"
              | "target"
              | "host"
              | "project";
            readonly "subject"?: string | null;
            readonly "max": number;
          } | {
            readonly "kind": "window" | "blackout";
            readonly "scope": "cloud" | "host";
            readonly "subject"?: string | null;
            readonly "timezone": string;
            readonly "days": readonly (string)[];
            readonly "from": string;
            readonly "to": string;
          };
        readonly "changed_by": string;
        readonly "created_at": string;
      };
    };
  };
  readonly "DELETE /admission/rules/{rule_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "GET /backup_targets": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "backup_targets": readonly ({
        readonly "id": string;
        readonly "type": 
          | "nfs"
          | "s3"
          | "directory";
        readonly "status": 
          | "creating"
          | "online"
          | "offline"
          | "error";
        readonly "status_since": string;
        readonly "btt_name": string | null;
        readonly "filesystem_export": string | null;
        readonly "filesystem_export_mount_path": string | null;
        readonly "nfs_mount_opts": string | null;
        readonly "s3_endpoint_url": string | null;
        readonly "s3_bucket": string | null;
        readonly "s3_region": string | null;
        readonly "s3_prefix": string | null;
        readonly "secret_ref": string | null;
        readonly "mover_secret_ref": string | null;
        readonly "is_default": 0 | 1;
        readonly "immutable": 0 | 1;
        readonly "capacity": number | null;
        readonly "used": number | null;
        readonly "seen_at": string | null;
        readonly "error": {
            readonly "message": string;
            readonly "field"?: string;
            readonly "value"?: unknown;
            readonly "remedy"?: string;
          } | null;
        readonly "mirror": {
            readonly "backup_target_id": string;
            readonly "keep_days": number;
            readonly "mirrored_at": string | null;
            readonly "held_back": number;
            readonly "error": string | null;
          } | null;
        readonly "warnings": readonly (string)[];
        readonly "metadata": {
          readonly [name: string]: unknown;
        };
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      })[];
    };
  };
  readonly "POST /backup_targets": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "backup_target": {
        readonly "type": 
          | "nfs"
          | "s3"
          | "directory";
        readonly "filesystem_export"?: string;
        readonly "filesystem_export_mount_path"?: string;
        readonly "nfs_mount_opts"?: string;
        readonly "s3_endpoint_url"?: string;
        readonly "s3_bucket"?: string;
        readonly "s3_region"?: string;
        readonly "s3_prefix"?: string;
        readonly "s3_force_path_style"?: boolean;
        readonly "secret_ref"?: string;
        readonly "mover_secret_ref"?: string;
        readonly "immutable"?: boolean;
        readonly "lock_mode"?: "governance" | "compliance";
        readonly "lock_days"?: number;
        readonly "btt_name"?: string;
        readonly "description"?: string;
        readonly "is_public"?: boolean;
        readonly "is_default"?: boolean;
        readonly "metadata"?: {
          readonly [name: string]: unknown;
        };
      };
    };
    readonly reply: {
      readonly "backup_target": {
        readonly "id": string;
        readonly "type": 
          | "nfs"
          | "s3"
          | "directory";
        readonly "status": 
          | "creating"
          | "online"
          | "offline"
          | "error";
        readonly "status_since": string;
        readonly "btt_name": string | null;
        readonly "filesystem_export": string | null;
        readonly "filesystem_export_mount_path": string | null;
        readonly "nfs_mount_opts": string | null;
        readonly "s3_endpoint_url": string | null;
        readonly "s3_bucket": string | null;
        readonly "s3_region": string | null;
        readonly "s3_prefix": string | null;
        readonly "secret_ref": string | null;
        readonly "mover_secret_ref": string | null;
        readonly "is_default": 0 | 1;
        readonly "immutable": 0 | 1;
        readonly "capacity": number | null;
        readonly "used": number | null;
        readonly "seen_at": string | null;
        readonly "error": {
            readonly "message": string;
            readonly "field"?: string;
            readonly "value"?: unknown;
            readonly "remedy"?: string;
          } | null;
        readonly "mirror": {
            readonly "backup_target_id": string;
            readonly "keep_days": number;
            readonly "mirrored_at": string | null;
            readonly "held_back": number;
            readonly "error": string | null;
          } | null;
        readonly "warnings": readonly (string)[];
        readonly "metadata": {
          readonly [name: string]: unknown;
        };
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "GET /backup_targets/{backup_target_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "backup_target": {
        readonly "id": string;
        readonly "type": 
          | "nfs"
          | "s3"
          | "directory";
        readonly "status": 
          | "creating"
          | "online"
          | "offline"
          | "error";
        readonly "status_since": string;
        readonly "btt_name": string | null;
        readonly "filesystem_export": string | null;
        readonly "filesystem_export_mount_path": string | null;
        readonly "nfs_mount_opts": string | null;
        readonly "s3_endpoint_url": string | null;
        readonly "s3_bucket": string | null;
        readonly "s3_region": string | null;
        readonly "s3_prefix": string | null;
        readonly "secret_ref": string | null;
        readonly "mover_secret_ref": string | null;
        readonly "is_default": 0 | 1;
        readonly "immutable": 0 | 1;
        readonly "capacity": number | null;
        readonly "used": number | null;
        readonly "seen_at": string | null;
        readonly "error": {
            readonly "message": string;
            readonly "field"?: string;
            readonly "value"?: unknown;
            readonly "remedy"?: string;
          } | null;
        readonly "mirror": {
            readonly "backup_target_id": string;
            readonly "keep_days": number;
            readonly "mirrored_at": string | null;
            readonly "held_back": number;
            readonly "error": string | null;
          } | null;
        readonly "warnings": readonly (string)[];
        readonly "metadata": {
          readonly [name: string]: unknown;
        };
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "PUT /backup_targets/{backup_target_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "backup_target": {
        readonly "nfs_mount_opts"?: string;
        readonly "secret_ref"?: string;
        readonly "mover_secret_ref"?: string;
        readonly "metadata"?: {
          readonly [name: string]: unknown;
        };
        readonly "is_default"?: boolean;
        readonly "mirror_id"?: string | null;
        readonly "mirror_keep_days"?: number;
      };
    };
    readonly reply: {
      readonly "backup_target": {
        readonly "id": string;
        readonly "type": 
          | "nfs"
          | "s3"
          | "directory";
        readonly "status": 
          | "creating"
          | "online"
          | "offline"
          | "error";
        readonly "status_since": string;
        readonly "btt_name": string | null;
        readonly "filesystem_export": string | null;
        readonly "filesystem_export_mount_path": string | null;
        readonly "nfs_mount_opts": string | null;
        readonly "s3_endpoint_url": string | null;
        readonly "s3_bucket": string | null;
        readonly "s3_region": string | null;
        readonly "s3_prefix": string | null;
        readonly "secret_ref": string | null;
        readonly "mover_secret_ref": string | null;
        readonly "is_default": 0 | 1;
        readonly "immutable": 0 | 1;
        readonly "capacity": number | null;
        readonly "used": number | null;
        readonly "seen_at": string | null;
        readonly "error": {
            readonly "message": string;
            readonly "field"?: string;
            readonly "value"?: unknown;
            readonly "remedy"?: string;
          } | null;
        readonly "mirror": {
            readonly "backup_target_id": string;
            readonly "keep_days": number;
            readonly "mirrored_at": string | null;
            readonly "held_back": number;
            readonly "error": string | null;
          } | null;
        readonly "warnings": readonly (string)[];
        readonly "metadata": {
          readonly [name: string]: unknown;
        };
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "DELETE /backup_targets/{backup_target_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /backup_targets/{backup_target_id}/set_default": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "backup_target": {
        readonly "id": string;
        readonly "type": 
          | "nfs"
          | "s3"
          | "directory";
        readonly "status": 
          | "creating"
          | "online"
          | "offline"
          | "error";
        readonly "status_since": string;
        readonly "btt_name": string | null;
        readonly "filesystem_export": string | null;
        readonly "filesystem_export_mount_path": string | null;
        readonly "nfs_mount_opts": string | null;
        readonly "s3_endpoint_url": string | null;
        readonly "s3_bucket": string | null;
        readonly "s3_region": string | null;
        readonly "s3_prefix": string | null;
        readonly "secret_ref": string | null;
        readonly "mover_secret_ref": string | null;
        readonly "is_default": 0 | 1;
        readonly "immutable": 0 | 1;
        readonly "capacity": number | null;
        readonly "used": number | null;
        readonly "seen_at": string | null;
        readonly "error": {
            readonly "message": string;
            readonly "field"?: string;
            readonly "value"?: unknown;
            readonly "remedy"?: string;
          } | null;
        readonly "mirror": {
            readonly "backup_target_id": string;
            readonly "keep_days": number;
            readonly "mirrored_at": string | null;
            readonly "held_back": number;
            readonly "error": string | null;
          } | null;
        readonly "warnings": readonly (string)[];
        readonly "metadata": {
          readonly [name: string]: unknown;
        };
        readonly "version": string;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "GET /backup_target_types": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "backup_target_types": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "is_default": boolean;
        readonly "status": string;
        readonly "backup_targets_id": string;
        readonly "backup_target_type_metadata": {
          readonly [name: string]: unknown;
        };
        readonly "backup_target_type_projects": readonly ({
          readonly "backup_target_types_id": string;
          readonly "project_id": string;
          readonly "created_at": string;
        })[];
        readonly "user_id": string | null;
        readonly "project_id": string | null;
        readonly "created_at": string;
        readonly "updated_at": string;
      })[];
    };
  };
  readonly "POST /backup_target_types": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "backup_target_type": {
        readonly "name": string;
        readonly "backup_targets_id": string;
        readonly "description"?: string;
        readonly "is_public"?: boolean;
        readonly "backup_target_type_metadata"?: {
          readonly [name: string]: unknown;
        };
      };
    };
    readonly reply: {
      readonly "backup_target_type": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "is_default": boolean;
        readonly "status": string;
        readonly "backup_targets_id": string;
        readonly "backup_target_type_metadata": {
          readonly [name: string]: unknown;
        };
        readonly "backup_target_type_projects": readonly ({
          readonly "backup_target_types_id": string;
          readonly "project_id": string;
          readonly "created_at": string;
        })[];
        readonly "user_id": string | null;
        readonly "project_id": string | null;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "GET /backup_target_types/{backup_target_type_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "backup_target_type": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "is_default": boolean;
        readonly "status": string;
        readonly "backup_targets_id": string;
        readonly "backup_target_type_metadata": {
          readonly [name: string]: unknown;
        };
        readonly "backup_target_type_projects": readonly ({
          readonly "backup_target_types_id": string;
          readonly "project_id": string;
          readonly "created_at": string;
        })[];
        readonly "user_id": string | null;
        readonly "project_id": string | null;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "PUT /backup_target_types/{backup_target_type_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "backup_target_type": {
        readonly "name"?: string;
        readonly "description"?: string;
        readonly "is_public"?: boolean;
        readonly "backup_target_type_metadata"?: {
          readonly [name: string]: unknown;
        };
      };
    };
    readonly reply: {
      readonly "backup_target_type": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "is_default": boolean;
        readonly "status": string;
        readonly "backup_targets_id": string;
        readonly "backup_target_type_metadata": {
          readonly [name: string]: unknown;
        };
        readonly "backup_target_type_projects": readonly ({
          readonly "backup_target_types_id": string;
          readonly "project_id": string;
          readonly "created_at": string;
        })[];
        readonly "user_id": string | null;
        readonly "project_id": string | null;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "DELETE /backup_target_types/{backup_target_type_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /backup_target_types/{backup_target_type_id}/add_projects": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "add_projects": readonly (string)[];
    };
    readonly reply: {
      readonly "backup_target_type": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "is_default": boolean;
        readonly "status": string;
        readonly "backup_targets_id": string;
        readonly "backup_target_type_metadata": {
          readonly [name: string]: unknown;
        };
        readonly "backup_target_type_projects": readonly ({
          readonly "backup_target_types_id": string;
          readonly "project_id": string;
          readonly "created_at": string;
        })[];
        readonly "user_id": string | null;
        readonly "project_id": string | null;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "POST /backup_target_types/{backup_target_type_id}/remove_projects": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "remove_projects": readonly (string)[];
    };
    readonly reply: {
      readonly "backup_target_type": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "is_public": boolean;
        readonly "is_default": boolean;
        readonly "status": string;
        readonly "backup_targets_id": string;
        readonly "backup_target_type_metadata": {
          readonly [name: string]: unknown;
        };
        readonly "backup_target_type_projects": readonly ({
          readonly "backup_target_types_id": string;
          readonly "project_id": string;
          readonly "created_at": string;
        })[];
        readonly "user_id": string | null;
        readonly "project_id": string | null;
        readonly "created_at": string;
        readonly "updated_at": string;
      };
    };
  };
  readonly "GET /workload_policy": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "policy_list": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "field_values": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_field_name": string;
          readonly "value": unknown;
        })[];
        readonly "metadata": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "policy_assignments": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_name": string;
          readonly "project_id": string;
        })[];
      })[];
    };
  };
  readonly "POST /workload_policy": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "workload_policy": {
        readonly "display_name": string;
        readonly "display_description"?: string;
        readonly "field_values": {
          readonly [name: string]: unknown;
        };
        readonly "metadata"?: {
          readonly [name: string]: unknown;
        };
      };
    };
    readonly reply: {
      readonly "policy": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "field_values": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_field_name": string;
          readonly "value": unknown;
        })[];
        readonly "metadata": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "policy_assignments": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_name": string;
          readonly "project_id": string;
        })[];
      };
    };
  };
  readonly "GET /workload_policy/assigned/{assigned_project_id}": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "policies": readonly ({
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
        readonly "version": string;
        readonly "id": string;
        readonly "policy_id": string;
        readonly "policy_name": string;
        readonly "project_id": string;
      })[];
    };
  };
  readonly "GET /workload_policy/{policy_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "policy": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "field_values": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_field_name": string;
          readonly "value": unknown;
        })[];
        readonly "metadata": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "policy_assignments": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_name": string;
          readonly "project_id": string;
        })[];
      };
    };
  };
  readonly "PUT /workload_policy/{policy_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "policy": {
        readonly "display_name"?: string;
        readonly "display_description"?: string;
        readonly "field_values"?: {
          readonly [name: string]: unknown;
        };
        readonly "metadata"?: {
          readonly [name: string]: unknown;
        };
      };
    };
    readonly reply: {
      readonly "policy": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "field_values": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_field_name": string;
          readonly "value": unknown;
        })[];
        readonly "metadata": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "policy_assignments": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_name": string;
          readonly "project_id": string;
        })[];
      };
    };
  };
  readonly "DELETE /workload_policy/{policy_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /workload_policy/{policy_id}/assign": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "policy": {
        readonly "add_projects"?: readonly (string)[];
        readonly "remove_projects"?: readonly (string)[];
      };
    };
    readonly reply: {
      readonly "policy": {
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "status": "available";
        readonly "user_id": string;
        readonly "project_id": string;
        readonly "created_at": string;
        readonly "updated_at": string;
        readonly "field_values": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_field_name": string;
          readonly "value": unknown;
        })[];
        readonly "metadata": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "key": string;
          readonly "value": string;
        })[];
        readonly "policy_assignments": readonly ({
          readonly "created_at": string;
          readonly "updated_at": string | null;
          readonly "deleted_at": string | null;
          readonly "deleted": boolean;
          readonly "version": string;
          readonly "id": string;
          readonly "policy_id": string;
          readonly "policy_name": string;
          readonly "project_id": string;
        })[];
      };
      readonly "failed_ids": readonly (string)[];
    };
  };
  readonly "GET /project_quota_types": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "quota_types": readonly ({
        readonly "id": string;
        readonly "display_name": string;
        readonly "display_description": string;
        readonly "status": "available";
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
        readonly "version": string;
      })[];
    };
  };
  readonly "GET /project_quota_types/{quota_type_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "quota_types": readonly ({
        readonly "id": string;
        readonly "display_name": string;
        readonly "display_description": string;
        readonly "status": "available";
        readonly "created_at": string;
        readonly "updated_at": string | null;
        readonly "deleted_at": string | null;
        readonly "deleted": boolean;
        readonly "version": string;
      })[];
    };
  };
  readonly "GET /project_allowed_quotas/{project_or_quota_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "allowed_quotas": readonly ({
        readonly "id": string;
        readonly "project_id": string;
        readonly "quota_type_id": string;
        readonly "quota_type_name": string;
        readonly "allowed_value": number;
        readonly "high_watermark": number;
        readonly "version": string;
      })[];
    };
  };
  readonly "POST /project_allowed_quotas/{project_or_quota_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "allowed_quotas": readonly ({
        readonly "project_id"?: string;
        readonly "quota_type_id": string;
        readonly "allowed_value": number;
        readonly "high_watermark"?: number;
      })[];
    };
    readonly reply: {
      readonly "allowed_quotas": readonly ({
        readonly "id": string;
        readonly "project_id": string;
        readonly "quota_type_id": string;
        readonly "quota_type_name": string;
        readonly "allowed_value": number;
        readonly "high_watermark": number;
        readonly "version": string;
      })[];
    };
  };
  readonly "DELETE /project_allowed_quotas/{project_or_quota_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "GET /project_allowed_quota/{quota_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "allowed_quotas": {
        readonly "id": string;
        readonly "project_id": string;
        readonly "quota_type_id": string;
        readonly "quota_type_name": string;
        readonly "allowed_value": number;
        readonly "high_watermark": number;
        readonly "version": string;
      };
    };
  };
  readonly "PUT /update_allowed_quota/{quota_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "allowed_quotas": {
        readonly "project_id"?: string;
        readonly "allowed_value"?: number;
        readonly "high_watermark"?: number;
      };
    };
    readonly reply: {
      readonly "allowed_quotas": readonly ({
        readonly "id": string;
        readonly "project_id": string;
        readonly "quota_type_id": string;
        readonly "quota_type_name": string;
        readonly "allowed_value": number;
        readonly "high_watermark": number;
        readonly "version": string;
      })[];
    };
  };
  readonly "GET /project_quota_usage/{quota_project_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "quota_usage": readonly ({
        readonly "quota_type_id": string;
        readonly "quota_type_name": string;
        readonly "used": number;
        readonly "allowed_value": number | null;
        readonly "high_watermark": number | null;
        readonly "is_above_watermark": boolean;
        readonly "above_since": string | null;
      })[];
    };
  };
  readonly "GET /workloads/metrics/storage_usage": {
    readonly query: {
      readonly "nfsshare"?: string;
    };
    readonly reply: {
      readonly "storage_usage": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "storage_type": "directory" | "s3";
        readonly "nfs_share": string;
        readonly "is_default": boolean;
        readonly "status": "online" | "offline";
        readonly "total_capacity": number | null;
        readonly "total_capacity_humanized": string;
        readonly "available_capacity": number | null;
        readonly "available_capacity_humanized": string;
        readonly "total_utilization": number | null;
        readonly "total_utilization_humanized": string;
        readonly "measured_at": string | null;
        readonly "snapshots_utilization": number;
        readonly "snapshots_utilization_humanized": string;
        readonly "full": {
          readonly "usage": number;
          readonly "snap_count": number;
        };
        readonly "incremental": {
          readonly "usage": number;
          readonly "snap_count": number;
        };
      })[];
    };
  };
  readonly "GET /workloads/metrics/tenants_usage": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "global_usage": {
        readonly "total_vms": number | null;
        readonly "vms_protected": number;
        readonly "workloads": number;
        readonly "snapshots": number;
        readonly "total_usage": number;
        readonly "total_usage_humanized": string;
      };
      readonly "tenants_usage": {
        readonly [name: string]: {
          readonly "tenant_name": string;
          readonly "total_vms": number | null;
          readonly "vms_protected": number;
          readonly "workloads": number;
          readonly "snapshots": number;
          readonly "used_capacity": number;
          readonly "used_capacity_humanized": string;
          readonly "full": {
            readonly "usage": number;
            readonly "snap_count": number;
          };
          readonly "incremental": {
            readonly "usage": number;
            readonly "snap_count": number;
          };
        };
      };
    };
  };
  readonly "GET /workloads/metrics/tenants_chargeback": {
    readonly query: {
      readonly "project"?: string;
    };
    readonly reply: {
      readonly [name: string]: {
        readonly "tenant_name": string;
        readonly "size": number;
        readonly "size_humanized": string;
        readonly "workloads": {
          readonly [name: string]: {
            readonly "name": string;
            readonly "size": number;
            readonly "size_humanized": string;
            readonly "protected_vms": {
              readonly [name: string]: {
                readonly "name": string;
                readonly "provisioned_size": number;
                readonly "size": number;
                readonly "volumes": {
                  readonly [name: string]: {
                    readonly "device": string;
                    readonly "provisioned_size": number;
                    readonly "size": number;
                    readonly "snapshots": number;
                  };
                };
              };
            };
          };
        };
      };
    };
  };
  readonly "GET /workloads/metrics/vms_protected": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "protected_vms": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "workload_id": string;
        readonly "workload_name": string;
      })[];
    };
  };
  readonly "GET /workloads/metrics/instances": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "instances": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "is_there": boolean;
        readonly "workload_id": string | null;
        readonly "workload_name": string | null;
        readonly "snapshot_id": string | null;
        readonly "snapshot_at": string | null;
      })[];
    };
  };
  readonly "GET /workloads/metrics/recentactivities": {
    readonly query: {
      readonly "time_in_minutes"?: number;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "recentactivities": readonly ({
        readonly "activity_id": string;
        readonly "activity_type": string;
        readonly "activity_result": string;
        readonly "activity_time": string;
        readonly "activity_description": string;
        readonly "object_type": string;
        readonly "object_id": string;
        readonly "object_name": string;
        readonly "object_user_id": string | null;
        readonly "object_user_name": string;
        readonly "object_project_id": string | null;
      })[];
    };
  };
  readonly "GET /workloads/metrics/projects": {
    readonly query: {
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "projects": readonly ({
        readonly "id": string;
        readonly "name": string;
      })[];
    };
  };
  readonly "GET /workloads/metrics/license": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "license": {
        readonly "name": string;
        readonly "edition": string;
        readonly "status": string;
        readonly "type": string;
        readonly "expires": null;
      };
    };
  };
  readonly "GET /workloads/metrics/license_check": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "message": string;
    };
  };
  readonly "POST /workloads/license": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "license": {
        readonly "file_name"?: string;
        readonly "lic_txt"?: string;
      };
    };
    readonly reply: {
      readonly "license": {
        readonly "name": string;
        readonly "edition": string;
        readonly "status": string;
        readonly "type": string;
        readonly "expires": null;
      };
    };
  };
  readonly "GET /workloads/get_list/import_workloads": {
    readonly query: {
      readonly "source_btt"?: string;
      readonly "source_btt_all"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "workloads": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "cloud_id": string | null;
        readonly "standing": 
          | "ours"
          | "project-gone"
          | "user-gone"
          | "other-cloud";
        readonly "newest_snapshot_at": string;
        readonly "snapshot_count": number;
        readonly "instances": readonly ({
          readonly "id": string;
          readonly "name": string;
        })[];
        readonly "needs": {
          readonly "networks": readonly ({
            readonly "id": string;
            readonly "name": string;
            readonly "cidrs": readonly (string)[];
          })[];
          readonly "flavors": readonly ({
            readonly "name": string;
            readonly "vcpus": number;
            readonly "ram": number;
            readonly "disk": number;
          })[];
          readonly "volume_types": readonly (string)[];
          readonly "availability_zones": readonly (string)[];
          readonly "volume_zones": readonly (string)[];
        };
      })[];
      readonly "unreadable": readonly (string)[];
    };
  };
  readonly "POST /workloads/import_workloads": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "workload_ids"?: readonly (string)[];
      readonly "upgrade"?: boolean;
      readonly "target_btt"?: string | null;
      readonly "source_btt"?: readonly (string)[];
      readonly "source_btt_all"?: boolean;
    };
    readonly reply: {
      readonly "workloads": {
        readonly "imported_workloads": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "status": string;
          readonly "project_id": string;
          readonly "user_id": string;
          readonly "snapshots": number;
          readonly "warnings": readonly (string)[];
        })[];
        readonly "failed_workloads": readonly ({
          readonly "id": string;
          readonly "name": string | null;
          readonly "reason": string;
        })[];
      };
      readonly "unreadable": readonly (string)[];
    };
  };
  readonly "GET /workloads/orphan_workloads": {
    readonly query: {
      readonly "migrate_cloud"?: boolean;
      readonly "source_btt"?: string;
      readonly "source_btt_all"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "workloads": readonly ({
        readonly "id": string;
        readonly "name": string;
        readonly "description": string;
        readonly "project_id": string;
        readonly "user_id": string;
        readonly "cloud_id": string | null;
        readonly "standing": 
          | "ours"
          | "project-gone"
          | "user-gone"
          | "other-cloud";
        readonly "newest_snapshot_at": string;
        readonly "snapshot_count": number;
        readonly "instances": readonly ({
          readonly "id": string;
          readonly "name": string;
        })[];
        readonly "needs": {
          readonly "networks": readonly ({
            readonly "id": string;
            readonly "name": string;
            readonly "cidrs": readonly (string)[];
          })[];
          readonly "flavors": readonly ({
            readonly "name": string;
            readonly "vcpus": number;
            readonly "ram": number;
            readonly "disk": number;
          })[];
          readonly "volume_types": readonly (string)[];
          readonly "availability_zones": readonly (string)[];
          readonly "volume_zones": readonly (string)[];
        };
      })[];
      readonly "unreadable": readonly (string)[];
    };
  };
  readonly "POST /workloads/reassign_workloads": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: readonly ({
      readonly "workload_ids"?: readonly (string)[];
      readonly "old_tenant_ids"?: readonly (string)[];
      readonly "new_tenant_id": string;
      readonly "user_id": string;
      readonly "migrate_cloud"?: boolean;
      readonly "upgrade"?: boolean;
      readonly "target_btt"?: string | null;
      readonly "source_btt"?: readonly (string)[];
      readonly "source_btt_all"?: boolean;
    })[];
    readonly reply: {
      readonly "workloads": {
        readonly "reassigned_workloads": readonly ({
          readonly "id": string;
          readonly "name": string;
          readonly "status": string;
          readonly "project_id": string;
          readonly "user_id": string;
          readonly "snapshots": number;
          readonly "warnings": readonly (string)[];
        })[];
        readonly "failed_workloads": readonly ({
          readonly "id": string;
          readonly "name": string | null;
          readonly "reason": string;
        })[];
      };
      readonly "unreadable": readonly (string)[];
    };
  };
  readonly "GET /snapshots": {
    readonly query: {
      readonly "workload_id"?: string;
      readonly "date_from"?: string;
      readonly "date_to"?: string;
      readonly "all"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "snapshots": readonly (Schemas["SnapshotSummary"])[];
    };
  };
  readonly "GET /snapshots/detail": {
    readonly query: {
      readonly "workload_id"?: string;
      readonly "date_from"?: string;
      readonly "date_to"?: string;
      readonly "all"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "snapshots": readonly (Schemas["SnapshotDetail"])[];
    };
  };
  readonly "GET /snapshots/{snapshot_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "snapshot": Schemas["SnapshotDetail"];
    };
  };
  readonly "DELETE /snapshots/{snapshot_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /snapshots/{snapshot_id}/cancel": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /snapshots/{snapshot_id}/reset": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /snapshots/{snapshot_id}/mount": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: {
      readonly "mount": {
        readonly "mount_vm_id": string;
        readonly "options"?: {
          readonly [name: string]: unknown;
        };
      };
    };
    readonly reply: undefined;
  };
  readonly "POST /snapshots/{snapshot_id}/dismount": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "GET /snapshots/mounted/list": {
    readonly query: {
      readonly "workload_id"?: string;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "mounted_snapshots": readonly ({
        readonly "snapshot_id": string;
        readonly "snapshot_name": string;
        readonly "workload_id": string;
        readonly "mounturl": string;
        readonly "status": Schemas["SnapshotStatus"];
      })[];
    };
  };
  readonly "POST /workloads/{workload_id}/snapshots/{snapshot_id}/restores": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: Schemas["CreateRestore"];
    readonly reply: {
      readonly "restore": Schemas["RestoreDetail"];
    };
  };
  readonly "GET /restores": {
    readonly query: {
      readonly "workload_id"?: string;
      readonly "snapshot_id"?: string;
      readonly "all"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "restores": readonly (Schemas["RestoreSummary"])[];
    };
  };
  readonly "GET /restores/detail": {
    readonly query: {
      readonly "workload_id"?: string;
      readonly "snapshot_id"?: string;
      readonly "all"?: boolean;
      readonly "limit"?: number;
      readonly "marker"?: string;
    };
    readonly reply: {
      readonly "restores": readonly (Schemas["RestoreDetail"])[];
    };
  };
  readonly "GET /restores/{restore_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: {
      readonly "restore": Schemas["RestoreDetail"];
    };
  };
  readonly "DELETE /restores/{restore_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
  readonly "POST /restores/{restore_id}/cancel": {
    readonly query: Readonly<Record<string, never>>;
    readonly reply: undefined;
  };
}
