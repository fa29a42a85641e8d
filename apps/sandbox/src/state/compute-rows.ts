/** Rows of the sandbox's Nova. */
export interface FlavorRow {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  /** MiB. */
  readonly ram: number;
  /** GiB of the root disk; 0: as large as the image. */
  readonly disk: number;
  readonly ephemeral: number;
  readonly swap: number;
  readonly is_public: boolean;
  /** Those that may use it when it is private; absent: none. */
  readonly project_ids?: readonly string[];
  readonly description: string | null;
  readonly extra_specs: Readonly<Record<string, string>>;
}

/** `id` is `<user id>:<name>`. */
export interface KeypairRow {
  readonly id: string;
  readonly user_id: string;
  readonly name: string;
  readonly type: string;
  readonly public_key: string;
  readonly fingerprint: string;
  readonly created_at: string;
}

export interface ServerGroupRow {
  readonly id: string;
  readonly name: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly policy: string;
  readonly rules: Readonly<Record<string, number>>;
}

export type VmState = "building" | "active" | "stopped" | "paused" | "suspended" | "resized" | "error";

export type TaskState =
  | "scheduling"
  | "networking"
  | "block_device_mapping"
  | "spawning"
  | "powering-off"
  | "powering-on"
  | "rebooting"
  | "rebooting_hard"
  | "pausing"
  | "unpausing"
  | "suspending"
  | "resuming"
  | "resize_prep"
  | "resize_finish"
  | "resize_reverting"
  | "image_snapshot"
  | "deleting";

/** A disk of a server: a Cinder volume through an attachment, or the local root disk (`volume_id` null). */
export interface ServerDisk {
  readonly device: string;
  readonly volume_id: string | null;
  readonly attachment_id: string | null;
  readonly boot_index: number | null;
  readonly delete_on_termination: boolean;
  readonly tag: string | null;
}

export interface ServerFault {
  readonly code: number;
  readonly message: string;
  readonly created: string;
  readonly details?: string;
}

export interface ServerRow {
  readonly id: string;
  /** Counts up from 1: `instance-0000000a` is number 10. */
  readonly number: number;
  readonly name: string;
  readonly hostname: string;
  readonly description: string | null;
  readonly project_id: string;
  readonly user_id: string;
  readonly flavor: FlavorRow;
  readonly old_flavor: FlavorRow | null;
  readonly image_id: string | null;
  readonly key_name: string | null;
  readonly user_data: string | null;
  readonly config_drive: boolean;
  readonly requested_zone: string | null;
  readonly host: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly server_group_id: string | null;
  readonly reservation_id: string;
  readonly locked: boolean;
  readonly vm_state: VmState;
  readonly task_state: TaskState | null;
  /** Nova's numbers: 0 none, 1 running, 3 paused, 4 shut down, 7 suspended. */
  readonly power_state: 0 | 1 | 3 | 4 | 7;
  readonly fault: ServerFault | null;
  readonly disks: readonly ServerDisk[];
  /** Ports that were made for the server and go with it. */
  readonly own_port_ids: readonly string[];
  readonly created: string;
  readonly updated: string;
  readonly launched_at: string | null;
}

export interface HostRow {
  /** The name. */
  readonly id: string;
  readonly zone: string;
  readonly images_type: "qcow2" | "raw";
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly local_gb: number;
  readonly vanished: boolean;
  readonly service_status: "enabled" | "disabled";
}

/** Limits of a project, of all services, by the services' own names; what is absent has the default. */
export interface QuotaRow {
  /** The project's id. */
  readonly id: string;
  readonly limits: Readonly<Record<string, number>>;
}
