import type { TargetWorkload } from "@cairn/contract";

/** What a map of owners is made of. */
export type MappedWorkload = Pick<TargetWorkload, "name" | "project_id" | "standing">;

/** A map that reassigns workloads, one entry a former project; their new owners are to be filled in. */
export async function reassignMap(rows: readonly MappedWorkload[]): Promise<string> {
  const { stringify } = await import("yaml");
  const projects = Map.groupBy(rows, (row) => row.project_id);
  const entries = [...projects].map(([project, workloads]) => ({
    old_tenant_ids: [project],
    new_tenant_id: "",
    user_id: "",
    migrate_cloud: workloads.some(({ standing }) => standing === "other-cloud"),
    workloads: workloads.map(({ name }) => name).join(", "),
  }));
  return stringify({ reassign_mappings: entries }, { lineWidth: 0 });
}
