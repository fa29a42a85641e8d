import { Checkbox, Radio, TextInput } from "@mantine/core";
import { useState } from "react";
import type { InstanceProtection } from "../../../model/api-types.ts";
import { hrefOfWorkload } from "../../../model/place.ts";
import { canBeMember } from "../../../model/workload-draft.ts";
import { Empty, Loaded } from "../../parts/notes.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";
import type { StepProps } from "./step-props.ts";

/** As many as the API lists at once. */
const READ_MAX = 1000;
/** More rows help nobody to find one. */
const SHOWN_MAX = 100;

/** Which instances are protected together. */
export function MembersStep(props: StepProps) {
  const { members: words } = useWords().form;
  const { draft, before, onChange } = props;
  const read = useRead("GET /workloads/metrics/instances", { query: { limit: READ_MAX } });
  return (
    <>
      <p className="soft">{words.hint}</p>
      <Loaded from={read}>{({ instances }) => <Choice {...props} instances={instances} />}</Loaded>
      {before === undefined && (
        <Radio.Group
          label={words.type}
          value={draft.type}
          onChange={(value) => onChange({ type: value === "serial" ? "serial" : "parallel" })}
        >
          <div className="choices">
            <Radio value="parallel" label={words.parallel} />
            <Radio value="serial" label={words.serial} />
          </div>
        </Radio.Group>
      )}
    </>
  );
}

function Choice({
  instances,
  draft,
  before,
  onChange,
}: StepProps & { readonly instances: readonly InstanceProtection[] }) {
  const { members: words } = useWords().form;
  const [wanted, find] = useState("");
  const ids = new Set(draft.members.map(({ id }) => id));
  const rows = instances
    .filter(({ id, is_there: isThere }) => isThere || ids.has(id))
    .filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  const columns = useColumns({ ids, ownId: before?.id }, (instance, isChosen) => {
    const others = draft.members.filter(({ id }) => id !== instance.id);
    onChange({ members: isChosen ? [...others, { id: instance.id, name: instance.name }] : others });
  });
  if (instances.length === 0) return <Empty title={words.none} />;
  const isTaken = rows.some((instance) => instance.is_there && !canBeMember(instance, before?.id));
  const hidden = rows.length - SHOWN_MAX;
  return (
    <>
      <TextInput
        type="search"
        label={words.find}
        value={wanted}
        onChange={({ currentTarget: { value } }) => find(value)}
      />
      {rows.length === 0 ? (
        <Empty title={words.noMatch} />
      ) : (
        <Table
          label={words.instance}
          columns={columns}
          rows={rows.slice(0, SHOWN_MAX)}
          keyOf={({ id }) => id}
        />
      )}
      {hidden > 0 && <p className="soft">{words.more(hidden)}</p>}
      {isTaken && <p className="soft">{words.takenHint}</p>}
      <p>{words.chosen(draft.members.length)}</p>
    </>
  );
}

function useColumns(
  { ids, ownId }: { readonly ids: ReadonlySet<string>; readonly ownId: string | undefined },
  onChoose: (instance: InstanceProtection, isChosen: boolean) => void,
): readonly Column<InstanceProtection>[] {
  const { form, overview } = useWords();
  const { members: words } = form;
  return [
    {
      title: words.choose,
      show: (instance) => {
        const isFree = canBeMember(instance, ownId);
        return (
          <Checkbox
            aria-label={`${words.choose}: ${instance.name}`}
            checked={ids.has(instance.id)}
            // One that is a member, and gone, can be let go.
            disabled={!isFree && !ids.has(instance.id)}
            title={isFree ? undefined : instance.is_there ? words.takenHint : overview.isGone}
            onChange={({ currentTarget }) => onChoose(instance, currentTarget.checked)}
          />
        );
      },
    },
    {
      title: words.instance,
      kind: "name",
      show: ({ name }) => <span translate="no">{name}</span>,
    },
    {
      title: words.state,
      show: ({ is_there: isThere, workload_id: owner, workload_name: name }) => {
        if (!isThere) return overview.isGone;
        if (owner === null) return words.free;
        if (owner === ownId) return words.own;
        return <a href={hrefOfWorkload(owner)}>{words.taken(name ?? "")}</a>;
      },
    },
  ];
}
