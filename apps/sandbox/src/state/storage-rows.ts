/** Rows of the sandbox's Cinder and Glance. */
export interface VolumeTypeRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly is_public: boolean;
  readonly extra_specs: Readonly<Record<string, string>>;
  /** Format of the volume's file. */
  readonly format: "qcow2" | "raw";
  /**
   * How hosts reach its volumes: as files of a share, or as devices that os-brick's LOCAL connector attaches
   * and our datamover knows nothing of.
   */
  readonly backend: "nfs" | "local";
  /** Cinder says that its volumes are encrypted; their files are plain all the same. */
  readonly encrypted?: boolean;
}

export type VolumeStatus =
  | "creating"
  | "downloading"
  | "available"
  | "reserved"
  | "attaching"
  | "detaching"
  | "in-use"
  | "extending"
  | "deleting"
  | "uploading"
  | "maintenance"
  | "error"
  | "error_deleting"
  | "error_extending";

export interface VolumeRow {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** GiB. */
  readonly size: number;
  readonly status: VolumeStatus;
  readonly project_id: string;
  readonly user_id: string;
  readonly availability_zone: string;
  readonly volume_type_id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly bootable: boolean;
  readonly image_metadata: Readonly<Record<string, string>> | null;
  readonly snapshot_id: string | null;
  readonly source_volid: string | null;
  readonly readonly: boolean;
  readonly created_at: string;
  readonly updated_at: string | null;
}

export interface AttachmentRow {
  readonly id: string;
  readonly volume_id: string;
  readonly project_id: string;
  readonly instance: string | null;
  readonly status: "reserved" | "attaching" | "attached" | "detached";
  readonly attach_mode: "rw" | "ro" | null;
  readonly connector: Readonly<Record<string, unknown>> | null;
  readonly mountpoint: string | null;
  readonly attached_at: string | null;
}

export interface SnapshotRow {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly volume_id: string;
  readonly size: number;
  readonly status: "creating" | "available" | "deleting" | "error";
  readonly project_id: string;
  readonly user_id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string | null;
}

export type ImageStatus = "queued" | "saving" | "active" | "deactivated" | "killed" | "importing";

export interface ImageRow {
  readonly id: string;
  readonly name: string | null;
  readonly status: ImageStatus;
  readonly visibility: "public" | "private" | "shared" | "community";
  readonly owner: string;
  readonly disk_format: string | null;
  readonly container_format: string | null;
  readonly min_disk: number;
  readonly min_ram: number;
  readonly size: number | null;
  readonly virtual_size: number | null;
  readonly checksum: string | null;
  readonly os_hash_value: string | null;
  readonly os_hidden: boolean;
  readonly protected: boolean;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
}
