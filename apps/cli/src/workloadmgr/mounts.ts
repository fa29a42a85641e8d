import { type Command, idOf, nothing } from "./command.ts";

/** The commands on snapshots that instances show. */
export const mountCommands: readonly Command[] = [
  {
    name: "snapshot-mount",
    summary: "Mount a snapshot in an instance: its guest shows the file systems of copies of the disks.",
    examples: ["nightly 2f1c7d52-5d0c-4a0e-9d58-0d2f6ff5a1b3"],
    operation: "mountSnapshot",
    parameters: [
      idOf("snapshot"),
      {
        name: "mount_vm_id",
        help: "id of an instance of the project that runs",
        to: "body.mount.mount_vm_id",
      },
    ],
    result: nothing,
  },
  {
    name: "snapshot-dismount",
    summary: "Dismount a snapshot: its copies are taken from the instance and deleted.",
    examples: ["nightly"],
    operation: "dismountSnapshot",
    parameters: [idOf("snapshot")],
    result: nothing,
  },
  {
    name: "snapshot-mounted-list",
    openstack: "workload snapshot mounted-list",
    summary: "List the snapshots that are mounted.",
    examples: ["", "--workloadid web"],
    operation: "listMountedSnapshots",
    parameters: [
      {
        name: "--workloadid",
        help: "of this workload (id or name)",
        find: "workload",
        to: "query.workload_id",
      },
    ],
    result: {
      kind: "list",
      at: "mounted_snapshots",
      marker: "snapshot_id",
      columns: [
        ["snapshot_id", "snapshot_id"],
        ["snapshot_name", "snapshot_name"],
        ["workload_id", "workload_id"],
        ["mounturl", "mounturl"],
        ["status", "status"],
      ],
    },
  },
];
