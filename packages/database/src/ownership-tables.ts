import type { TargetId, UserId, WorkloadId } from "@cairn/kernel";
import type { ColumnType, Generated, Selectable } from "kysely";

/** The tables of importing and reassigning; a part of `Tables`. */
export interface OwnershipTables {
  target_workload: TargetWorkloadTable;
  ownership_job: OwnershipJobTable;
}

type Json<Value> = ColumnType<Value, string, string>;
type Now = ColumnType<Date, Date | undefined, Date>;

/** Whose a workload on a target is, seen from this cloud. */
export type Standing = "ours" | "project-gone" | "user-gone" | "other-cloud";

/** Where commits of a workload lie, and when each was made, in ms since 1970. */
export interface WorkloadPlace {
  readonly repositoryId: string;
  readonly snapshots: Readonly<Record<string, number>>;
}

interface TargetWorkloadTable {
  target_id: TargetId;
  workload_id: WorkloadId;
  name: string;
  project_id: string;
  user_id: string;
  cloud_id: string | null;
  standing: Standing;
  is_known: boolean;
  places: Json<readonly WorkloadPlace[]>;
  /** `FoundFacts` of the domain. */
  facts: Json<unknown>;
  newest_at: Date;
}
export type TargetWorkloadRow = Selectable<TargetWorkloadTable>;

export type OwnershipJobKind = "look" | "import" | "reassign";

interface OwnershipJobTable {
  id: string;
  kind: OwnershipJobKind;
  request: Json<unknown>;
  asked_by: UserId;
  state: Generated<"queued" | "working" | "done" | "failed">;
  progress: ColumnType<unknown, string | undefined, string>;
  result: ColumnType<unknown, string | null | undefined, string | null>;
  error_message: string | null;
  generation: Generated<number>;
  claimed_by: string | null;
  lease_until: Date | null;
  created_at: Now;
  started_at: Date | null;
  finished_at: Date | null;
  told_at: Date | null;
}
export type OwnershipJobRow = Selectable<OwnershipJobTable>;
