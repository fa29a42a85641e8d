import { DiskBase, matches, WORKLOAD_TYPES } from "@cairn/contract";
import {
  findSnapshot,
  findWorkload,
  hasCommittedSnapshot,
  listDiskBases,
  listWorkloadInstances,
  type SnapshotRow,
  type WorkloadRow,
} from "@cairn/database";
import type {
  BitmapBase,
  CapturedRecord,
  KnownDisk,
  ObservedInstance,
  SnapshotObservation,
} from "@cairn/domain";
import { assert, type InstanceId, mapLimited } from "@cairn/kernel";
import { captureGroups, captureInstance, captureServerGroups, observeSurroundings } from "./capture.ts";
import { captureTopology } from "./capture-network.ts";
import { AUDIT_BYTES, OBSERVATIONS_AT_ONCE } from "./limits.ts";
import { findInstance, listDisabledHosts, listLiveHosts } from "./observe-members.ts";
import { cloudIdOf } from "./ownership-context.ts";
import type { FlowContext } from "./step.ts";

/**
 * Reads everything that a snapshot's plan depends on: of all members of the workload, or of those that are
 * named.
 */
export async function observeSnapshot(
  context: FlowContext,
  only?: readonly InstanceId[],
): Promise<SnapshotObservation> {
  const { run, database } = context;
  const { workloadId, snapshotId } = run.subject;
  assert(snapshotId !== undefined, "a snapshot run names its snapshot");
  const workload = await findWorkload(database.handle, { id: workloadId });
  const snapshot = await findSnapshot(database.handle, { id: snapshotId });
  assert(
    workload !== undefined && snapshot !== undefined,
    `workload and snapshot of run ${run.id} have rows`,
  );
  const all = await listWorkloadInstances(database.handle, [workloadId]);
  const members = all.filter((member) => only?.includes(member.instance_id) ?? true);
  const around = await observeSurroundings(context);
  const instances = await mapLimited(
    members,
    OBSERVATIONS_AT_ONCE,
    async (member): Promise<ObservedInstance> => {
      const server = await findInstance(context, member.instance_id);
      if (server === undefined) return { kind: "missing", id: member.instance_id };
      const captured = await captureInstance(context, server, around);
      return { kind: "present", captured, host: server.host, taskState: server.taskState };
    },
  );
  const present = instances.flatMap((each) => (each.kind === "present" ? [each.captured] : []));
  const groupIds = present.flatMap(({ nics }) =>
    nics.flatMap((nic) => nic.securityGroups.map(({ id }) => id)),
  );
  return {
    snapshotId,
    workload: { id: workloadId, name: workload.name },
    record: recordOf(workload, snapshot, await cloudIdOf(context, context.signal)),
    order: workload.workload_type_id === WORKLOAD_TYPES.serial ? "serial" : "parallel",
    requested: snapshot.snapshot_type,
    nextFull: workload.next_full,
    hasCommittedSnapshot: await hasCommittedSnapshot(database.handle, workloadId),
    instances,
    securityGroups: captureGroups(groupIds, around),
    topology: await captureTopology(context, around),
    serverGroups: await captureServerGroups(
      context,
      present.flatMap((instance) => instance.serverGroupIds),
    ),
    liveHosts: await listLiveHosts(context),
    disabledHosts: await listDisabledHosts(context),
    knownDisks: await observeKnownDisks(context),
    auditBytes: AUDIT_BYTES,
  };
}

/** What of the rows goes into the commit. It is read once, so that a repeated step commits the same. */
function recordOf(workload: WorkloadRow, snapshot: SnapshotRow, cloudId: string): CapturedRecord {
  return {
    workload: {
      userId: workload.user_id,
      cloudId,
      description: workload.description,
      typeId: workload.workload_type_id,
      jobschedule: workload.jobschedule,
      metadata: workload.metadata,
    },
    snapshot: {
      userId: snapshot.user_id,
      name: snapshot.name,
      description: snapshot.description,
      requestedAt: snapshot.created_at.toISOString(),
    },
  };
}

async function observeKnownDisks(context: FlowContext): Promise<KnownDisk[]> {
  const rows = await listDiskBases(context.database.handle, context.run.subject.workloadId);
  return rows.map((row) => {
    const base = parseBase(row.base);
    return { diskId: row.disk_id, root: row.root, ...(base === undefined ? {} : { base }) };
  });
}

/** A base that an older release wrote otherwise is no base: the disk is read whole. */
function parseBase(base: unknown): BitmapBase | undefined {
  return matches(DiskBase, base) ? base : undefined;
}
