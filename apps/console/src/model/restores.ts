import type { ReplyOf, RequestOf, Restore, Snapshot } from "./api-types.ts";
import type { Tone } from "./states.ts";

/** The ways to restore a snapshot. */
export const RESTORE_KINDS = ["oneclick", "selective", "inplace"] as const;
export type RestoreKind = (typeof RESTORE_KINDS)[number];

/** What is asked to be restored. */
export type RestoreOptions = Restore["restore_options"];
export type RestoreBody = RequestOf<"POST /workloads/{workload_id}/snapshots/{snapshot_id}/restores">["body"];
export type RestorePlan = ReplyOf<"POST /workloads/{workload_id}/snapshots/{snapshot_id}/plan">;

export type RestoreStatus = Restore["status"];

/** Whether a restore goes on, so that it is worth looking again soon. */
export function isRestoring(status: RestoreStatus): boolean {
  return ["creating", "executing", "restoring", "cancelling"].includes(status);
}

/** What became of a restore. */
export function toneOfRestore(status: RestoreStatus): Tone {
  switch (status) {
    case "creating":
    case "executing":
    case "restoring":
    case "cancelling":
    case "deleting":
      return "busy";
    case "available":
      return "good";
    case "error":
      return "bad";
    case "cancelled":
      return "idle";
  }
}

/** Why a snapshot cannot be restored or deleted: a word that every language has a sentence for. */
export type SnapshotObstacle = "refused" | "running" | "spoilt" | "inUse" | "mounted";

type Held = Pick<Snapshot, "status">;

/** What stands in the way of restoring a snapshot; undefined: nothing that the page knows of. */
export function obstacleToRestore(
  { status }: Held,
  mayNot: ReadonlySet<string>,
): SnapshotObstacle | undefined {
  if (mayNot.has("createRestore")) return "refused";
  if (status === "error" || status === "cancelled") return "spoilt";
  return heldBy(status);
}

/** What stands in the way of deleting a snapshot; undefined: nothing that the page knows of. */
export function obstacleToDelete(
  { status }: Held,
  mayNot: ReadonlySet<string>,
): SnapshotObstacle | undefined {
  if (mayNot.has("deleteSnapshot")) return "refused";
  return status === "error" || status === "cancelled" ? undefined : heldBy(status);
}

function heldBy(status: Snapshot["status"]): SnapshotObstacle | undefined {
  switch (status) {
    case "available":
    case "error":
    case "cancelled":
      return undefined;
    case "mounted":
      return "mounted";
    case "mounting":
    case "restoring":
    case "deleting":
      return "inUse";
    case "creating":
    case "executing":
    case "snapshotting":
    case "uploading":
    case "cancelling":
      return "running";
  }
}

/** A restore of everything as it was. */
export const ONE_CLICK: RestoreOptions = {
  type: "openstack",
  restore_type: "oneclick",
  oneclickrestore: true,
  openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] } },
};

/** The request for a restore; without a name the service gives one. */
export function bodyOf(name: string, options: RestoreOptions): RestoreBody {
  const trimmed = name.trim();
  return { restore: { ...(trimmed === "" ? {} : { name: trimmed }), options } };
}

/** What a restore is doing, of what the API says in one text. */
export interface ShownPhase {
  /** Whether the snapshot before it is being taken. */
  readonly isSafety: boolean;
  /** One word, such as `writing`. */
  readonly word: string;
  /** Why it waits; empty: nothing more to say. */
  readonly detail: string;
}

const SAFETY = "safety snapshot: ";

/** The parts of a phase: `safety snapshot: waiting: a limit of the project`. */
export function readPhase(phase: string): ShownPhase {
  const isSafety = phase.startsWith(SAFETY);
  const text = isSafety ? phase.slice(SAFETY.length) : phase;
  const colon = text.indexOf(": ");
  return colon === -1
    ? { isSafety, word: text, detail: "" }
    : { isSafety, word: text.slice(0, colon), detail: text.slice(colon + 2) };
}

/** Kinds of things that a restore makes, in the order in which they are shown. */
export const MADE_KINDS = [
  "instances",
  "networks",
  "subnets",
  "routers",
  "security_groups",
  "floating_ips",
  "flavors",
  "server_groups",
] as const;
export type MadeKind = (typeof MADE_KINDS)[number];

/** Something that a restore made, or wrote into. */
export interface Made {
  readonly kind: MadeKind;
  readonly id: string;
  /** Undefined: it is called as in the snapshot, and that is not known here. */
  readonly name: string | undefined;
}

/** Everything that a restore made. What has no name of its own has that of its original in the snapshot. */
export function madeOf(restore: Restore, snapshot: Snapshot | undefined): Made[] {
  const names = namesIn(snapshot);
  return MADE_KINDS.flatMap((kind) => {
    const things: readonly Readonly<Record<string, unknown>>[] = restore[kind];
    return things.flatMap(({ id, name, original_id: original }) => {
      if (typeof id !== "string") return [];
      const known = typeof original === "string" ? names.get(original) : undefined;
      return [{ kind, id, name: typeof name === "string" ? name : known }];
    });
  });
}

/** Names of what a snapshot captured around its instances, by id. */
function namesIn(snapshot: Snapshot | undefined): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { nics, security_group: groups } of snapshot?.instances ?? []) {
    for (const { network } of nics) {
      names.set(network.id, network.name);
      if (network.subnet !== null) names.set(network.subnet.id, network.subnet.name);
    }
    for (const { id, name } of groups) {
      if (typeof id === "string" && typeof name === "string") names.set(id, name);
    }
  }
  return names;
}
