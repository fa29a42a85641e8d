import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReplyOf } from "../../model/api-types.ts";
import {
  canBeSaved,
  type FoundFile,
  type FoundInSnapshot,
  readFound,
  saveName,
} from "../../model/found-files.ts";
import { hrefOf, hrefOfSnapshot } from "../../model/place.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { downloadFile } from "../api-client.ts";
import { At } from "../parts/moment.tsx";
import { Empty, Failure, Loaded, Note } from "../parts/notes.tsx";
import { Page } from "../parts/page.tsx";
import { State } from "../parts/state.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useRead } from "../reading.ts";
import { saveFile } from "../save-file.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";
import { SEARCH_TONES } from "./files.tsx";

/** More rows of a snapshot help nobody. */
const SHOWN_MAX = 200;
/** A browser keeps what it downloads in memory. */
const DOWNLOAD_BYTES_MAX = 2 ** 30;

type Search = ReplyOf<"GET /search/{search_id}">["file_search"];

/** What a search for files found, by snapshot; each file can be had. */
export function FileSearch({ id }: { readonly id: string }) {
  const { files: words } = useWords().tenant;
  const read = useRead(
    "GET /search/{search_id}",
    { params: { search_id: id } },
    { isMoving: ({ file_search: search }) => search.status === "executing" },
  );
  const search = read.data?.file_search;
  return (
    <Page
      title={search === undefined ? words.search : words.result(search.filepath)}
      way={<a href={hrefOf({ page: "files" })}>{words.back}</a>}
      state={
        search !== undefined && (
          <State tone={SEARCH_TONES[search.status]}>{words.states[search.status]}</State>
        )
      }
    >
      <Loaded from={read}>{({ file_search: found }) => <Outcome search={found} />}</Loaded>
    </Page>
  );
}

function Outcome({ search }: { readonly search: Search }) {
  const { files: words } = useWords().tenant;
  const instances = useRead("GET /workloads/metrics/instances", { query: { limit: 1000 } });
  const instance = instances.data?.instances.find(({ id }) => id === search.vm_id);
  const found = search.json_resp === null ? [] : readFound(search.json_resp);
  const hits = found.reduce((sum, { files }) => sum + files.length, 0);
  return (
    <>
      <p>{words.of(instance?.name ?? words.goneInstance)}</p>
      {search.error_msg !== null && (
        <Note tone="bad" title={search.status === "error" ? words.failed : words.incomplete}>
          <p>{search.error_msg}</p>
        </Note>
      )}
      {search.status === "completed" &&
        (hits === 0 ? <Empty title={words.nothing} /> : <p>{words.hits(hits)}</p>)}
      <FoundLists found={found} instanceId={search.vm_id} workloadId={instance?.workload_id ?? undefined} />
    </>
  );
}

function FoundLists({
  found,
  instanceId,
  workloadId,
}: {
  readonly found: readonly FoundInSnapshot[];
  readonly instanceId: string;
  readonly workloadId: string | undefined;
}) {
  const { files: words } = useWords().tenant;
  const formats = useFormats();
  const query = { limit: 1000, ...(workloadId === undefined ? {} : { workload_id: workloadId }) };
  const { data } = useRead("GET /snapshots", { query });
  const columns = useColumns(instanceId);
  const times = new Map(data?.snapshots.map(({ id, created_at: at }) => [id, parseWireTime(at)]));
  return found
    .filter(({ files }) => files.length > 0)
    .map(({ snapshotId, files }) => {
      const at = times.get(snapshotId);
      const title = at === undefined ? words.goneSnapshot : words.snapshot(formats.short(at));
      return (
        <section className="panel" key={snapshotId}>
          <h2>{at === undefined ? title : <a href={hrefOfSnapshot(snapshotId)}>{title}</a>}</h2>
          <Table
            label={title}
            columns={columns}
            rows={files.slice(0, SHOWN_MAX)}
            keyOf={({ volume, path }) => `${volume} ${path}`}
          />
          {files.length > SHOWN_MAX && <p className="foot">{words.more(files.length - SHOWN_MAX)}</p>}
        </section>
      );
    });
}

function useColumns(instanceId: string): readonly Column<FoundFile>[] {
  const { files: words } = useWords().tenant;
  const formats = useFormats();
  return [
    { title: words.path, kind: "name", show: ({ path }) => <span translate="no">{path}</span> },
    { title: words.disk, show: ({ volume }) => <code>{volume}</code> },
    { title: words.size, kind: "number", show: ({ sizeBytes }) => formats.bytes(sizeBytes) },
    { title: words.changed, show: ({ modified }) => <At wire={modified} /> },
    { title: words.rights, show: ({ permissions }) => <code>{permissions}</code> },
    { title: words.download, show: (file) => <Download file={file} instanceId={instanceId} /> },
  ];
}

function Download({ file, instanceId }: { readonly file: FoundFile; readonly instanceId: string }) {
  const { tenant, states } = useWords();
  const { files: words } = tenant;
  const { mayNot, project } = useSession();
  const get = useMutation({
    mutationFn: async () =>
      downloadFile(project.id, {
        params: { snapshot_id: file.snapshotId },
        query: { vm_id: instanceId, volume: file.volume, path: file.path },
      }),
    onSuccess: (blob) => saveFile(blob, saveName(file)),
  });
  const reason = mayNot.has("getFile")
    ? states.refused
    : !canBeSaved(file)
      ? words.noBytes
      : file.sizeBytes > DOWNLOAD_BYTES_MAX
        ? words.tooLarge
        : undefined;
  return (
    <>
      <Button
        variant="default"
        size="xs"
        aria-label={words.downloadOf(file.path)}
        disabled={reason !== undefined}
        title={reason}
        loading={get.isPending}
        onClick={() => get.mutate()}
      >
        {words.download}
      </Button>
      {get.error !== null && <Failure of={get.error} />}
    </>
  );
}
