import { listDiskBases, noteStateEpoch } from "@cairn/database";
import { asId, Fault, hasCode } from "@cairn/kernel";
import { beginSession, type Commit, endSession, mayCommit, readSession } from "@cairn/repository";
import type { OpenRepository } from "./repository-access.ts";
import type { StepContext } from "./step.ts";

/*
 * A run that takes a snapshot is one writer of its repository, whatever number of datamovers store its disks:
 * its session is called like the run. While it lasts, no sweep deletes what the run may have referred to.
 */

/** Announces the run. It does not refer to anything before this resolves. */
export async function beginRunSession(context: StepContext, repository: OpenRepository): Promise<void> {
  const { run, database, signal } = context;
  const { workloadId, snapshotId } = run.subject;
  const bases = await listDiskBases(database.handle, workloadId);
  const session = await beginSession(repository.store, repository, {
    sessionId: run.id,
    workloadId,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    bases: [...new Set(bases.map((base) => base.snapshot_id))].toSorted(),
    hint: repository.stateEpoch,
    signal,
  });
  await noteStateEpoch(database.handle, asId(repository.repositoryId), session.state.epoch);
}

/**
 * Asks whether the run may still commit: after its time is over, a sweep no longer waits for it. Fault
 * `session-over`.
 */
export async function requireRunSession(context: StepContext, repository: OpenRepository): Promise<void> {
  const { run, signal } = context;
  const { store } = repository;
  const session = await readSession(store, repository, { sessionId: run.id, signal });
  if (session !== undefined && mayCommit(session, await store.time(signal))) return;
  const why = session === undefined ? "it is not there" : "its time is over";
  throw new Fault("session-over", `committing in writer session ${run.id}: ${why}; take it again`, "never");
}

/** Ends the run's session, with its commit or without. One that ended with a commit stays as it is. */
export async function endRunSession(
  context: StepContext,
  repository: OpenRepository,
  commit?: Commit,
): Promise<void> {
  const { run, signal } = context;
  const named =
    commit === undefined ? {} : { commit: { workloadId: commit.workloadId, snapshotId: commit.snapshotId } };
  // A run that failed before it announced itself leaves nothing.
  if ((await readSession(repository.store, repository, { sessionId: run.id, signal })) === undefined) return;
  try {
    await endSession(repository.store, repository, { sessionId: run.id, ...named, signal });
  } catch (cause) {
    // The commit of a run that turns back afterwards is buried; that the session named it harms nobody.
    if (commit !== undefined || !hasCode(cause, "object-exists")) throw cause;
  }
}
