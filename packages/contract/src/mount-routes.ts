import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { page, WireId } from "./shapes.ts";
import { SnapshotStatus } from "./snapshots.ts";

const none = Type.Object({});
const snapshotParams = Type.Object({ snapshot_id: WireId, workload_id: Type.Optional(WireId) });

/** Body of mounting a snapshot. */
export const MountSnapshot = Type.Object({
  mount: Type.Object({
    /** An instance of the project that runs: its guest mounts the snapshot's file systems. */
    mount_vm_id: WireId,
    /** There are none; existing clients send an empty object. */
    options: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
});
export type MountSnapshot = Static<typeof MountSnapshot>;

/** A mounted snapshot in a list, with exactly the fields that the reference's has. */
export const MountedSnapshot = Type.Object({
  snapshot_id: WireId,
  snapshot_name: Type.String(),
  workload_id: WireId,
  mounturl: Type.String({ description: "where its files are; empty where the guest has mounted none" }),
  status: SnapshotStatus,
});
export type MountedSnapshot = Static<typeof MountedSnapshot>;

/** Snapshots whose file systems an instance shows. */
export const mountRoutes = {
  mountSnapshot: {
    scope: "project",
    methods: ["POST"],
    paths: ["/snapshots/{snapshot_id}/mount", "/workloads/{workload_id}/snapshots/{snapshot_id}/mount"],
    params: snapshotParams,
    query: none,
    body: MountSnapshot,
    status: 200,
    action: "snapshot:snapshot_mount",
    effect: "change",
    summary: "Mount a snapshot: copies of its disks are attached to an instance, whose guest mounts them",
  },
  dismountSnapshot: {
    scope: "project",
    methods: ["POST"],
    paths: ["/snapshots/{snapshot_id}/dismount", "/workloads/{workload_id}/snapshots/{snapshot_id}/dismount"],
    params: snapshotParams,
    query: none,
    status: 200,
    action: "snapshot:snapshot_dismount",
    effect: "change",
    summary: "Dismount a snapshot: its copies are detached and deleted, with what was written to them",
  },
  listMountedSnapshots: {
    scope: "project",
    methods: ["GET"],
    paths: ["/snapshots/mounted/list", "/workloads/{workload_id}/snapshots/mounted/list"],
    params: Type.Object({ workload_id: Type.Optional(WireId) }),
    query: Type.Object({ workload_id: Type.Optional(WireId), ...page }),
    reply: Type.Object({ mounted_snapshots: Type.Array(MountedSnapshot) }),
    status: 200,
    action: "snapshot:snapshot_mounted_list",
    effect: "read",
    summary: "List the snapshots that are mounted, newest mount first",
  },
} as const satisfies Record<string, Route>;
