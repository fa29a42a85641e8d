import { Button, Checkbox } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Snapshot } from "../../model/api-types.ts";
import { hrefOfWorkload } from "../../model/place.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { useChange } from "../reading.ts";
import { useFormats, useWords } from "../surroundings.tsx";
import { Dialog } from "./dialog.tsx";
import { Failure, Note } from "./notes.tsx";

interface Question {
  readonly snapshot: Snapshot;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Asks whether a snapshot shall be deleted: says what is lost, and wants that confirmed. */
export function DeleteSnapshot({ snapshot, isOpen, onClose }: Question) {
  const { deletion } = useWords().restores;
  return (
    <Dialog title={deletion.title} isOpen={isOpen} onClose={onClose}>
      <Losses snapshot={snapshot} />
      <Answer snapshot={snapshot} onClose={onClose} />
    </Dialog>
  );
}

function Losses({ snapshot }: { readonly snapshot: Snapshot }) {
  const { deletion } = useWords().restores;
  const formats = useFormats();
  const isGood = snapshot.status === "available";
  return (
    <Note tone="bad" title={deletion.lost}>
      {isGood ? (
        <ul className="tasks">
          <li>{deletion.snapshot(formats.short(parseWireTime(snapshot.created_at)))}</li>
          {snapshot.instances.map(({ id, name, vdisks }) => {
            const bytes = vdisks.reduce((sum, disk) => sum + (disk.size_bytes ?? 0), 0);
            return <li key={id}>{deletion.disks(name, vdisks.length, formats.bytes(bytes))}</li>;
          })}
        </ul>
      ) : (
        <p>{deletion.nothing}</p>
      )}
    </Note>
  );
}

function Answer({ snapshot, onClose }: Omit<Question, "isOpen">) {
  const { restores, manage } = useWords();
  const { deletion } = restores;
  const [isSure, confirm] = useState(false);
  const remove = useChange("DELETE /snapshots/{snapshot_id}");
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isSure) return;
    remove.mutate(
      { params: { snapshot_id: snapshot.id } },
      {
        onSuccess: () => {
          location.hash = hrefOfWorkload(snapshot.workload_id);
        },
      },
    );
  };
  return (
    <form className="fields" onSubmit={onSubmit}>
      <Checkbox
        label={deletion.confirm}
        checked={isSure}
        onChange={({ currentTarget }) => confirm(currentTarget.checked)}
      />
      {remove.error !== null && <Failure of={remove.error} />}
      <div className="pager">
        <Button variant="default" onClick={onClose}>
          {manage.leave}
        </Button>
        <Button type="submit" color="red" disabled={!isSure} loading={remove.isPending}>
          {deletion.button}
        </Button>
      </div>
    </form>
  );
}
