import type { ProtectionMark } from "@cairn/domain";
import type { ProjectId, UserId, WorkloadId } from "@cairn/kernel";
import type { ColumnType, Selectable } from "kysely";

type Now = ColumnType<Date, Date | undefined, Date>;

interface ProtectionRuleTable {
  id: string;
  project_id: ProjectId;
  user_id: UserId;
  workload_id: WorkloadId;
  mark: ColumnType<ProtectionMark, string, string>;
  created_at: Now;
  look_at: Now;
  looked_at: Date | null;
  note: string | null;
}
export type ProtectionRuleRow = Selectable<ProtectionRuleTable>;

/** The table of protection by tag. */
export interface ProtectionTables {
  protection_rule: ProtectionRuleTable;
}
