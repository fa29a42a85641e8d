import type { Obstacle } from "../deeds.ts";
import { pluralOf } from "./plural.ts";

const count = pluralOf("en");

/** What is done with a workload beside taking snapshots, in English. */
export const manageEnglish = {
  title: "Manage",
  obstacles: {
    refused: "Your roles in this project do not allow it.",
    busy: "Something is going on with this workload; wait until it has ended.",
    broken: "The workload is in error; unlock it first.",
    notLocked: "It is not locked.",
  } satisfies Record<Obstacle, string>,
  close: "Close",
  leave: "Leave it as it is",
  snapshot: {
    open: "Full or named snapshot …",
    title: "Take a full or named snapshot",
    name: "Name",
    nameHint: "Left empty it is called snapshot.",
    description: "Description",
    type: "Type",
    incremental: "Incremental: only what changed since the last one is read",
    full: "Full: all disks are read whole",
    button: "Take it now",
  },
  pause: {
    title: "Pause the schedule",
    hint: "No snapshot begins by itself until it is resumed. What is kept, and for how long, stays.",
    done: "The schedule is paused.",
  },
  resume: {
    title: "Resume the schedule",
    hint: "Snapshots begin by themselves; after each one those that are not to be kept are deleted.",
    done: "The schedule is on.",
  },
  reset: {
    title: "Forget what changed",
    hint: "The next snapshot reads all disks whole and relies on no record of changes. No snapshot is lost.",
    button: "Forget it",
    done: "The next snapshot will read all disks whole.",
  },
  unlock: {
    title: "Unlock",
    hint: "Makes it available again when a lock was left behind. Refused while anything runs.",
    done: "The workload is available again.",
  },
  delete: {
    title: "Delete the workload",
    hint: "Its instances stay as they are, but are protected no more.",
    open: "Delete …",
    lost: "What is lost",
    members: (n: number, names: string) =>
      `${count(n, "instance is", "instances are")} protected no more: ${names}.`,
    schedule: "Its schedule and all its settings.",
    snapshots: (n: number, bytes: string) =>
      `Access to ${count(n, "snapshot that can be restored", "snapshots that can be restored")} (${bytes}).`,
    noSnapshots: "It has no snapshot that could be restored.",
    keepFirst:
      "A workload is not deleted with its snapshots. Delete them first, or take it out of this list only.",
    databaseOnly: "Take it out of this list only",
    databaseOnlyHint:
      "Its snapshots stay on the backup target, where an administrator can import it from again.",
    type: (name: string) => `Type ${name} to go on`,
    button: "Delete it",
  },
};

/** The same in every language. */
export type ManageWords = typeof manageEnglish;
