import { Checkbox } from "@mantine/core";
import { useState } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { assignmentChange } from "../../../model/policy-draft.ts";
import { DialogForm, Opener, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Panel } from "../../parts/page.tsx";
import { ProjectChoice } from "../../parts/project-choice.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";

type TargetType = ReplyOf<"GET /backup_target_types">["backup_target_types"][number];

/** The names that workloads choose a target by, and who may choose each. */
export function TargetTypes({ nameOf }: { readonly nameOf: ReadonlyMap<string, string> }) {
  const { targets } = useWords().operator;
  const types = useRead("GET /backup_target_types", {});
  return (
    <Panel title={targets.types}>
      <p className="soft">{targets.typesHint}</p>
      <Listing
        from={types}
        rowsOf={(reply) => reply.backup_target_types}
        keyOf={({ id }) => id}
        label={targets.types}
        columns={useColumns(nameOf)}
        empty={{ title: targets.noTypes }}
      />
    </Panel>
  );
}

function useColumns(nameOf: ReadonlyMap<string, string>): readonly Column<TargetType>[] {
  const { targets } = useWords().operator;
  return [
    { title: targets.typeName, kind: "name", show: ({ name }) => <span translate="no">{name}</span> },
    {
      title: targets.target,
      show: ({ backup_targets_id: id }) => <span translate="no">{nameOf.get(id) ?? "…"}</span>,
    },
    { title: targets.description, show: ({ description }) => description },
    { title: targets.whose, show: (type) => <Whose type={type} /> },
    { title: targets.actions, show: (type) => <Give type={type} /> },
  ];
}

interface OfType {
  readonly type: TargetType;
}

function Whose({ type }: OfType) {
  const { targets } = useWords().operator;
  if (type.is_public) return targets.everybody;
  if (type.backup_target_type_projects.length === 0) return targets.nobody;
  return (
    <span className="names">
      {type.backup_target_type_projects.map(({ project_id: id }) => (
        <ProjectName key={id} id={id} />
      ))}
    </span>
  );
}

function Give({ type }: OfType) {
  const { targets } = useWords().operator;
  const reason = useRefusal("updateBackupTargetType");
  return (
    <Opener label={targets.give} of={type.name} title={targets.giveOf(type.name)} reason={reason}>
      {(close) => <GiveForm type={type} close={close} />}
    </Opener>
  );
}

function GiveForm({ type, close }: OfType & { readonly close: () => void }) {
  const { targets } = useWords().operator;
  const update = useChange("PUT /backup_target_types/{backup_target_type_id}");
  const add = useChange("POST /backup_target_types/{backup_target_type_id}/add_projects");
  const remove = useChange("POST /backup_target_types/{backup_target_type_id}/remove_projects");
  const current = new Set(type.backup_target_type_projects.map(({ project_id: id }) => id));
  const [isPublic, publish] = useState(type.is_public);
  const [chosen, choose] = useState<ReadonlySet<string>>(current);
  const run = async (): Promise<void> => {
    const params = { backup_target_type_id: type.id };
    const { add_projects, remove_projects } = assignmentChange(current, chosen);
    // Those that it is given to first: between two answers nobody loses it who shall keep it.
    if (add_projects.length > 0) await add.mutateAsync({ params, body: { add_projects } });
    if (isPublic !== type.is_public) {
      await update.mutateAsync({ params, body: { backup_target_type: { is_public: isPublic } } });
    }
    if (remove_projects.length > 0) await remove.mutateAsync({ params, body: { remove_projects } });
  };
  return (
    <DialogForm verb={targets.save} run={run} close={close}>
      <p>{targets.giveMeans}</p>
      <Checkbox
        label={targets.everybody}
        checked={isPublic}
        onChange={({ currentTarget }) => publish(currentTarget.checked)}
      />
      {!isPublic && <ProjectChoice label={targets.mayChoose} chosen={chosen} onChoose={choose} />}
    </DialogForm>
  );
}
