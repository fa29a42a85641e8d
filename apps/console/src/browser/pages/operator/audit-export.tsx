import type { ReplyOf, RequestOf } from "../../../model/api-types.ts";
import type { Sheet } from "../../../model/csv.ts";
import { askApi } from "../../api-client.ts";
import { DownloadCsv } from "../../parts/download-csv.tsx";
import { useSession, useWords } from "../../surroundings.tsx";

type Query = RequestOf<"GET /workloads/audit/auditlog">["query"];
type Entry = ReplyOf<"GET /workloads/audit/auditlog">["auditlog"][number];

/** As many as the API gives at once, and in all; who needs more narrows the time. */
const ROWS = 1000;
const ROWS_MAX = 50_000;

/** The entries that the list is narrowed to, all pages of them, by the API's own names. */
export function AuditExport({ query }: { readonly query: NonNullable<Query> }) {
  const { operator } = useWords();
  const { project } = useSession();
  return (
    <DownloadCsv
      what="audit"
      of={operator.rooms.audit}
      make={async () => sheetOf(await readAll(project.id, query))}
    />
  );
}

async function readAll(projectId: string, query: NonNullable<Query>): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  for (let isMore = true; isMore && all.length < ROWS_MAX; ) {
    const last = all.at(-1);
    const request = { query: { ...query, limit: ROWS, ...(last === undefined ? {} : { marker: last.ID }) } };
    const { auditlog }: ReplyOf<"GET /workloads/audit/auditlog"> = await askApi(projectId, {
      at: "GET /workloads/audit/auditlog",
      request,
    });
    all.push(...auditlog);
    isMore = auditlog.length === ROWS;
  }
  return all;
}

const FIELDS = [
  "Position",
  "Timestamp",
  "UserName",
  "UserId",
  "ProjectName",
  "ProjectId",
  "Action",
  "ObjectType",
  "ObjectName",
  "ObjectId",
  "Outcome",
  "Status",
  "Details",
  "RequestId",
  "Hash",
] as const satisfies readonly (keyof Entry)[];

function sheetOf(entries: readonly Entry[]): Sheet {
  return { header: FIELDS, rows: entries.map((entry) => FIELDS.map((field) => entry[field])) };
}
