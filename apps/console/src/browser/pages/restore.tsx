import { Button } from "@mantine/core";
import type { Restore as RestoreRow } from "../../model/api-types.ts";
import { hrefOf, hrefOfSnapshot } from "../../model/place.ts";
import { isRestoring, type Made, madeOf, toneOfRestore } from "../../model/restores.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { CopyId } from "../parts/copy-id.tsx";
import { At } from "../parts/moment.tsx";
import { Loaded, Note } from "../parts/notes.tsx";
import { Facts, Page, Panel } from "../parts/page.tsx";
import { RestoreCourse } from "../parts/restore-course.tsx";
import { State } from "../parts/state.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useWords } from "../surroundings.tsx";

/** A restore: how far it is, what it made, and what there is to know of it. */
export function Restore({ id }: { readonly id: string }) {
  const { restores: words } = useWords();
  const read = useRead(
    "GET /restores/{restore_id}",
    { params: { restore_id: id } },
    { isMoving: ({ restore }) => isRestoring(restore.status) },
  );
  const restore = read.data?.restore;
  if (restore === undefined) {
    return (
      <Page title={words.title}>
        <Loaded from={read}>{() => null}</Loaded>
      </Page>
    );
  }
  const isGoingOn = isRestoring(restore.status);
  return (
    <Page
      title={words.restore.title(restore.name)}
      way={<a href={hrefOfSnapshot(restore.snapshot_id)}>{words.back}</a>}
      state={<State tone={toneOfRestore(restore.status)}>{words.states[restore.status]}</State>}
    >
      <Outcome restore={restore} />
      {isGoingOn && <RestoreCourse restore={restore} readAtMs={read.dataUpdatedAt} />}
      <MadeThings restore={restore} />
      <Details restore={restore} />
    </Page>
  );
}

function Outcome({ restore }: { readonly restore: RestoreRow }) {
  const { restore: words } = useWords().restores;
  const { status, error_msg: error, warning_msg: warning } = restore;
  const isInPlace = restore.restore_options.restore_type === "inplace";
  return (
    <>
      {error !== null && (
        <Note
          tone={status === "cancelled" ? "idle" : "bad"}
          title={status === "cancelled" ? words.cancelled : words.error}
        >
          <p>{error}</p>
          {!isInPlace && <p className="soft">{words.atOnce}</p>}
          <Button
            component="a"
            variant="default"
            size="xs"
            href={hrefOf({
              page: "restoring",
              id: restore.snapshot_id,
              kind: restore.restore_options.restore_type,
            })}
          >
            {words.again}
          </Button>
        </Note>
      )}
      {warning !== null && (
        <Note tone="busy" title={words.warning}>
          <p>{warning}</p>
        </Note>
      )}
    </>
  );
}

function MadeThings({ restore }: { readonly restore: RestoreRow }) {
  const { restore: words } = useWords().restores;
  const columns = useColumns();
  const snapshot = useRead("GET /snapshots/{snapshot_id}", { params: { snapshot_id: restore.snapshot_id } });
  const made = madeOf(restore, snapshot.data?.snapshot);
  if (made.length === 0) return null;
  const title = restore.restore_options.restore_type === "inplace" ? words.overwritten : words.made;
  return (
    <Panel title={title}>
      <Table label={title} columns={columns} rows={made} keyOf={({ id }) => id} />
    </Panel>
  );
}

function useColumns(): readonly Column<Made>[] {
  const { restores } = useWords();
  const { restore: words } = restores;
  return [
    {
      title: restores.name,
      kind: "name",
      show: ({ name }) => (name === undefined ? words.original : <span translate="no">{name}</span>),
    },
    { title: words.what, show: ({ kind }) => words.things[kind] },
    { title: words.id, show: ({ id, name, kind }) => <CopyId id={id} of={name ?? words.things[kind]} /> },
  ];
}

function Details({ restore }: { readonly restore: RestoreRow }) {
  const { restores } = useWords();
  const { restore: words } = restores;
  const formats = useFormats();
  const { snapshot_details: snapshot, safety_snapshot_id: safetyId } = restore;
  const when = formats.short(parseWireTime(snapshot.created_at));
  return (
    <Panel title={words.details}>
      <Facts
        of={[
          [restores.kind, restores.kinds[restore.restore_options.restore_type]],
          [restores.began, <At key="began" wire={restore.created_at} />],
          [restores.took, formats.duration(restore.time_taken)],
          [restores.written, formats.bytes(restore.uploaded_size)],
          [
            words.snapshot,
            <a key="snapshot" href={hrefOfSnapshot(restore.snapshot_id)}>
              {when}
            </a>,
          ],
          ...(safetyId === null
            ? []
            : [
                [
                  words.safety,
                  <a key="safety" href={hrefOfSnapshot(safetyId)}>
                    {words.safetyLink}
                  </a>,
                ] as const,
              ]),
        ]}
      />
    </Panel>
  );
}
