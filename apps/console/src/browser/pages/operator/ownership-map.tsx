import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { ApiFailure } from "../../../model/failure.ts";
import {
  giftsOf,
  groupsOf,
  type Heir,
  type OwnershipMap as Heirs,
  isHalfNamed,
  NO_HEIR,
  type Orphan,
  type OrphanGroup,
} from "../../../model/ownership-map.ts";
import { Confirm, useRefusal } from "../../parts/asking.tsx";
import { ProjectName } from "../../parts/names.tsx";
import { Panel } from "../../parts/page.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useWords } from "../../surroundings.tsx";

interface OwnershipMapProps {
  readonly orphans: readonly Orphan[];
  readonly onDone: () => void;
}

/** Who gets the orphans of which former project: all of it is given at once, after a question. */
export function OwnershipMap({ orphans, onDone }: OwnershipMapProps) {
  const { map } = useWords().operator.orphans;
  const groups = useMemo(() => groupsOf(orphans), [orphans]);
  const [heirs, name] = useState<Heirs>(new Map());
  const set = (key: string, heir: Heir): void => name(new Map([...heirs, [key, heir]]));
  return (
    <Panel title={map.title}>
      <div className="form">
        <p className="soft">{map.hint}</p>
        {groups.map((group) => (
          <Group
            key={group.key}
            group={group}
            heir={heirs.get(group.key) ?? NO_HEIR}
            onChange={(heir) => set(group.key, heir)}
          />
        ))}
        <Giving groups={groups} heirs={heirs} onDone={onDone} />
      </div>
    </Panel>
  );
}

function Group({
  group: { projectId, isOfOtherCloud, workloads },
  heir,
  onChange,
}: {
  readonly group: OrphanGroup;
  readonly heir: Heir;
  readonly onChange: (heir: Heir) => void;
}) {
  const { operator } = useWords();
  const { map, choose } = operator.orphans;
  const projects = useRead("GET /workloads/metrics/projects", {});
  const leave = (id: string, isGiven: boolean): void => {
    const others = [...heir.left].filter((each) => each !== id);
    onChange({ ...heir, left: new Set(isGiven ? others : [...others, id]) });
  };
  return (
    <fieldset className="choice">
      <legend>
        {isOfOtherCloud ? map.ofOtherCloud : map.ofProject}{" "}
        {!isOfOtherCloud && <ProjectName id={projectId} />}
      </legend>
      {workloads.map(({ id, name }) => (
        <Checkbox
          key={id}
          label={<span translate="no">{name}</span>}
          checked={!heir.left.has(id)}
          onChange={({ currentTarget }) => leave(id, currentTarget.checked)}
        />
      ))}
      <div className="fields">
        <NativeSelect
          label={map.project}
          value={heir.projectId}
          onChange={({ currentTarget }) => onChange({ ...heir, projectId: currentTarget.value })}
          data={[
            { value: "", label: choose },
            ...(projects.data?.projects ?? []).map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
        <TextInput
          label={map.user}
          description={map.userHint}
          value={heir.userId}
          onChange={({ currentTarget }) => onChange({ ...heir, userId: currentTarget.value })}
        />
      </div>
    </fieldset>
  );
}

function Giving({
  groups,
  heirs,
  onDone,
}: {
  readonly groups: readonly OrphanGroup[];
  readonly heirs: Heirs;
  readonly onDone: () => void;
}) {
  const { orphans } = useWords().operator;
  const { map } = orphans;
  const reassign = useChange("POST /workloads/reassign_workloads");
  const gifts = giftsOf(groups, heirs);
  const count = gifts.reduce((sum, { workload_ids }) => sum + (workload_ids?.length ?? 0), 0);
  const missing = isHalfNamed(groups, heirs) ? map.half : count === 0 ? map.nothing : undefined;
  const reason = useRefusal("reassignWorkloads", missing);
  const run = async (): Promise<void> => {
    const { failed_workloads: failed } = (await reassign.mutateAsync({ body: gifts })).workloads;
    // The API answers that it is done, and says of each workload why not.
    if (failed.length > 0) {
      const sentences = failed.map(({ id, name, reason: why }) => `${name ?? id}: ${why}`);
      throw new ApiFailure("refused", sentences.join(" "));
    }
    onDone();
  };
  return (
    <div className="begin">
      <Confirm label={map.give} title={map.giveTitle(count)} verb={map.give} reason={reason} isMain run={run}>
        <p>{map.means}</p>
      </Confirm>
      {reason !== undefined && <p className="soft">{reason}</p>}
    </div>
  );
}
