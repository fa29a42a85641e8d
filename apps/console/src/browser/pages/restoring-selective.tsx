import { NativeSelect } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Snapshot } from "../../model/api-types.ts";
import { bodyOf, type RestoreOptions, type RestorePlan } from "../../model/restores.ts";
import {
  hasGoodAddresses,
  hasNames,
  includedOf,
  placeChoices,
  placeKey,
  warningsAbout,
  withInstance,
  withNetwork,
} from "../../model/selective.ts";
import { Loaded, Note } from "../parts/notes.tsx";
import { Panel } from "../parts/page.tsx";
import { CheckedRestore, UnreadyRestore } from "../parts/preflight.tsx";
import { RestoreName } from "../parts/restore-name.tsx";
import { Warned } from "../parts/warned.tsx";
import { useRead } from "../reading.ts";
import { useWords } from "../surroundings.tsx";
import { InstanceFields } from "./restoring-instance.tsx";

/** A restore of chosen instances beside the originals: all that the planner proposes can be changed. */
export function Selective({ snapshot }: { readonly snapshot: Snapshot }) {
  const plan = useRead("POST /workloads/{workload_id}/snapshots/{snapshot_id}/plan", {
    params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id },
    body: { plan: { restore_type: "selective" } },
  });
  return <Loaded from={plan}>{(planned) => <Steps snapshot={snapshot} plan={planned} />}</Loaded>;
}

function Steps({ snapshot, plan }: { readonly snapshot: Snapshot; readonly plan: RestorePlan }) {
  const { restores: words } = useWords();
  const [name, type] = useState<string>(words.kinds.selective);
  // The plan is read again while somebody edits; what was edited stays.
  const [options, edit] = useState(plan.restore.options);
  const body = useMemo(() => bodyOf(name, options), [name, options]);
  const isEmpty = includedOf(options).length === 0;
  const missing = useMissing(options);
  return (
    <>
      <Networks plan={plan} options={options} onEdit={edit} />
      {options.openstack.instances.map((instance) => {
        const captured = snapshot.instances.find(({ id }) => id === instance.id);
        return captured === undefined ? null : (
          <InstanceFields
            key={instance.id}
            captured={captured}
            asked={instance}
            plan={plan}
            onChange={(changed) => edit(withInstance(options, instance.id, () => changed))}
          />
        );
      })}
      {isEmpty ? (
        <UnreadyRestore kind="selective" reason={words.selective.none} />
      ) : (
        <CheckedRestore snapshot={snapshot} body={body} kind="selective" missing={missing}>
          <RestoreName name={name} onType={type} />
        </CheckedRestore>
      )}
    </>
  );
}

/** What is still wrong in the fields, as a sentence. */
function useMissing(options: RestoreOptions): string | undefined {
  const { selective } = useWords().restores;
  if (!hasNames(options)) return selective.noName;
  return hasGoodAddresses(options) ? undefined : selective.wrongAddress;
}

/** What takes the place of each network of the snapshot, for all instances at once. */
function Networks({
  plan,
  options,
  onEdit,
}: {
  readonly plan: RestorePlan;
  readonly options: RestoreOptions;
  readonly onEdit: (options: RestoreOptions) => void;
}) {
  const { selective } = useWords().restores;
  const choices = useMemo(() => placeChoices(plan.choices), [plan]);
  const { networks } = options.openstack.networks_mapping;
  if (networks.length === 0 && !options.openstack.restore_topology) return null;
  return (
    <Panel title={selective.forAll}>
      {options.openstack.restore_topology && <Note tone="busy" title={selective.topology} />}
      <div className="form-grid">
        {networks.map(({ snapshot_network: from, target_network: to }) => (
          <div key={from.id}>
            <NativeSelect
              label={selective.network(networkName(plan, from.id))}
              value={placeKey(to)}
              data={choices.map(({ value, label }) => ({ value, label }))}
              onChange={({ currentTarget: { value } }) => {
                const chosen = choices.find((choice) => choice.value === value);
                if (chosen !== undefined) onEdit(withNetwork(options, from.id, chosen.place));
              }}
            />
            <Warned by={warningsAbout(plan, "network", from.id)} />
          </div>
        ))}
      </div>
    </Panel>
  );
}

function networkName(plan: RestorePlan, id: string): string {
  return (
    plan.mapping.networks.find(({ snapshot_network: each }) => each.id === id)?.snapshot_network.name ?? id
  );
}
