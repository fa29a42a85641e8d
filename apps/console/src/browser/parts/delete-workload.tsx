import { Button, Checkbox, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Workload } from "../../model/api-types.ts";
import { hasSnapshots, keptSnapshots } from "../../model/deeds.ts";
import { ALL_WORKLOADS, hrefOf } from "../../model/place.ts";
import { useChange } from "../reading.ts";
import { useFormats, useWords } from "../surroundings.tsx";
import { Dialog } from "./dialog.tsx";
import { Failure, Note } from "./notes.tsx";

interface Question {
  readonly workload: Workload;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Asks whether a workload shall be deleted: says what is lost, and wants its name typed. */
export function DeleteWorkload({ workload, isOpen, onClose }: Question) {
  const { delete: words } = useWords().manage;
  return (
    <Dialog title={words.title} isOpen={isOpen} onClose={onClose}>
      <Losses workload={workload} />
      <Answer workload={workload} onClose={onClose} />
    </Dialog>
  );
}

function Losses({ workload }: { readonly workload: Workload }) {
  const { delete: words } = useWords().manage;
  const formats = useFormats();
  const names = workload.instances.map(({ name }) => name);
  const kept = keptSnapshots(workload);
  return (
    <Note tone="bad" title={words.lost}>
      <ul className="tasks">
        <li>{words.members(names.length, names.join(", "))}</li>
        <li>{words.schedule}</li>
        <li>
          {kept === 0
            ? words.noSnapshots
            : words.snapshots(kept, formats.bytes(workload.storage_usage.usage))}
        </li>
      </ul>
    </Note>
  );
}

function Answer({ workload, onClose }: Omit<Question, "isOpen">) {
  const { manage } = useWords();
  const words = manage.delete;
  const [typed, type] = useState("");
  const [isHereOnly, choose] = useState(false);
  const remove = useChange("DELETE /workloads/{workload_id}");
  const mustChoose = hasSnapshots(workload);
  const isReady = typed === workload.name && (!mustChoose || isHereOnly);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isReady) return;
    remove.mutate(
      { params: { workload_id: workload.id }, query: isHereOnly ? { database_only: true } : {} },
      {
        onSuccess: () => {
          location.hash = hrefOf(ALL_WORKLOADS);
        },
      },
    );
  };
  return (
    <form className="fields" onSubmit={onSubmit}>
      {mustChoose && (
        <>
          <p>{words.keepFirst}</p>
          <Checkbox
            label={words.databaseOnly}
            description={words.databaseOnlyHint}
            checked={isHereOnly}
            onChange={({ currentTarget }) => choose(currentTarget.checked)}
          />
        </>
      )}
      <TextInput
        label={words.type(workload.name)}
        autoComplete="off"
        value={typed}
        onChange={({ currentTarget: { value } }) => type(value)}
      />
      {remove.error !== null && <Failure of={remove.error} />}
      <div className="pager">
        <Button variant="default" onClick={onClose}>
          {manage.leave}
        </Button>
        <Button type="submit" color="red" disabled={!isReady} loading={remove.isPending}>
          {words.button}
        </Button>
      </div>
    </form>
  );
}
