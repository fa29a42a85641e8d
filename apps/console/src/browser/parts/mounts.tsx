import { Button, NativeSelect } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { ReplyOf, Snapshot } from "../../model/api-types.ts";
import { hrefOfSnapshot } from "../../model/place.ts";
import { toneOf } from "../../model/states.ts";
import { useChange, useRead } from "../reading.ts";
import { useSession, useWords } from "../surroundings.tsx";
import { Confirm } from "./asking.tsx";
import { Listing } from "./listing.tsx";
import { Failure, Loaded } from "./notes.tsx";
import { Panel } from "./page.tsx";
import { State } from "./state.tsx";
import { type Column, Table } from "./table.tsx";

type Mounted = ReplyOf<"GET /snapshots/mounted/list">["mounted_snapshots"][number];

/** The snapshots that instances of the project have mounted. */
export function MountedSnapshots() {
  const { mounts: words } = useWords().tenant;
  const [isLeaving, leave] = useState(false);
  const columns = useMountedColumns(() => leave(true));
  const read = useRead(
    "GET /snapshots/mounted/list",
    { query: { limit: 1000 } },
    {
      isMoving: ({ mounted_snapshots: mounted }) =>
        mounted.some(({ status }) => isLeaving || status === "mounting"),
    },
  );
  return (
    <Panel title={words.title}>
      <Listing
        from={read}
        rowsOf={({ mounted_snapshots: mounted }) => mounted}
        keyOf={(mounted) => mounted.snapshot_id}
        label={words.title}
        columns={columns}
        empty={{ title: words.none, hint: words.noneHint }}
      />
    </Panel>
  );
}

function useMountedColumns(onDismount: () => void): readonly Column<Mounted>[] {
  const { tenant, snapshotStates } = useWords();
  const { mounts: words } = tenant;
  return [
    {
      title: words.snapshot,
      kind: "name",
      show: ({ snapshot_id: id, snapshot_name: name }) => <a href={hrefOfSnapshot(id)}>{name}</a>,
    },
    {
      title: words.state,
      show: ({ status }) => <State tone={toneOf(status)}>{snapshotStates[status]}</State>,
    },
    {
      title: words.where,
      show: ({ mounturl: url }) => (url === "" ? words.noGuest : <code>{url}</code>),
    },
    {
      title: words.dismount,
      show: ({ snapshot_id: id, snapshot_name: name }) => (
        <Dismount id={id} name={name} onBegun={onDismount} />
      ),
    },
  ];
}

function Dismount({
  id,
  name,
  onBegun,
}: {
  readonly id: string;
  readonly name: string;
  readonly onBegun?: () => void;
}) {
  const { tenant, states } = useWords();
  const { mounts: words } = tenant;
  const { mayNot } = useSession();
  const dismount = useChange("POST /snapshots/{snapshot_id}/dismount");
  return (
    <Confirm
      label={words.dismount}
      of={name}
      title={words.dismountTitle}
      verb={words.dismount}
      reason={mayNot.has("dismountSnapshot") ? states.refused : undefined}
      isGrave
      run={async () => {
        await dismount.mutateAsync({ params: { snapshot_id: id } });
        onBegun?.();
      }}
    >
      <p>{words.lost}</p>
    </Confirm>
  );
}

/** Mounts a snapshot in an instance, or tells in which one it is mounted and where. */
export function MountPanel({ snapshot }: { readonly snapshot: Snapshot }) {
  const { mounts: words } = useWords().tenant;
  const { mount } = snapshot;
  return (
    <Panel title={words.panel}>
      {mount === null ? <MountForm snapshot={snapshot} /> : <Where snapshot={snapshot} mount={mount} />}
    </Panel>
  );
}

function Where({
  snapshot,
  mount,
}: {
  readonly snapshot: Snapshot;
  readonly mount: NonNullable<Snapshot["mount"]>;
}) {
  const { mounts: words } = useWords().tenant;
  const columns = useFileSystemColumns();
  const { instance_name: instance } = mount;
  if (mount.dismounting) return <p>{words.dismountingFrom(instance)}</p>;
  if (snapshot.status === "mounting") return <p>{words.mountingIn(instance)}</p>;
  return (
    <div className="fields">
      <p>{words.mountedIn(instance)}</p>
      {mount.mounturl === "" ? <p className="soft">{words.noGuest}</p> : <code>{mount.mounturl}</code>}
      {mount.file_systems.length > 0 && (
        <Table label={words.panel} rows={mount.file_systems} keyOf={({ path }) => path} columns={columns} />
      )}
      <div>
        <Dismount id={snapshot.id} name={snapshot.name} />
      </div>
    </div>
  );
}

type FileSystem = NonNullable<Snapshot["mount"]>["file_systems"][number];

function useFileSystemColumns(): readonly Column<FileSystem>[] {
  const { mounts: words } = useWords().tenant;
  return [
    { title: words.folder, kind: "name", show: ({ path }) => <code>{path}</code> },
    { title: words.disk, show: ({ vm_name: name, disk }) => `${name}, ${disk}` },
    { title: words.fileSystem, show: ({ file_system: kind }) => kind },
  ];
}

function MountForm({ snapshot }: { readonly snapshot: Snapshot }) {
  const { tenant, states } = useWords();
  const { mounts: words } = tenant;
  const { mayNot } = useSession();
  const [instanceId, choose] = useState("");
  const mount = useChange("POST /snapshots/{snapshot_id}/mount");
  const instances = useRead("GET /workloads/metrics/instances", { query: { limit: 1000 } });
  const reason = mayNot.has("mountSnapshot")
    ? states.refused
    : snapshot.status === "available"
      ? undefined
      : words.busy;
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    mount.mutate({ params: { snapshot_id: snapshot.id }, body: { mount: { mount_vm_id: instanceId } } });
  };
  return (
    <form className="fields" onSubmit={onSubmit}>
      <p className="soft">{words.hint}</p>
      <Loaded from={instances}>
        {(reply) => (
          <NativeSelect
            label={words.in}
            disabled={reason !== undefined}
            value={instanceId}
            onChange={({ currentTarget: { value } }) => choose(value)}
            data={[
              { value: "", label: tenant.files.choose },
              ...reply.instances
                .filter((instance) => instance.is_there)
                .map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        )}
      </Loaded>
      {mount.error !== null && <Failure of={mount.error} />}
      {reason !== undefined && <p className="soft">{reason}</p>}
      <output>{mount.isSuccess ? words.begun : ""}</output>
      <div>
        <Button
          type="submit"
          variant="default"
          loading={mount.isPending}
          disabled={reason !== undefined || instanceId === ""}
          title={reason}
        >
          {words.mount}
        </Button>
      </div>
    </form>
  );
}
