import { type Clock, Fault, Rejection } from "@cairn/kernel";
import {
  type VerifyLevel,
  type VerifyProgress,
  type VerifyReport,
  verifySnapshot,
  verifyTarget,
  verifyWorkload,
} from "@cairn/maintenance";
import { openRepository, readKeySet } from "@cairn/repository";
import { type CatalogueRequest, findSnapshot, repositoryIds } from "./catalogue.ts";

export type { VerifyLevel } from "@cairn/maintenance";

/** What was found in one repository. */
export interface VerifiedRepository {
  readonly repositoryId: string;
  readonly report: VerifyReport;
}

export interface VerifyWhat extends CatalogueRequest {
  /** A snapshot, by id or its beginning, or `latest`. Else a workload, if one is given; else all there is. */
  readonly snapshot?: string;
  readonly level: VerifyLevel;
  readonly clock: Clock;
  readonly onProgress?: (repositoryId: string, progress: VerifyProgress) => void;
}

/**
 * Verifies a snapshot, a workload or everything, repository by repository. Damage is in the reports.
 * Rejections: there is nothing of that name. Faults: those of keys and of a target that does not answer; a
 * repository that a key does not open is one.
 */
export async function verifyRepositories(request: VerifyWhat): Promise<readonly VerifiedRepository[]> {
  const { snapshot } = request;
  if (snapshot !== undefined) {
    const names = await findSnapshot({ ...request, snapshot });
    const scope = await scopeOf(request, names.repositoryId);
    return [{ repositoryId: names.repositoryId, report: await verifySnapshot({ ...scope, ...names }) }];
  }
  const verified: VerifiedRepository[] = [];
  for await (const repositoryId of repositoryIds(request)) {
    const scope = await scopeOf(request, repositoryId);
    const { workloadId } = request;
    const report =
      workloadId === undefined ? await verifyTarget(scope) : await verifyWorkload({ ...scope, workloadId });
    if (workloadId === undefined || report.snapshots > 0) verified.push({ repositoryId, report });
  }
  if (verified.length > 0) return verified;
  const what = request.workloadId === undefined ? "repository" : `snapshot of workload ${request.workloadId}`;
  throw new Rejection(`There is no ${what} on the target.`, {
    status: 404,
    field: request.workloadId === undefined ? "--target" : "--workload",
    value: request.workloadId,
    remedy: "`cairn repo list` shows what there is.",
  });
}

async function scopeOf(request: VerifyWhat, repositoryId: string) {
  const { store, credentials, signal, clock, level, onProgress } = request;
  await openRepository(store, { repositoryId, signal });
  const { keys, rights } = await readKeySet(store, { repositoryId, credentials, signal });
  if (level === "data" && rights === "structure") {
    const message = `verifying the data of repository ${repositoryId} with the right to the structure alone`;
    throw new Fault("wrong-key", `${message}; use the level packs`, "after-operator");
  }
  return {
    store,
    handle: { repositoryId, keys },
    clock,
    level,
    signal,
    ...(onProgress === undefined
      ? {}
      : { onProgress: (progress: VerifyProgress) => onProgress(repositoryId, progress) }),
  };
}
