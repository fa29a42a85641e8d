/*
 * What people and programs are told when something has happened. A notice holds all that is said of it by
 * value, so that it can be told after what it is about is gone.
 */

/** The events that a webhook can ask for. */
export const NOTICE_EVENTS = [
  "snapshot.succeeded",
  "snapshot.failed",
  "snapshot.cancelled",
  "restore.succeeded",
  "restore.failed",
  "restore.cancelled",
  "quota.watermark",
] as const;

type End = "succeeded" | "failed" | "cancelled";

export interface Named {
  readonly id: string;
  readonly name: string;
}

interface About {
  readonly projectId: string;
  /** The workload's owner; of a watermark whoever passed it. */
  readonly userId: string;
}

/** What snapshots and restores have in common. Times are ISO 8601 in UTC. */
interface Ended extends About {
  readonly workload: Named;
  readonly instances: readonly Named[];
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly error: string | undefined;
  readonly warning: string | undefined;
}

export interface SnapshotNotice extends Ended {
  readonly kind: `snapshot.${End}`;
  readonly snapshot: Named & {
    readonly type: "full" | "incremental";
    readonly isScheduled: boolean;
    readonly sizeBytes: number;
    readonly storedBytes: number;
  };
}

export interface RestoreNotice extends Ended {
  readonly kind: `restore.${End}`;
  readonly restore: Named & {
    readonly type: "oneclick" | "selective" | "inplace";
    readonly snapshotId: string;
    readonly sizeBytes: number;
  };
}

export interface WatermarkNotice extends About {
  readonly kind: "quota.watermark";
  readonly quota: {
    /** As the quota's type is called, such as `Workloads` or `Storage`. */
    readonly name: string;
    readonly used: number;
    readonly watermark: number;
    readonly allowed: number;
  };
}

/** Somebody tries whether notices arrive; nothing has happened. */
export interface TrialNotice extends About {
  readonly kind: "email.test" | "webhook.test";
}

export type Notice = SnapshotNotice | RestoreNotice | WatermarkNotice | TrialNotice;

/** Whether anybody gets a mail of it: a person who cancels something knows that it ended. */
export function isForMail(kind: Notice["kind"]): boolean {
  switch (kind) {
    case "snapshot.succeeded":
    case "snapshot.failed":
    case "restore.succeeded":
    case "restore.failed":
    case "quota.watermark":
      return true;
    case "snapshot.cancelled":
    case "restore.cancelled":
    case "email.test":
    case "webhook.test":
      return false;
  }
}
