import type { Command } from "./command.ts";

/** The command on files inside of snapshots. */
export const fileCommands: readonly Command[] = [
  {
    name: "filepath-search",
    openstack: "workload filepath search",
    summary: "Search the disks of an instance for files, in all of its snapshots or in some.",
    examples: [
      "2f1c7d52-5d0c-4a0e-9d58-0d2f6ff5a1b3 '/etc/h*'",
      "2f1c7d52-5d0c-4a0e-9d58-0d2f6ff5a1b3 /etc/hosts --end_filter 3",
    ],
    operation: "searchFiles",
    parameters: [
      { name: "vm_id", help: "id of the instance, which may be gone", to: "body.file_search.vm_id" },
      {
        name: "file_path",
        help: "from the root of a file system; * and ? as in a shell",
        to: "body.file_search.filepath",
      },
      {
        name: "--snapshotids",
        metavar: "<snapshot_id>,...",
        help: "ids of snapshots, with commas",
        value: "list",
        to: "body.file_search.snapshot_ids",
      },
      {
        name: "--start_filter",
        help: "so many of the first snapshots",
        value: "integer",
        to: "body.file_search.start",
      },
      {
        name: "--end_filter",
        help: "so many of the latest snapshots",
        value: "integer",
        to: "body.file_search.end",
      },
      {
        name: "--date_from",
        help: "taken at or after YYYY-MM-DDTHH:MM:SS (UTC)",
        to: "body.file_search.date_from",
      },
      {
        name: "--date_to",
        help: "taken at or before YYYY-MM-DDTHH:MM:SS (UTC)",
        to: "body.file_search.date_to",
      },
    ],
    // A search has no other command that shows what it found: this one waits for it.
    fixed: { "query.wait": true },
    result: {
      kind: "item",
      at: "file_search",
      fields: ["id", "status", "vm_id", "filepath", "json_resp", "error_msg", "created_at", "updated_at"],
    },
  },
];
