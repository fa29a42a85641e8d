import {
  type AUDIT_TRIMMED,
  type AuditEnd,
  findNamedThing,
  type Handle,
  type RunRow,
  recordAudit,
  type SnapshotRow,
} from "@cairn/database";
import type { RunResult } from "@cairn/domain";

/** What engines do that nobody asked them for at that moment. */
export type EngineAction =
  | "engine:snapshot_scheduled"
  | "engine:snapshot_expired"
  | "engine:run_ended"
  | typeof AUDIT_TRIMMED
  | "engine:repository_swept"
  | "engine:repository_damaged";

interface Deed {
  readonly action: EngineAction;
  readonly projectId?: string;
  readonly object: { readonly kind: string; readonly id: string; readonly name: string };
  readonly detail: string;
  readonly outcome?: AuditEnd["outcome"];
}

/** Notes in the audit log what an engine does by itself, in the transaction that does it. */
export async function noteDeed(handle: Handle, deed: Deed): Promise<void> {
  const { action, projectId, object, detail } = deed;
  await recordAudit(
    handle,
    { origin: "engine", userName: "cairn-engine", projectId, action, object },
    { outcome: deed.outcome ?? "accepted", detail },
  );
}

/** The thing of a snapshot, as entries name it. */
export function asObject({ id, name }: Pick<SnapshotRow, "id" | "name">): Deed["object"] {
  return { kind: "snapshot", id, name };
}

/** Notes how a run ended, whoever opened it: what was asked for may have come to nothing long after. */
export async function noteRunEnd(handle: Handle, row: RunRow, result: RunResult): Promise<void> {
  const object = thingOfRun(row);
  const found = await findNamedThing(handle, object);
  await noteDeed(handle, {
    action: "engine:run_ended",
    projectId: row.project_id,
    object: { ...object, name: found?.name ?? "" },
    detail: `${row.flow} ${result.kind}`,
    outcome: result.kind === "succeeded" ? "accepted" : "failed",
  });
}

/** What a run was about: of a restore that, else the snapshot, else the workload. */
function thingOfRun({ restore_id: restore, snapshot_id: snapshot, workload_id: workload }: RunRow) {
  if (restore !== null) return { kind: "restore", id: restore } as const;
  if (snapshot !== null) return { kind: "snapshot", id: snapshot } as const;
  return { kind: "workload", id: workload } as const;
}
