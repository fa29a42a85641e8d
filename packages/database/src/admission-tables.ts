import type { AdmissionRule } from "@cairn/domain";
import type { RunId } from "@cairn/kernel";
import type { ColumnType, Selectable } from "kysely";

type Now = ColumnType<Date, Date | undefined, Date>;

interface AdmissionTable {
  run_id: RunId;
  is_scheduled: boolean;
  asked_at: Now;
  hosts: ColumnType<readonly string[] | null, string | null | undefined, string | null>;
  hosts_at: Date | null;
  admitted_at: Date | null;
  place: number | null;
  reason_code: string | null;
  reason: string | null;
}
export type AdmissionRow = Selectable<AdmissionTable>;

interface AdmissionRuleTable {
  id: string;
  rule: ColumnType<AdmissionRule, string, string>;
  changed_by: string;
  created_at: Now;
}
export type AdmissionRuleRow = Selectable<AdmissionRuleTable>;

/** The tables of migration 0011. */
export interface AdmissionTables {
  admission: AdmissionTable;
  admission_rule: AdmissionRuleTable;
}
