import type { SnapshotDisk, SnapshotInstance, Snapshot as SnapshotRow } from "../../model/api-types.ts";
import { flavorOf, groupNames } from "../../model/captured.ts";
import { isMountMoving } from "../../model/mounts.ts";
import { hrefOfWorkload } from "../../model/place.ts";
import { isRunning, isUnsettled, toneOf } from "../../model/states.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { At } from "../parts/moment.tsx";
import { MountPanel } from "../parts/mounts.tsx";
import { Loaded, Note } from "../parts/notes.tsx";
import { Facts, Page, Panel } from "../parts/page.tsx";
import { RestoreList } from "../parts/restore-list.tsx";
import { Running } from "../parts/running.tsx";
import { SnapshotActions } from "../parts/snapshot-actions.tsx";
import { State } from "../parts/state.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useWords } from "../surroundings.tsx";

/** A snapshot: what is in it, how each disk was read and why, how consistent it is, and what it cost. */
export function Snapshot({ id }: { readonly id: string }) {
  const words = useWords();
  const formats = useFormats();
  const read = useRead(
    "GET /snapshots/{snapshot_id}",
    { params: { snapshot_id: id } },
    { isMoving: ({ snapshot }) => isUnsettled(snapshot.status) || isMountMoving(snapshot) },
  );
  const snapshot = read.data?.snapshot;
  if (snapshot === undefined) {
    return (
      <Page title={words.workload.snapshots}>
        <Loaded from={read}>{() => null}</Loaded>
      </Page>
    );
  }
  return (
    <Page
      title={words.snapshot.title(formats.short(parseWireTime(snapshot.created_at)))}
      way={<a href={hrefOfWorkload(snapshot.workload_id)}>{words.snapshot.back}</a>}
      state={<State tone={toneOf(snapshot.status)}>{words.snapshotStates[snapshot.status]}</State>}
    >
      {snapshot.error_msg !== null && (
        <Note tone="bad" title={words.snapshot.error}>
          <p>{snapshot.error_msg}</p>
        </Note>
      )}
      {snapshot.warning_msg !== null && (
        <Note tone="busy" title={words.snapshot.warning}>
          <p>{snapshot.warning_msg}</p>
        </Note>
      )}
      {isRunning(snapshot.status) && <Running id={snapshot.id} />}
      <SnapshotActions snapshot={snapshot} />
      <Cost snapshot={snapshot} />
      <Instances snapshot={snapshot} />
      <MountPanel snapshot={snapshot} />
      <RestoreList of={{ snapshot_id: snapshot.id }} />
    </Page>
  );
}

function Cost({ snapshot }: { readonly snapshot: SnapshotRow }) {
  const words = useWords();
  const formats = useFormats();
  const { snapshot: own } = words;
  return (
    <Panel title={own.cost}>
      <Facts
        of={[
          [own.taken, <At key="taken" wire={snapshot.created_at} />],
          [own.type, words.types[snapshot.snapshot_type]],
          [own.took, formats.duration(snapshot.time_taken)],
          [own.disks, formats.bytes(snapshot.virtual_bytes)],
          [own.read, formats.bytes(snapshot.read_bytes)],
          [own.stored, formats.bytes(snapshot.stored_bytes)],
        ]}
      />
    </Panel>
  );
}

function Instances({ snapshot }: { readonly snapshot: SnapshotRow }) {
  const { snapshot: words } = useWords();
  const { instances, workload_point: point } = snapshot;
  if (instances.length === 0) {
    return (
      <Panel title={words.instances}>
        <p>{words.noInstances}</p>
      </Panel>
    );
  }
  return (
    <>
      {point !== null && (
        <Panel title={words.consistency}>
          <p>
            {point.together && point.skew_ms !== null
              ? words.together(`${String(point.skew_ms)} ms`)
              : words.apart}
          </p>
          {point.reason !== null && <p className="soft">{point.reason}</p>}
        </Panel>
      )}
      {instances.map((instance) => (
        <Instance key={instance.id} instance={instance} />
      ))}
    </>
  );
}

function Instance({ instance }: { readonly instance: SnapshotInstance }) {
  const { snapshot: words } = useWords();
  const formats = useFormats();
  const flavor = flavorOf(instance);
  const shown =
    flavor === undefined
      ? words.notYet
      : words.flavorOf(flavor.name, formats.bytes(flavor.ramBytes), flavor.vcpus);
  const groups = groupNames(instance);
  return (
    <Panel title={instance.name}>
      <Facts
        of={[
          [words.flavor, shown],
          [words.groups, groups.length === 0 ? words.none : groups.join(", ")],
          [words.consistency, <Quality key="quality" instance={instance} />],
          [
            words.taken,
            instance.point_at === null ? words.notYet : <At key="taken" wire={instance.point_at} />,
          ],
        ]}
      />
      <Disks instance={instance} />
      <Networks instance={instance} />
    </Panel>
  );
}

function Quality({ instance: { consistency } }: { readonly instance: SnapshotInstance }) {
  const { snapshot: words } = useWords();
  const formats = useFormats();
  if (consistency === null) return words.notYet;
  const { quality, freeze_ms: freezeMs, reason } = consistency;
  const frozen = freezeMs === undefined ? "" : `, ${words.frozenFor(`${formats.count(freezeMs)} ms`)}`;
  return <span title={reason}>{`${words.qualities[quality]}${frozen}`}</span>;
}

function Disks({ instance }: { readonly instance: SnapshotInstance }) {
  const { snapshot: words } = useWords();
  const columns = useDiskColumns();
  const label = `${instance.name}: ${words.disk}`;
  return <Table label={label} columns={columns} rows={instance.vdisks} keyOf={({ disk_id: id }) => id} />;
}

function useDiskColumns(): readonly Column<SnapshotDisk>[] {
  const { snapshot: words, workload } = useWords();
  const formats = useFormats();
  const size = (bytes: number | null): string => (bytes === null ? words.notYet : formats.bytes(bytes));
  return [
    { title: words.disk, kind: "name", show: ({ disk }) => disk },
    {
      title: words.volume,
      show: ({ volume_id: id, volume_name: name }) =>
        id === undefined ? words.ofInstance : <span title={id}>{name === "" ? id : name}</span>,
    },
    { title: words.howRead, show: (disk) => <HowRead disk={disk} /> },
    { title: words.size, kind: "number", show: (disk) => size(disk.size_bytes) },
    { title: workload.read, kind: "number", show: (disk) => size(disk.read_bytes) },
    { title: workload.stored, kind: "number", show: (disk) => size(disk.stored_bytes) },
  ];
}

function HowRead({ disk: { read } }: { readonly disk: SnapshotDisk }) {
  const { snapshot: words } = useWords();
  if (read === null) return words.notYet;
  if (read.mode === "incremental") {
    return read.tracker === undefined ? words.changes : words.changesBy(read.tracker);
  }
  const why = read.because === undefined ? undefined : (words.reasons[read.because] ?? read.because);
  return why === undefined ? words.whole : words.wholeBecause(why);
}

function Networks({ instance }: { readonly instance: SnapshotInstance }) {
  const { snapshot: words } = useWords();
  const columns = useNicColumns();
  if (instance.nics.length === 0) return null;
  return (
    <Table
      label={`${instance.name}: ${words.networks}`}
      columns={columns}
      rows={instance.nics}
      keyOf={({ mac_address: mac, ip_address: ip }) => `${mac} ${ip}`}
    />
  );
}

function useNicColumns(): readonly Column<SnapshotInstance["nics"][number]>[] {
  const { snapshot: words } = useWords();
  return [
    { title: words.network, kind: "name", show: ({ network }) => network.name },
    { title: words.address, show: ({ ip_address: ip }) => (ip === "" ? words.noAddress : ip) },
    { title: words.mac, show: ({ mac_address: mac }) => <code>{mac}</code> },
  ];
}
