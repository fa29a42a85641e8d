import type { Id, ProjectId, TargetId, UserId } from "@cairn/kernel";
import type { ColumnType, Generated, Selectable } from "kysely";

export type TargetTypeId = Id<"target-type">;

type Json<Value> = ColumnType<Value, string | undefined, string>;
type JsonOrNull<Value> = ColumnType<Value | null, string | null | undefined, string | null>;
type Now = ColumnType<Date, Date | undefined, Date>;

/** Why a target is not as it was wanted; the field is one of the request's. */
export interface TargetFault {
  readonly message: string;
  readonly field?: string;
  /** Never a secret. */
  readonly value?: unknown;
  readonly remedy?: string;
}

/** What an engine is asked to prove of a target whose row says where it is. */
export interface TargetWish {
  /** Barbican's ids of what opens a bucket: the maintainer's, and that of datamovers. */
  readonly secretId?: string;
  readonly moverSecretId?: string;
  /** It shall be the default as soon as it is proven. */
  readonly isDefault?: boolean;
}

export interface TargetTable {
  id: TargetId;
  name: string;
  kind: "directory" | "s3";
  /** For people: the directory, or `s3://bucket/prefix`. */
  path: string;
  is_default: Generated<boolean>;
  /** All of the address but secrets. */
  address: Json<Readonly<Record<string, unknown>>>;
  sealed_secret: Buffer | null;
  mover_key_id: string | null;
  sealed_mover_secret: Buffer | null;
  /** What a probe found; null until the target was probed. */
  report: ColumnType<unknown, string | null | undefined, string | null>;
  created_at: Now;
  state: Generated<"wanted" | "ready" | "refused">;
  wish: JsonOrNull<TargetWish>;
  fault: JsonOrNull<TargetFault>;
  is_configured: Generated<boolean>;
  is_chosen: Generated<boolean>;
  filesystem_export: string | null;
  nfs_mount_opts: string | null;
  secret_ref: string | null;
  mover_secret_ref: string | null;
  metadata: Json<Readonly<Record<string, unknown>>>;
  updated_at: Now;
  is_online: Generated<boolean>;
  /** Since when it is online, or away. */
  online_at: Now;
  offline_reason: string | null;
  /** When it was seen last. */
  seen_at: Date | null;
  capacity_bytes: number | null;
  used_bytes: number | null;
  look_at: Now;
  look_lease_until: Date | null;
  look_generation: Generated<number>;
  /** The target that has a second copy of what lies on this one. */
  mirror_id: TargetId | null;
  /** How long the mirror keeps what was deleted. */
  mirror_keep_days: Generated<number>;
}
export type TargetRow = Selectable<TargetTable>;

export interface TargetTypeTable {
  id: TargetTypeId;
  name: string;
  description: Generated<string>;
  target_id: TargetId;
  is_public: boolean;
  metadata: Json<Readonly<Record<string, unknown>>>;
  user_id: UserId | null;
  project_id: ProjectId | null;
  created_at: Now;
  updated_at: Now;
}
export type TargetTypeRow = Selectable<TargetTypeTable>;

export interface TargetTypeProjectTable {
  type_id: TargetTypeId;
  project_id: ProjectId;
  created_at: Now;
}
export type TargetTypeProjectRow = Selectable<TargetTypeProjectTable>;
