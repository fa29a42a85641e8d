import {
  type FoundRow,
  listForRetention,
  listFoundOn,
  listKnownWorkloads,
  listOwners,
  listReadyTargets,
  listWorkloadInstances,
  listWorkloadsOf,
  replaceFound,
  type TargetRow,
  type TargetWorkloadRow,
  type WorkloadPlace,
  type WorkloadRow,
} from "@cairn/database";
import {
  type CommittedWorkload,
  needsOfSnapshot,
  type OwnerTriple,
  ownerOf,
  type RecoveryNeeds,
} from "@cairn/domain";
import { asError, asId, describeFault, Fault, mapLimited, type WorkloadId } from "@cairn/kernel";
import {
  type Commit,
  listCommits,
  listRepositories,
  type RepositoryHandle,
  readCommit,
  readCommitClear,
  readOwner,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type LookProgress, type OwnershipContext, ProjectsAndUsers } from "./ownership-context.ts";
import { openStoredKeys } from "./repository-access.ts";
import { parseCaptured } from "./restore-source.ts";
import { openTarget } from "./targets.ts";

/** A repository that a look has opened. */
export interface FoundRepository extends RepositoryHandle {
  readonly target: TargetRow;
  readonly store: Store;
  readonly wrapped: Buffer;
  /** The workloads that it has commits of. */
  readonly workloadIds: readonly string[];
}

/** A workload that this database does not know, or whose owner is gone. */
export interface FoundWorkload extends FoundRow {
  readonly target: TargetRow;
  readonly owner: OwnerTriple;
}

/** What the newest snapshot of a found workload says of it, as listings show it. */
export interface FoundFacts {
  readonly description: string;
  readonly members: readonly { readonly id: string; readonly name: string }[];
  readonly snapshotCount: number;
  readonly needs: RecoveryNeeds;
}

export interface Look {
  readonly workloads: ReadonlyMap<string, FoundWorkload>;
  readonly repositories: ReadonlyMap<string, FoundRepository>;
  /** What could not be read, with the reason. */
  readonly skipped: readonly string[];
}

const REPOSITORIES_AT_ONCE = 4;
const READS_AT_ONCE = 8;

/**
 * Looks through targets for workloads that this database does not know. Of a workload that it knows nothing
 * is read, and of others only what no earlier look has read: headers of new commits, the newest commit, the
 * owner's record. What is found is written for listings, which page through it.
 */
export async function lookAtTargets(
  context: OwnershipContext,
  wanted: { readonly targetIds?: readonly string[] } = {},
): Promise<Look> {
  const { database, onProgress } = context;
  const all = await listReadyTargets(database.handle);
  const targets = all.filter(({ id }) => wanted.targetIds?.includes(id) ?? true);
  const looker = new Looker(context, await listKnownWorkloads(database.handle));
  for (const target of targets) {
    onProgress(looker.progress(`looking at ${target.name}`));
    await looker.lookAt(target, targets.length === 1);
  }
  return looker.end(targets);
}

interface Commits {
  readonly repository: FoundRepository;
  readonly snapshots: Readonly<Record<string, number>>;
}

class Looker {
  readonly #context: OwnershipContext;
  readonly #known: ReadonlySet<WorkloadId>;
  readonly #skipped: string[] = [];
  readonly #repositories = new Map<string, FoundRepository>();
  readonly #commits = new Map<string, Commits[]>();
  readonly #here: ProjectsAndUsers;
  #seen = 0;
  #done = 0;

  constructor(context: OwnershipContext, known: ReadonlySet<WorkloadId>) {
    this.#context = context;
    this.#known = known;
    this.#here = new ProjectsAndUsers(context);
  }

  progress(doing: string): LookProgress {
    return {
      doing,
      repositories: this.#done,
      repositoriesKnown: this.#seen,
      workloads: this.#commits.size,
    };
  }

  /** A target that is away is skipped where there are others; alone it is what went wrong. */
  async lookAt(target: TargetRow, isOnly: boolean): Promise<void> {
    const { masterKey, signal, database } = this.#context;
    try {
      const store = openTarget(target, masterKey);
      const before = await listFoundOn(database.handle, target.id);
      const ids: string[] = [];
      for await (const id of listRepositories(store, signal)) ids.push(id);
      this.#seen += ids.length;
      await mapLimited(ids, REPOSITORIES_AT_ONCE, async (id) => {
        await this.#lookIn({ target, store, before }, id);
        this.#done += 1;
        this.#context.onProgress(this.progress(`looking at ${target.name}`));
      });
    } catch (cause) {
      signal.throwIfAborted();
      if (isOnly || !(cause instanceof Fault)) throw cause;
      this.#skipped.push(`target ${target.name}: ${describeFault(cause)}`);
    }
  }

  async #lookIn(
    at: {
      readonly target: TargetRow;
      readonly store: Store;
      readonly before: readonly TargetWorkloadRow[];
    },
    repositoryId: string,
  ): Promise<void> {
    const { masterKey, signal } = this.#context;
    const { target, store } = at;
    const names = await Array.fromAsync(listCommits(store, { repositoryId, signal }));
    const byWorkload = Map.groupBy(names, ({ workloadId }) => workloadId);
    try {
      const { keys, wrapped } = await openStoredKeys({ masterKey, signal }, store, repositoryId);
      const workloadIds = [...byWorkload.keys()];
      const shared = { target, store, wrapped, repositoryId, keys, workloadIds };
      this.#repositories.set(repositoryId, shared);
      for (const [workloadId, commits] of byWorkload) {
        if (this.#known.has(asId(workloadId))) continue;
        const snapshots = await this.#datesOf(at, repositoryId, commits);
        const others = this.#commits.get(workloadId) ?? [];
        if (Object.keys(snapshots).length > 0)
          this.#commits.set(workloadId, [...others, { repository: shared, snapshots }]);
      }
    } catch (cause) {
      signal.throwIfAborted();
      // A target that is away is no matter of one repository.
      if (!(cause instanceof Fault) || cause.retry === "later") throw cause;
      this.#skipped.push(`repository ${repositoryId}: ${describeFault(cause)}`);
    }
  }

  /** When each commit was made; those of an earlier look are not read again. */
  async #datesOf(
    { store, before }: { readonly store: Store; readonly before: readonly TargetWorkloadRow[] },
    repositoryId: string,
    commits: readonly { readonly workloadId: string; readonly snapshotId: string }[],
  ): Promise<Record<string, number>> {
    const { signal } = this.#context;
    const row = before.find((each) => each.workload_id === commits[0]?.workloadId);
    const known = row?.places.find((place) => place.repositoryId === repositoryId)?.snapshots ?? {};
    const dates = await mapLimited(commits, READS_AT_ONCE, async ({ workloadId, snapshotId }) => {
      const date = known[snapshotId];
      if (date !== undefined) return [snapshotId, date] as const;
      try {
        const clear = await readCommitClear(store, { repositoryId, workloadId, snapshotId, signal });
        return [snapshotId, clear.createdAtMs] as const;
      } catch (cause) {
        if (!(cause instanceof Fault) || cause.retry === "later") throw cause;
        if (cause.code !== "object-missing")
          this.#skipped.push(`snapshot ${snapshotId}: ${describeFault(cause)}`);
        return undefined;
      }
    });
    return Object.fromEntries(dates.filter((each) => each !== undefined));
  }

  async end(targets: readonly TargetRow[]): Promise<Look> {
    const { database, onProgress, signal } = this.#context;
    onProgress(this.progress("reading what the newest snapshots say"));
    const unknown = await mapLimited([...this.#commits], READS_AT_ONCE, async ([workloadId, places]) => {
      try {
        return await this.#describe(workloadId, places);
      } catch (cause) {
        signal.throwIfAborted();
        // Whose it is cannot be read: nobody gets it by mistake.
        if (!(cause instanceof Fault) || cause.retry === "later") throw cause;
        this.#skipped.push(`workload ${workloadId}: ${describeFault(cause)}`);
        return undefined;
      }
    });
    const workloads = [...unknown.flatMap((each) => each ?? []), ...(await this.#ownerless(targets))];
    for (const target of targets) {
      const mine = workloads.filter((each) => each.target.id === target.id);
      await database.transaction(async (transaction) => replaceFound(transaction, target.id, mine));
    }
    return {
      workloads: new Map(workloads.map((each) => [each.workloadId, each])),
      repositories: this.#repositories,
      skipped: this.#skipped,
    };
  }

  /** By its newest commit that can be read; `undefined` when none can. */
  async #describe(workloadId: string, places: readonly Commits[]): Promise<FoundWorkload | undefined> {
    const dated = places
      .flatMap(({ repository, snapshots }) =>
        Object.entries(snapshots).map(([snapshotId, atMs]) => ({ repository, snapshotId, atMs })),
      )
      .toSorted((a, b) => b.atMs - a.atMs);
    for (const { repository, snapshotId } of dated) {
      const commit = await this.#read(repository, workloadId, snapshotId);
      if (commit === undefined) continue;
      return this.#found(commit, places, repository.target);
    }
    return undefined;
  }

  async #read(repository: FoundRepository, workloadId: string, snapshotId: string) {
    const { store, repositoryId, keys } = repository;
    const { signal } = this.#context;
    try {
      const commit = await readCommit(store, { repositoryId, keys, workloadId, snapshotId, signal });
      return { ...commit, captured: parseCaptured(commit.metadata, snapshotId) as CommittedWorkload };
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof Fault) || cause.retry === "later") throw asError(cause);
      this.#skipped.push(`snapshot ${snapshotId}: ${describeFault(cause)}`);
      return undefined;
    }
  }

  async #found(
    commit: Commit & { readonly captured: CommittedWorkload },
    commits: readonly Commits[],
    target: TargetRow,
  ): Promise<FoundWorkload> {
    const { captured, workloadId } = commit;
    const owner = await this.#ownerOf(commit, commits);
    const places: WorkloadPlace[] = commits.map(({ repository, snapshots }) => ({
      repositoryId: repository.repositoryId,
      snapshots,
    }));
    const facts: FoundFacts = {
      description: captured.record.workload.description,
      members: captured.instances.map(({ id, name }) => ({ id, name })),
      snapshotCount: places.reduce((sum, { snapshots }) => sum + Object.keys(snapshots).length, 0),
      needs: needsOfSnapshot(captured),
    };
    return {
      workloadId: asId(workloadId),
      name: captured.workload.name,
      ...owner,
      cloudId: owner.cloudId,
      owner,
      standing: await this.#here.standingOf(owner),
      isKnown: false,
      places,
      facts,
      newestAt: new Date(commit.createdAt),
      target,
    };
  }

  async #ownerOf(
    commit: Commit & { readonly captured: CommittedWorkload },
    places: readonly Commits[],
  ): Promise<OwnerTriple> {
    const { workloadId, projectId } = commit;
    const { userId, cloudId } = commit.captured.record.workload;
    const committed = { owner: { projectId, userId, cloudId }, atMs: Date.parse(commit.createdAt) };
    const records = await mapLimited(places, READS_AT_ONCE, async ({ repository }) => {
      const { store, repositoryId, keys } = repository;
      return readOwner(store, { repositoryId, keys, workloadId, signal: this.#context.signal });
    });
    const moved = records.flatMap((record) =>
      record === undefined ? [] : [{ owner: record.owner, atMs: record.at }],
    );
    return ownerOf([committed, ...moved]).owner;
  }

  /** Workloads with rows whose project or user Keystone does not know any more. */
  async #ownerless(targets: readonly TargetRow[]): Promise<FoundWorkload[]> {
    const { handle } = this.#context.database;
    const target = targets.find(({ is_default }) => is_default) ?? targets[0];
    if (target === undefined) return [];
    const owners = await listOwners(handle);
    const gone = await mapLimited(owners, READS_AT_ONCE, async (owner) => ({
      ...owner,
      standing: await this.#here.standingOf({ ...owner, cloudId: this.#context.cloudId }),
    }));
    const projectIds = gone.filter((each) => each.standing === "project-gone").map((each) => each.projectId);
    const userIds = gone.filter((each) => each.standing === "user-gone").map((each) => each.userId);
    const rows = await listWorkloadsOf(handle, { projectIds, userIds });
    return mapLimited(rows, READS_AT_ONCE, async (row) => this.#knownOrphan(row, projectIds, target));
  }

  /** What is known here of one is told by its rows; nothing of it has to be made again. */
  async #knownOrphan(
    row: WorkloadRow,
    projectIds: readonly string[],
    target: TargetRow,
  ): Promise<FoundWorkload> {
    const { cloudId, database } = this.#context;
    const members = await listWorkloadInstances(database.handle, [row.id]);
    const snapshots = await listForRetention(database.handle, row.id);
    const good = snapshots.filter(({ status }) => status === "available");
    const owner = { projectId: row.project_id, userId: row.user_id, cloudId };
    const facts: FoundFacts = {
      description: row.description,
      members: members.map(({ instance_id: id, name }) => ({ id, name })),
      snapshotCount: good.length,
      needs: needsOfSnapshot({ instances: [] }),
    };
    return {
      workloadId: row.id,
      name: row.name,
      ...owner,
      owner,
      standing: projectIds.includes(row.project_id) ? "project-gone" : "user-gone",
      isKnown: true,
      places: [],
      facts,
      newestAt: good[0]?.created_at ?? row.updated_at,
      target,
    };
  }
}
