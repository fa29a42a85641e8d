import { listDiskBases, removeDiskBases, saveDiskBases } from "@cairn/database";
import {
  bitmapName,
  type CommitStep,
  type CommittedWorkload,
  type ProtectStep,
  type SettleStep,
  type SnapshotDiskRecord,
  type SnapshotInstanceRecord,
  type SnapshotKind,
} from "@cairn/domain";
import { asId, assert, describeFault, Fault, type RepositoryId, type SnapshotId } from "@cairn/kernel";
import { type Commit, FORMAT_VERSION, removeCommit, writeCommit, writeTombstone } from "@cairn/repository";
import { defineStep } from "./define-step.ts";
import { hostAtRest, hostToday } from "./instance-place.ts";
import { ensureRepository, findOwnRepository, openRepository } from "./repository-access.ts";
import type { StepContext, SucceededOutcome } from "./step.ts";
import { beginRunSession, endRunSession, requireRunSession } from "./writer-session.ts";

/** The key of the step that makes the repository, as the plan calls it. */
const REPOSITORY_KEY = "repository";

type Protected = SucceededOutcome & { kind: "protected" };

/** What `write-commit` gives: everything that the snapshot's row will say. */
export interface CommitOutput {
  readonly repositoryId: RepositoryId;
  readonly type: SnapshotKind;
  /** Milliseconds since 1970: the earliest of the instances' points in time. */
  readonly pointAt: number;
  readonly instances: readonly SnapshotInstanceRecord[];
  readonly disks: readonly SnapshotDiskRecord[];
  readonly indexSegments: readonly string[];
}

/** What `ensure-repository` gives. */
interface RepositoryOutput {
  readonly repositoryId: RepositoryId;
}

/**
 * Makes the repository and announces the run to it as a writer, before any datamover looks at what it might
 * refer to. The repository stays when the run is undone: it belongs to the project, not to the snapshot.
 */
export const ensureRepositoryStep = defineStep<unknown, RepositoryOutput>({
  perform: async (context) => {
    const repositoryId = await ensureRepository(context);
    await beginRunSession(context, await openRepository(context, repositoryId));
    return { repositoryId };
  },
  undo: async (context, _parameters, output) => {
    const repositoryId = output?.repositoryId ?? (await findOwnRepository(context));
    if (repositoryId === undefined) return;
    await endRunSession(context, await openRepository(context, repositoryId));
  },
});

export const protectInstanceStep = defineStep<ProtectStep, Protected>({
  perform: async (context, { host, order }) => {
    const { repositoryId } = context.output(REPOSITORY_KEY) as { repositoryId: RepositoryId };
    const { instanceId, instanceName } = order;
    const today = await hostAtRest(context, { instanceId, instanceName, host });
    return expectOutcome(await context.order(today, order, repositoryId), "protected");
  },
  undo: async (context, { host, order }) => {
    const { snapshotId, instanceId, instanceName, bitmap } = order;
    const abandon = { kind: "abandon-instance", snapshotId, instanceId, bitmap } as const;
    await context.order(asId(host), abandon);
    const today = await hostToday(context, { instanceId, instanceName, host });
    if (today !== undefined) await context.order(today, abandon);
  },
  // At their barrier each waits for all others.
  meets: true,
});

/** An outcome of another kind than the order's is the datamover's mistake, not ours to go on with. */
export function expectOutcome<Kind extends SucceededOutcome["kind"]>(
  outcome: SucceededOutcome,
  kind: Kind,
): SucceededOutcome & { kind: Kind } {
  if (outcome.kind !== kind) {
    throw new Fault("order-outcome", `waiting for an order to be ${kind}: it is ${outcome.kind}`, "never");
  }
  return outcome as SucceededOutcome & { kind: Kind };
}

/**
 * The commit makes the snapshot exist, so it comes after all bytes are durable. It is the same each time it
 * is written: its date is the point in time, everything else comes from the plan and from stored outcomes.
 */
export const writeCommitStep = defineStep<CommitStep, CommitOutput>({
  perform: async (context, parameters) => {
    const { run, signal } = context;
    const output = assemble(context, parameters);
    const { captured } = parameters;
    const metadata: CommittedWorkload = { ...captured, instances: output.instances, disks: output.disks };
    const commit: Commit = {
      formatVersion: FORMAT_VERSION,
      snapshotId: snapshotOf(context),
      workloadId: run.subject.workloadId,
      projectId: run.projectId,
      createdAt: new Date(output.pointAt).toISOString(),
      type: output.type,
      metadata,
      disks: output.disks.map(({ diskId, instanceId, device, sizeBytes, root }) => ({
        diskId,
        instanceId,
        device,
        sizeBytes,
        root,
      })),
      indexSegments: output.indexSegments,
    };
    const repository = await openRepository(context, output.repositoryId);
    await requireRunSession(context, repository);
    await writeCommit(repository.store, { ...repository, commit, signal });
    await endRunSession(context, repository, commit);
    return output;
  },
  // A write whose outcome is unknown may still land, so the tombstone is written whether or not a commit is
  // seen.
  undo: async (context) => {
    const { repositoryId } = context.output(REPOSITORY_KEY) as { repositoryId: RepositoryId };
    await buryCommit(context, repositoryId);
  },
});

/** Ends the existence of the run's snapshot in its repository: tombstone first, then the commit. */
export async function buryCommit(context: StepContext, id: RepositoryId): Promise<void> {
  const { run, clock, signal } = context;
  const { store, repositoryId, keys } = await openRepository(context, id);
  const snapshotId = snapshotOf(context);
  const now = new Date(clock.now()).toISOString();
  const { workloadId } = run.subject;
  const tombstone = { snapshotId, workloadId, requestedAt: now, requestedBy: run.userId, notBefore: now };
  await writeTombstone(store, { repositoryId, keys, tombstone, signal });
  await removeCommit(store, { repositoryId, keys, workloadId, snapshotId, signal });
}

function assemble(context: StepContext, { type, captured, protectSteps }: CommitStep): CommitOutput {
  const outcomes = protectSteps.map((key) => context.output(key) as Protected);
  const instances = captured.instances.map((instance, index): SnapshotInstanceRecord => {
    const outcome = outcomes[index];
    assert(outcome !== undefined, `instance ${instance.id} was protected`);
    const disks = instance.disks.map((disk) => {
      const stored = outcome.disks.find((each) => each.diskId === disk.diskId);
      if (stored === undefined) {
        throw new Fault(
          "order-outcome",
          `committing disk ${disk.device} of ${instance.name}: it was not read`,
          "never",
        );
      }
      return { ...disk, sizeBytes: stored.sizeBytes };
    });
    const { barrier, consistency, pointAt } = outcome;
    return { ...instance, disks, pointAt, consistency, ...(barrier === undefined ? {} : { barrier }) };
  });
  const { repositoryId } = context.output(REPOSITORY_KEY) as { repositoryId: RepositoryId };
  return {
    repositoryId,
    type,
    pointAt: Math.min(...outcomes.map((outcome) => outcome.pointAt)),
    instances,
    disks: instances.flatMap((instance, index) => recordDisks(instance, outcomes[index])),
    indexSegments: outcomes.flatMap((outcome) => outcome.indexSegments),
  };
}

function recordDisks(instance: SnapshotInstanceRecord, outcome: Protected | undefined): SnapshotDiskRecord[] {
  return instance.disks.flatMap((disk) => {
    const stored = outcome?.disks.find((each) => each.diskId === disk.diskId);
    if (stored === undefined) return [];
    const { sizeBytes, format, root, read, readBytes, auditedBytes, changedBytes, storedBytes } = stored;
    const figures = { readBytes, auditedBytes, changedBytes, storedBytes };
    const { diskId, device } = disk;
    return [{ diskId, instanceId: instance.id, device, sizeBytes, format, root, read, ...figures }];
  });
}

interface SavedBase {
  readonly diskId: string;
  readonly instanceId: string;
  readonly snapshotId: string;
  readonly root: string;
  readonly base: unknown;
}

/**
 * Makes the committed snapshot the one that the next counts from. The bases that it replaces are kept in the
 * output, so that undoing brings them back; a bitmap of theirs that was settled meanwhile is disproved on the
 * host and costs a full read, nothing more.
 */
export const advanceBasesStep = defineStep<Pick<CommitStep, "protectSteps">, { replaced: SavedBase[] }>({
  perform: async (context, { protectSteps }) => {
    const { workloadId } = context.run.subject;
    const snapshotId = snapshotOf(context);
    const commit = context.output("commit") as CommitOutput;
    const outcomes = protectSteps.map((key) => context.output(key) as Protected);
    const bases = outcomes.flatMap((outcome) =>
      outcome.disks.map(({ diskId, root, base }) => ({
        diskId,
        instanceId: asId<"instance">(commit.disks.find((disk) => disk.diskId === diskId)?.instanceId ?? ""),
        root,
        ...(base === undefined ? {} : { base }),
      })),
    );
    return context.database.transaction(async (transaction) => {
      const before = await listDiskBases(transaction, workloadId);
      await saveDiskBases(transaction, workloadId, snapshotId, bases);
      const replaced = before.filter(
        (row) => row.snapshot_id !== snapshotId && bases.some((base) => base.diskId === row.disk_id),
      );
      return { replaced: replaced.map(savedBase) };
    });
  },
  undo: async (context, _parameters, output) => {
    const { workloadId } = context.run.subject;
    const snapshotId = snapshotOf(context);
    await context.database.transaction(async (transaction) => {
      const rows = await listDiskBases(transaction, workloadId);
      const ours = new Set(
        rows.filter((row) => row.snapshot_id === snapshotId).map((row) => row.instance_id),
      );
      for (const instanceId of ours) await removeDiskBases(transaction, workloadId, instanceId);
      for (const saved of output?.replaced ?? []) {
        const { diskId, root, base } = saved;
        const restored = { diskId, instanceId: asId<"instance">(saved.instanceId), root };
        const withBase = base === null || base === undefined ? restored : { ...restored, base };
        await saveDiskBases(transaction, workloadId, asId<"snapshot">(saved.snapshotId), [withBase]);
      }
    });
  },
});

function savedBase(row: Awaited<ReturnType<typeof listDiskBases>>[number]): SavedBase {
  return {
    diskId: row.disk_id,
    instanceId: row.instance_id,
    snapshotId: row.snapshot_id,
    root: row.root,
    base: row.base,
  };
}

/** What `settle-instance` gives: a sentence when bitmaps could not be removed. */
export interface SettleOutput {
  readonly warning: string | null;
}

/**
 * Removes bitmaps that nothing counts from any more. Its failure harms nobody: a left bitmap costs a little
 * memory, and the next settling of the instance removes it, because it names what to keep and not what to
 * remove.
 */
export const settleInstanceStep = defineStep<SettleStep, SettleOutput>({
  perform: async (context, { host, instanceId, instanceName, protectStep }) => {
    const keepBitmaps = protectStep === null ? [] : bitmapsInUse(context, protectStep);
    try {
      await context.order(asId(host), { kind: "settle-instance", instanceId, keepBitmaps });
      return { warning: null };
    } catch (fault) {
      context.signal.throwIfAborted();
      if (!(fault instanceof Fault)) throw fault;
      context.log.warn("flow.settle-failed", { instance: instanceId, fault: describeFault(fault) });
      return { warning: `Old bitmaps of instance ${instanceName} stay until its next snapshot.` };
    }
  },
});

function bitmapsInUse(context: StepContext, protectStep: string): string[] {
  const outcome = context.output(protectStep) as Protected;
  const named = outcome.disks.flatMap((disk) => disk.base?.bitmap ?? []);
  return [...new Set([bitmapName(snapshotOf(context)), ...named])];
}

function snapshotOf(context: StepContext): SnapshotId {
  const { snapshotId } = context.run.subject;
  assert(snapshotId !== undefined, "this run names a snapshot");
  return snapshotId;
}
