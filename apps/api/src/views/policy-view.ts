import { type Policy, type PolicyAssignment, wireTime } from "@cairn/contract";
import type { PolicyAssignmentRow, PolicyRow } from "@cairn/database";

/** The order in which clients list what a policy decides. */
const FIELDS = [
  "fullbackup_interval",
  "interval",
  "retention_policy_type",
  "retention_policy_value",
  "hourly",
  "daily",
  "weekly",
  "monthly",
  "yearly",
  "manual",
];

/** A policy as its rows, with the columns that existing clients expect in each. */
export function policyView(row: PolicyRow, assignments: readonly PolicyAssignmentRow[]): Policy {
  const about = auditOf(row.created_at, row.updated_at);
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    status: "available",
    user_id: row.user_id,
    project_id: row.project_id,
    created_at: about.created_at,
    updated_at: wireTime(row.updated_at.getTime()),
    field_values: FIELDS.filter((name) => row.field_values[name] !== undefined).map((name) => ({
      ...about,
      id: `${row.id}/${name}`,
      policy_id: row.id,
      policy_field_name: name,
      value: row.field_values[name],
    })),
    metadata: Object.entries(row.metadata).map(([key, value]) => ({
      ...about,
      id: `${row.id}/${key}`,
      policy_id: row.id,
      key,
      value: typeof value === "string" ? value : JSON.stringify(value),
    })),
    policy_assignments: assignments
      .filter((each) => each.policy_id === row.id)
      .map((each) => assignmentView(row, each)),
  };
}

/** That a project may choose a policy. */
export function assignmentView(policy: PolicyRow, row: PolicyAssignmentRow): PolicyAssignment {
  return {
    ...auditOf(row.assigned_at, undefined),
    id: `${row.policy_id}/${row.project_id}`,
    policy_id: row.policy_id,
    policy_name: policy.name,
    project_id: row.project_id,
  };
}

function auditOf(created: Date, updated: Date | undefined) {
  return {
    created_at: wireTime(created.getTime()),
    updated_at: updated === undefined ? null : wireTime(updated.getTime()),
    deleted_at: null,
    deleted: false,
    version: "1",
  };
}
