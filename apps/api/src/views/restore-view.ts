import {
  matches,
  type RestoreDetail,
  RestoredInstance,
  type RestoreOptions,
  type RestoreSummary,
  wireTime,
} from "@cairn/contract";
import type { RestoreRow, SnapshotRow } from "@cairn/database";
import type { RunningView } from "../handlers/running.ts";
import { linksOf } from "../links.ts";
import { metadataRows } from "./metadata-rows.ts";

interface About {
  readonly origin: string;
  readonly nowMs: number;
}

/** A restore's row as a list shows it. */
export function restoreSummary(
  row: RestoreRow,
  runningNow: RunningView | undefined,
  about: About,
): RestoreSummary {
  const running = withSafetySnapshot(row, runningNow);
  const done = row.status === "available";
  const endMs = row.finished_at?.getTime() ?? about.nowMs;
  return {
    id: row.id,
    created_at: wireTime(row.created_at.getTime()),
    updated_at: wireTime(row.updated_at.getTime()),
    finished_at: row.finished_at === null ? null : wireTime(row.finished_at.getTime()),
    user_id: row.user_id,
    project_id: row.project_id,
    status: row.status,
    restore_type: "restore",
    snapshot_id: row.snapshot_id,
    workload_id: row.workload_id,
    links: linksOf(about.origin, row.project_id, `restores/${row.id}`),
    name: row.name,
    description: row.description === "" ? "-" : row.description,
    host: "",
    size: row.size_bytes,
    uploaded_size: running?.run.doneBytes ?? row.written_bytes,
    progress_percent: done ? 100 : (running?.run.percent ?? 0),
    progress_msg: done ? "Restore from snapshot is complete" : (running?.progress.phase ?? null),
    warning_msg: row.warning_message,
    error_msg: row.error_message,
    time_taken: Math.max(0, Math.round((endMs - row.created_at.getTime()) / 1000)),
    // Written by this API, after validation.
    restore_options: row.options as RestoreOptions,
    safety_snapshot_id: row.safety_snapshot_id,
    metadata: metadataRows(withoutMade(row.metadata), {
      kind: "restore",
      id: row.id,
      createdAt: row.created_at,
    }),
  };
}

/**
 * A restore that takes a safety snapshot has two runs, one after the other: each is one half of the way, and
 * the first writes nothing of the restore.
 */
function withSafetySnapshot(row: RestoreRow, running: RunningView | undefined): RunningView | undefined {
  if (running === undefined || row.safety_snapshot_id === null) return running;
  const { run, progress } = running;
  const half = Math.floor(run.percent / 2);
  if (run.flow !== "safety-snapshot") return { run: { ...run, percent: 50 + half }, progress };
  return {
    run: { ...run, percent: half, doneBytes: 0 },
    progress: { ...progress, phase: `safety snapshot: ${progress.phase}` },
  };
}

/** A restore with what it made and how far it is. */
export function restoreDetail(
  row: RestoreRow,
  also: { readonly snapshot: SnapshotRow | undefined; readonly running: RunningView | undefined },
  about: About,
): RestoreDetail {
  const { snapshot, running } = also;
  return {
    ...restoreSummary(row, running, about),
    // The restore flow wrote them in the wire's form.
    instances: row.instances.filter((each) => matches(RestoredInstance, each)),
    networks: madeThings(row, "networks"),
    subnets: madeThings(row, "subnets"),
    routers: madeThings(row, "routers"),
    flavors: madeThings(row, "flavors"),
    security_groups: madeThings(row, "security_groups"),
    server_groups: madeThings(row, "server_groups"),
    floating_ips: madeThings(row, "floating_ips"),
    snapshot_details: {
      id: row.snapshot_id,
      name: snapshot?.name ?? "",
      created_at: wireTime((snapshot?.created_at ?? row.created_at).getTime()),
    },
    progress: withSafetySnapshot(row, running)?.progress ?? null,
  };
}

/** Under this key of its metadata the restore flow keeps what was made beside instances. */
const RESTORED_KEY = "restored";

function withoutMade(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== RESTORED_KEY));
}

/** Things of one kind that a restore made, each with its id now and the one in the snapshot. */
function madeThings({ metadata }: RestoreRow, kind: string): Record<string, unknown>[] {
  const restored = metadata[RESTORED_KEY];
  if (typeof restored !== "object" || restored === null) return [];
  const things: unknown = Reflect.get(restored, kind);
  return Array.isArray(things) ? things.filter((thing) => typeof thing === "object" && thing !== null) : [];
}
