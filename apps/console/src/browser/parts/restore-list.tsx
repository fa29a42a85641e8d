import type { RestoreSummary } from "../../model/api-types.ts";
import { hrefOfRestore } from "../../model/place.ts";
import { isRestoring, toneOfRestore } from "../../model/restores.ts";
import { useRead } from "../reading.ts";
import { useFormats, useWords } from "../surroundings.tsx";
import { At } from "./moment.tsx";
import { Loaded } from "./notes.tsx";
import { Panel } from "./page.tsx";
import { State } from "./state.tsx";
import { type Column, Table } from "./table.tsx";

const ROWS = 20;

/** The last restores of a snapshot, or of all snapshots of a workload. */
export function RestoreList({
  of,
}: {
  readonly of: { readonly snapshot_id: string } | { readonly workload_id: string };
}) {
  const { restores: words } = useWords();
  const columns = useColumns();
  const read = useRead(
    "GET /restores",
    { query: { ...of, limit: ROWS } },
    { isMoving: ({ restores }) => restores.some(({ status }) => isRestoring(status)) },
  );
  return (
    <Panel title={words.title}>
      <Loaded from={read}>
        {({ restores }) =>
          restores.length === 0 ? (
            <p className="soft">{words.none}</p>
          ) : (
            <Table label={words.title} columns={columns} rows={restores} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function useColumns(): readonly Column<RestoreSummary>[] {
  const { restores: words } = useWords();
  const formats = useFormats();
  return [
    {
      title: words.name,
      kind: "name",
      show: ({ id, name }) => (
        <a href={hrefOfRestore(id)} translate="no">
          {name}
        </a>
      ),
    },
    {
      title: words.state,
      show: ({ status }) => <State tone={toneOfRestore(status)}>{words.states[status]}</State>,
    },
    { title: words.kind, show: ({ restore_options: options }) => words.kinds[options.restore_type] },
    { title: words.began, show: ({ created_at: at }) => <At wire={at} /> },
    { title: words.took, kind: "number", show: (each) => formats.duration(each.time_taken) },
    { title: words.written, kind: "number", show: (each) => formats.bytes(each.uploaded_size) },
  ];
}
