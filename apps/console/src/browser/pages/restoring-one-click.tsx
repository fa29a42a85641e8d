import { useMemo, useState } from "react";
import type { Snapshot, SnapshotInstance } from "../../model/api-types.ts";
import { flavorOf } from "../../model/captured.ts";
import { bodyOf, ONE_CLICK } from "../../model/restores.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { Note } from "../parts/notes.tsx";
import { Panel } from "../parts/page.tsx";
import { CheckedRestore } from "../parts/preflight.tsx";
import { RestoreName } from "../parts/restore-name.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useWords } from "../surroundings.tsx";

/** A restore of everything as it was: nothing can be chosen, so it says what will be made. */
export function OneClick({ snapshot }: { readonly snapshot: Snapshot }) {
  const { restores: words } = useWords();
  const formats = useFormats();
  const [name, type] = useState<string>(words.kinds.oneclick);
  const body = useMemo(() => bodyOf(name, ONE_CLICK), [name]);
  const columns = useColumns();
  return (
    <>
      <Panel title={words.oneclick.made}>
        <Table
          label={words.oneclick.made}
          columns={columns}
          rows={snapshot.instances}
          keyOf={({ id }) => id}
        />
        <p className="foot">
          {words.oneclick.asOf(formats.short(parseWireTime(snapshot.created_at)))}. {words.oneclick.workload}
        </p>
      </Panel>
      <Warnings snapshot={snapshot} />
      <CheckedRestore snapshot={snapshot} body={body} kind="oneclick">
        <RestoreName name={name} onType={type} />
      </CheckedRestore>
    </>
  );
}

/** What is not as it was when the snapshot was taken, as the planner sees it; nothing: all is there. */
function Warnings({ snapshot }: { readonly snapshot: Snapshot }) {
  const { oneclick } = useWords().restores;
  const plan = useRead("POST /workloads/{workload_id}/snapshots/{snapshot_id}/plan", {
    params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id },
    body: { plan: { restore_type: "selective" } },
  });
  const warnings = plan.data?.warnings ?? [];
  if (warnings.length === 0) return null;
  return (
    <Note tone="busy" title={oneclick.warnings}>
      <ul className="tasks">
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
      <p className="soft">{oneclick.warningsHint}</p>
    </Note>
  );
}

function useColumns(): readonly Column<SnapshotInstance>[] {
  const words = useWords();
  const { oneclick } = words.restores;
  const formats = useFormats();
  return [
    { title: oneclick.instance, kind: "name", show: ({ name }) => <span translate="no">{name}</span> },
    { title: oneclick.flavor, show: (instance) => flavorOf(instance)?.name ?? words.snapshot.notYet },
    {
      title: oneclick.disks,
      show: ({ vdisks }) =>
        oneclick.disksOf(
          vdisks.length,
          formats.bytes(vdisks.reduce((sum, disk) => sum + (disk.size_bytes ?? 0), 0)),
        ),
    },
    {
      title: oneclick.networks,
      show: ({ nics }) =>
        nics.map(({ network, ip_address: ip }) => oneclick.addressIn(network.name, ip)).join(", "),
    },
  ];
}
