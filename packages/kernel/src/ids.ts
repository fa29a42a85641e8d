import { randomUUID } from "node:crypto";

declare const kind: unique symbol;

/** A string that names one kind of thing, so that two kinds cannot be mixed up. */
export type Id<Kind extends string> = string & { readonly [kind]: Kind };

export type ProjectId = Id<"project">;
export type UserId = Id<"user">;
export type TrustId = Id<"trust">;
export type InstanceId = Id<"instance">;
export type VolumeId = Id<"volume">;
export type WorkloadId = Id<"workload">;
export type SnapshotId = Id<"snapshot">;
export type RestoreId = Id<"restore">;
export type RunId = Id<"run">;
export type OrderId = Id<"order">;
export type RepositoryId = Id<"repository">;
export type TargetId = Id<"target">;
/** The name of a compute node, as Nova's `OS-EXT-SRV-ATTR:host` gives it. */
export type HostName = Id<"host">;

/** A fresh random UUID (version 4) as an id of the kind that the caller names. */
export function newId<Kind extends string>(): Id<Kind> {
  return randomUUID() as Id<Kind>;
}

/** Takes text that is known to be an id of this kind: parsed input, a database row, a reply of OpenStack. */
export function asId<Kind extends string>(text: string): Id<Kind> {
  return text as Id<Kind>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text has the form of a UUID in lower case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
