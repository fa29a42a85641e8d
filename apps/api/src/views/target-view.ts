import { type BackupTarget, type BackupTargetType, wireTime } from "@cairn/contract";
import type { MirrorState, TargetRow, TargetTypeProjectRow, TargetTypeRow } from "@cairn/database";

/** What kind of target it is, as clients call it. */
function typeOf({ kind, filesystem_export: exported }: TargetRow): BackupTarget["type"] {
  if (kind === "s3") return "s3";
  return exported === null ? "directory" : "nfs";
}

/** How a target is, in one word. */
export function targetStatus({ state, is_online: isOnline }: TargetRow): BackupTarget["status"] {
  switch (state) {
    case "wanted":
      return "creating";
    case "refused":
      return "error";
    case "ready":
      return isOnline ? "online" : "offline";
  }
}

/** What is known of some targets beside their rows. */
export interface TargetFacts {
  readonly types: readonly TargetTypeRow[];
  readonly mirrors: readonly MirrorState[];
}

/** A target as administrators see it; of its types the first is named. Nothing that opens it is shown. */
export function targetView(row: TargetRow, { types, mirrors }: TargetFacts): BackupTarget {
  const { address } = row;
  const textAt = (field: string): string | null => {
    const value = address[field];
    return typeof value === "string" ? value : null;
  };
  return {
    id: row.id,
    type: typeOf(row),
    status: targetStatus(row),
    status_since: wireTime(row.online_at.getTime()),
    btt_name: types.find(({ target_id: targetId }) => targetId === row.id)?.name ?? null,
    filesystem_export: row.filesystem_export,
    filesystem_export_mount_path: row.kind === "directory" ? row.path : null,
    nfs_mount_opts: row.nfs_mount_opts,
    s3_endpoint_url: textAt("endpoint"),
    s3_bucket: textAt("bucket"),
    s3_region: textAt("region"),
    s3_prefix: textAt("prefix"),
    secret_ref: row.secret_ref,
    mover_secret_ref: row.mover_secret_ref,
    is_default: row.is_default ? 1 : 0,
    immutable: address["lock"] === undefined ? 0 : 1,
    capacity: row.capacity_bytes,
    used: row.used_bytes,
    seen_at: row.seen_at === null ? null : wireTime(row.seen_at.getTime()),
    error: errorOf(row),
    mirror: mirrorView(
      row,
      mirrors.find(({ targetId }) => targetId === row.id),
    ),
    warnings: warningsOf(row.report),
    metadata: row.metadata,
    version: "1",
    created_at: wireTime(row.created_at.getTime()),
    updated_at: wireTime(row.updated_at.getTime()),
  };
}

/** A target without repositories has nothing that a mirror could lack. */
function mirrorView(row: TargetRow, state: MirrorState | undefined): BackupTarget["mirror"] {
  if (row.mirror_id === null) return null;
  const mirroredAt = state?.mirroredAt ?? null;
  return {
    backup_target_id: row.mirror_id,
    keep_days: row.mirror_keep_days,
    mirrored_at: mirroredAt === null ? null : wireTime(mirroredAt.getTime()),
    held_back: state?.heldBack ?? 0,
    error: state?.error ?? null,
  };
}

/** What is wrong: with the last wish, or with the target as it is seen. */
function errorOf(row: TargetRow): BackupTarget["error"] {
  if (row.fault !== null) return row.fault;
  if (row.state !== "ready" || row.is_online || row.offline_reason === null) return null;
  const remedy = "Runs wait until it is back: mount it, or see to its service.";
  return { message: row.offline_reason, remedy };
}

/** A probe's report, as it was stored; that of datamovers' identity is in it. */
function warningsOf(report: unknown): string[] {
  if (typeof report !== "object" || report === null || !("warnings" in report)) return [];
  const { warnings } = report;
  return Array.isArray(warnings) ? warnings.filter((each): each is string => typeof each === "string") : [];
}

/** What is known of a type beside its row. */
export interface TargetTypeFacts {
  readonly target: TargetRow;
  /** The default target's first type. */
  readonly isDefault: boolean;
  readonly projects: readonly TargetTypeProjectRow[];
  /** Absent: an administrator looks. */
  readonly viewer?: string;
}

/** A type, as somebody sees it. */
export function targetTypeView(row: TargetTypeRow, about: TargetTypeFacts): BackupTargetType {
  const { viewer } = about;
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    is_public: row.is_public,
    is_default: about.isDefault,
    status: targetStatus(about.target),
    backup_targets_id: row.target_id,
    backup_target_type_metadata: row.metadata,
    backup_target_type_projects: about.projects
      .filter(({ project_id: projectId }) => viewer === undefined || projectId === viewer)
      .map((each) => ({
        backup_target_types_id: row.id,
        project_id: each.project_id,
        created_at: wireTime(each.created_at.getTime()),
      })),
    // Who made it is nobody's business but administrators'.
    user_id: viewer === undefined ? row.user_id : null,
    project_id: viewer === undefined ? row.project_id : null,
    created_at: wireTime(row.created_at.getTime()),
    updated_at: wireTime(row.updated_at.getTime()),
  };
}
