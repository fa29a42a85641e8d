import type { RetentionSnapshot } from "@cairn/domain";
import type { SnapshotRow } from "./tables.ts";

/** A snapshot as retention judges it. */
export function judgedSnapshot(row: SnapshotRow): RetentionSnapshot {
  return {
    id: row.id,
    takenAt: (row.point_at ?? row.created_at).getTime(),
    origin: row.is_scheduled ? "scheduled" : "manual",
    state: STATES[row.status],
  };
}

const STATES: Readonly<Record<SnapshotRow["status"], RetentionSnapshot["state"]>> = {
  executing: "running",
  cancelling: "running",
  available: "available",
  restoring: "restoring",
  mounting: "mounted",
  mounted: "mounted",
  deleting: "deleting",
  cancelled: "failed",
  error: "failed",
};
