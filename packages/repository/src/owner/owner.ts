/**
 * Whose a workload is: a user's, in a project, of a cloud. Ids are Keystone's; the cloud's is its operator's.
 */
export interface Owner {
  readonly projectId: string;
  readonly userId: string;
  /** Absent in what was written before clouds were told apart. */
  readonly cloudId?: string;
}

/** That a workload has a new owner. Commits stay as they are: they say whose it was when they were made. */
export interface OwnerRecord {
  readonly workloadId: string;
  /** Counts from 1 within the repository. */
  readonly sequence: number;
  readonly owner: Owner;
  readonly former: Owner;
  /** Milliseconds since 1970: later than every commit of the workload that was there. */
  readonly at: number;
  /** The user who moved it. */
  readonly by: string;
}
