import type { Command } from "./command.ts";

/** The commands for administrators on the whole cloud. */
export const administrationCommands: readonly Command[] = [
  {
    name: "workload-get-auditlog",
    openstack: "workload auditlog list",
    summary: "List who changed what, or was refused to, newest first; for administrators.",
    examples: ["--time_in_minutes 1440", "--time_from 06-01-2026 --time_to 06-30-2026 -f csv"],
    operation: "listAudit",
    parameters: [
      {
        name: "--time_in_minutes",
        help: "of the last so many minutes",
        value: "integer",
        to: "query.time_in_minutes",
      },
      { name: "--time_from", help: "from this day on, MM-DD-YYYY", to: "query.time_from" },
      { name: "--time_to", help: "up to this day, MM-DD-YYYY", to: "query.time_to" },
    ],
    result: {
      kind: "list",
      at: "auditlog",
      marker: "ID",
      columns: [
        ["UserName", "UserName"],
        ["UserId", "UserId"],
        ["ProjectName", "ProjectName"],
        ["ProjectId", "ProjectId"],
        ["ObjectName", "ObjectName"],
        ["ObjectId", "ObjectId"],
        ["Timestamp", "Timestamp"],
        ["Details", "Details"],
      ],
    },
  },
];
