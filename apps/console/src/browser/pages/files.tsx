import { Button, NativeSelect, Radio, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { InstanceProtection, ReplyOf, RequestOf } from "../../model/api-types.ts";
import { hrefOf } from "../../model/place.ts";
import type { Tone } from "../../model/states.ts";
import { wireSecond } from "../../model/wire-time.ts";
import { Listing } from "../parts/listing.tsx";
import { At } from "../parts/moment.tsx";
import { MountedSnapshots } from "../parts/mounts.tsx";
import { Empty, Failure, Loaded } from "../parts/notes.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { State } from "../parts/state.tsx";
import type { Column } from "../parts/table.tsx";
import { useChange, useRead } from "../reading.ts";
import { useSession, useWords } from "../surroundings.tsx";

const INSTANCES_MAX = 1000;
const FORMER_MAX = 20;

/** Looks for files in snapshots; and the snapshots that instances have mounted. */
export function Files() {
  const { files: words } = useWords().tenant;
  return (
    <Page title={words.title}>
      <Panel title={words.search}>
        <SearchPanel />
      </Panel>
      <FormerSearches />
      <MountedSnapshots />
    </Page>
  );
}

function SearchPanel() {
  const { files: words } = useWords().tenant;
  const read = useRead("GET /workloads/metrics/instances", { query: { limit: INSTANCES_MAX } });
  return (
    <Loaded from={read}>
      {({ instances }) => {
        const searchable = instances.filter((instance) => instance.snapshot_id !== null);
        if (searchable.length === 0) return <Empty title={words.noInstances} hint={words.hint} />;
        return <SearchForm instances={searchable} />;
      }}
    </Loaded>
  );
}

const BLANK = { instanceId: "", path: "", which: "all", latest: "3", from: "", to: "" };
type Wanted = typeof BLANK;

function SearchForm({ instances }: { readonly instances: readonly InstanceProtection[] }) {
  const { tenant, states } = useWords();
  const { files: words } = tenant;
  const { mayNot } = useSession();
  const [wanted, setWanted] = useState(BLANK);
  const search = useChange("POST /search");
  const onChange = (change: Partial<Wanted>): void => setWanted({ ...wanted, ...change });
  const isReady = wanted.instanceId !== "" && wanted.path.startsWith("/");
  const refused = mayNot.has("searchFiles") ? states.refused : undefined;
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    search.mutate(requestOf(wanted), {
      onSuccess: ({ file_search: { id } }) => {
        location.hash = hrefOf({ page: "file-search", id: String(id) });
      },
    });
  };
  return (
    <form className="fields" onSubmit={onSubmit}>
      <p className="soft">{words.hint}</p>
      <div className="field-row">
        <NativeSelect
          label={words.instance}
          required
          value={wanted.instanceId}
          onChange={({ currentTarget: { value } }) => onChange({ instanceId: value })}
          data={[
            { value: "", label: words.choose },
            ...instances.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
        <TextInput
          label={words.path}
          required
          autoComplete="off"
          spellCheck={false}
          description={words.pathHint}
          error={wanted.path === "" || wanted.path.startsWith("/") ? undefined : words.pathWrong}
          value={wanted.path}
          onChange={({ currentTarget: { value } }) => onChange({ path: value })}
        />
      </div>
      <SnapshotChoice wanted={wanted} onChange={onChange} />
      {search.error !== null && <Failure of={search.error} />}
      {refused !== undefined && <p className="soft">{refused}</p>}
      <div>
        <Button
          type="submit"
          loading={search.isPending}
          disabled={!isReady || refused !== undefined}
          title={refused}
        >
          {words.button}
        </Button>
      </div>
    </form>
  );
}

function SnapshotChoice({
  wanted,
  onChange,
}: {
  readonly wanted: Wanted;
  readonly onChange: (change: Partial<Wanted>) => void;
}) {
  const { files: words } = useWords().tenant;
  return (
    <>
      <Radio.Group label={words.which} value={wanted.which} onChange={(which) => onChange({ which })}>
        <div className="choices">
          <Radio value="all" label={words.all} />
          <Radio value="latest" label={words.latest} />
          <Radio value="range" label={words.range} />
        </div>
      </Radio.Group>
      {wanted.which === "latest" && (
        <TextInput
          label={words.number}
          inputMode="numeric"
          value={wanted.latest}
          onChange={({ currentTarget: { value } }) => onChange({ latest: value })}
        />
      )}
      {wanted.which === "range" && (
        <div className="field-row">
          <TextInput
            type="datetime-local"
            label={words.from}
            value={wanted.from}
            onChange={({ currentTarget: { value } }) => onChange({ from: value })}
          />
          <TextInput
            type="datetime-local"
            label={words.to}
            value={wanted.to}
            onChange={({ currentTarget: { value } }) => onChange({ to: value })}
          />
        </div>
      )}
    </>
  );
}

function requestOf({ instanceId, path, which, latest, from, to }: Wanted): RequestOf<"POST /search"> {
  return {
    body: {
      file_search: {
        vm_id: instanceId,
        filepath: path,
        ...(which === "latest" ? { end: Number(latest) } : {}),
        ...(which === "range" && from !== "" ? { date_from: wireOfLocal(from) } : {}),
        ...(which === "range" && to !== "" ? { date_to: wireOfLocal(to) } : {}),
      },
    },
  };
}

/** An input's time, which is of the viewer's zone, as the API takes it. */
function wireOfLocal(text: string): string {
  return wireSecond(new Date(text).getTime());
}

type Search = ReplyOf<"GET /search">["file_search"][number];

/** How a search is. */
export const SEARCH_TONES: Readonly<Record<Search["status"], Tone>> = {
  executing: "busy",
  completed: "good",
  error: "bad",
};

function FormerSearches() {
  const { files: words } = useWords().tenant;
  const columns = useFormerColumns();
  const read = useRead(
    "GET /search",
    { query: { limit: FORMER_MAX } },
    { isMoving: ({ file_search: searches }) => searches.some(({ status }) => status === "executing") },
  );
  return (
    <Panel title={words.former}>
      <Listing
        from={read}
        rowsOf={({ file_search: searches }) => searches}
        keyOf={({ id }) => String(id)}
        label={words.former}
        empty={{ title: words.noFormer }}
        columns={columns}
      />
    </Panel>
  );
}

function useFormerColumns(): readonly Column<Search>[] {
  const { files: words } = useWords().tenant;
  return [
    {
      title: words.path,
      kind: "name",
      show: ({ id, filepath }) => (
        <a href={hrefOf({ page: "file-search", id: String(id) })} translate="no">
          {filepath}
        </a>
      ),
    },
    {
      title: words.state,
      show: ({ status }) => <State tone={SEARCH_TONES[status]}>{words.states[status]}</State>,
    },
    { title: words.when, show: ({ created_at: at }) => <At wire={at} /> },
  ];
}
