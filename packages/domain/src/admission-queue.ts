/** A snapshot that is being taken, as far as limits count it. */
export interface AdmittedRun {
  readonly runId: string;
  readonly projectId: string;
  /** Undefined: not known yet, so no limit of a target counts it. */
  readonly targetId: string | undefined;
  /** Those that its instances are on. */
  readonly hosts: readonly string[];
}

/** A snapshot that was asked for and has not begun. */
export interface WaitingRun extends AdmittedRun {
  readonly isScheduled: boolean;
  readonly askedMs: number;
}

/** Whoever has waited for so long comes first, and places are kept free for them. */
export const AGED_MS = 3_600_000;

export function isAged(run: WaitingRun, nowMs: number): boolean {
  return nowMs - run.askedMs >= AGED_MS;
}

/** How many snapshots of a project run. */
interface ProjectCounts {
  ofProject(projectId: string): number;
}

/**
 * The order in which waiting snapshots are asked whether they may begin. Each is asked once; the turns of
 * projects follow what has been admitted meanwhile.
 */
export class AdmissionQueue {
  readonly #aged: WaitingRun[];
  /** By project, the oldest last; people's first. */
  readonly #classes: readonly Map<string, WaitingRun[]>[];

  constructor(waiting: readonly WaitingRun[], nowMs: number) {
    const newestFirst = waiting.toSorted((one, other) => (isOlder(one, other) ? 1 : -1));
    this.#aged = newestFirst.filter((run) => isAged(run, nowMs));
    const young = newestFirst.filter((run) => !isAged(run, nowMs));
    this.#classes = [
      Map.groupBy(
        young.filter((run) => !run.isScheduled),
        (run) => run.projectId,
      ),
      Map.groupBy(
        young.filter((run) => run.isScheduled),
        (run) => run.projectId,
      ),
    ];
  }

  /** Takes the next one out; `undefined` when all have been asked. */
  next(counts: ProjectCounts): WaitingRun | undefined {
    const aged = this.#aged.pop();
    if (aged !== undefined) return aged;
    for (const projects of this.#classes) {
      const best = fewestRunning(projects, counts);
      if (best === undefined) continue;
      projects.get(best.projectId)?.pop();
      return best;
    }
    return undefined;
  }
}

function fewestRunning(
  projects: ReadonlyMap<string, readonly WaitingRun[]>,
  counts: ProjectCounts,
): WaitingRun | undefined {
  let best: { readonly run: WaitingRun; readonly count: number } | undefined;
  for (const [projectId, runs] of projects) {
    const run = runs.at(-1);
    if (run === undefined) continue;
    const count = counts.ofProject(projectId);
    const isBetter =
      best === undefined || count < best.count || (count === best.count && isOlder(run, best.run));
    if (isBetter) best = { run, count };
  }
  return best?.run;
}

function isOlder(one: WaitingRun, other: WaitingRun): boolean {
  return one.askedMs === other.askedMs ? one.runId < other.runId : one.askedMs < other.askedMs;
}
