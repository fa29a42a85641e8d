import type { Api, Schemas } from "./generated/api.ts";

/** Method and path of a request about a project, such as `GET /workloads/detail`. */
export type Endpoint = keyof Api;

type Placed<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placed<Rest>
  : never;

/** What a request takes beside its endpoint. */
export type RequestOf<At extends Endpoint> = {
  readonly query?: Api[At]["query"];
} & ([Placed<At>] extends [never]
  ? { readonly params?: undefined }
  : { readonly params: Readonly<Record<Placed<At>, string>> }) &
  (Api[At] extends { readonly body: infer Body } ? { readonly body: Body } : { readonly body?: undefined });

/** What it is answered. */
export type ReplyOf<At extends Endpoint> = Api[At]["reply"];

export type Workload = Schemas["WorkloadDetail"];
export type WorkloadStatus = Schemas["WorkloadStatus"];
export type RecentSnapshot = Workload["recent_snapshots"][number];
export type Snapshot = Schemas["SnapshotDetail"];
export type SnapshotStatus = Schemas["SnapshotStatus"];
export type SnapshotInstance = Schemas["SnapshotInstance"];
export type SnapshotDisk = Schemas["SnapshotDisk"];
export type Restore = Schemas["RestoreDetail"];
export type RestoreSummary = Schemas["RestoreSummary"];
export type Progress = Schemas["Progress"];
export type InstanceProtection = ReplyOf<"GET /workloads/metrics/instances">["instances"][number];
