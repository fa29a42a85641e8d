import type { QuotaType } from "@cairn/domain";
import type { Id, ProjectId, UserId } from "@cairn/kernel";
import type { ColumnType, Generated, Selectable } from "kysely";

export type PolicyId = Id<"policy">;
export type QuotaId = Id<"quota">;

type Now = ColumnType<Date, Date | undefined, Date>;
type JsonMap = Readonly<Record<string, unknown>>;

/** The tables of what operators prescribe to projects. */
export interface PolicyTables {
  workload_policy: WorkloadPolicyTable;
  workload_policy_assignment: WorkloadPolicyAssignmentTable;
  quota: QuotaTable;
}

interface WorkloadPolicyTable {
  id: PolicyId;
  name: string;
  description: Generated<string>;
  field_values: ColumnType<JsonMap, string, string>;
  metadata: ColumnType<JsonMap, string | undefined, string>;
  user_id: UserId;
  project_id: ProjectId;
  created_at: Now;
  updated_at: Now;
}
export type PolicyRow = Selectable<WorkloadPolicyTable>;

interface WorkloadPolicyAssignmentTable {
  policy_id: PolicyId;
  project_id: ProjectId;
  assigned_at: Now;
}
export type PolicyAssignmentRow = Selectable<WorkloadPolicyAssignmentTable>;

interface QuotaTable {
  id: QuotaId;
  project_id: ProjectId;
  quota_type: QuotaType;
  allowed_value: number;
  high_watermark: number;
  is_above: Generated<boolean>;
  crossed_at: Date | null;
  crossed_used: number | null;
  told_above: Generated<boolean>;
  created_at: Now;
  updated_at: Now;
}
export type QuotaRow = Selectable<QuotaTable>;
