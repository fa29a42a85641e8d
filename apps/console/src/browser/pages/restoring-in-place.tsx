import { Checkbox, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Snapshot } from "../../model/api-types.ts";
import { type InPlaceDisk, inPlaceDisks, inPlaceOptions } from "../../model/in-place.ts";
import { bodyOf, type RestorePlan } from "../../model/restores.ts";
import { parseWireTime } from "../../model/wire-time.ts";
import { Loaded, Note } from "../parts/notes.tsx";
import { Panel } from "../parts/page.tsx";
import { CheckedRestore, UnreadyRestore } from "../parts/preflight.tsx";
import { RestoreName } from "../parts/restore-name.tsx";
import { Warned } from "../parts/warned.tsx";
import { useRead } from "../reading.ts";
import { useFormats, useNow, useWords } from "../surroundings.tsx";

/** A restore that overwrites: which disks, what is lost, and a name to be typed. */
export function InPlace({ snapshot }: { readonly snapshot: Snapshot }) {
  const plan = useRead("POST /workloads/{workload_id}/snapshots/{snapshot_id}/plan", {
    params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id },
    body: { plan: { restore_type: "inplace" } },
  });
  const workload = useRead("GET /workloads/{workload_id}", {
    params: { workload_id: snapshot.workload_id },
  });
  return (
    <Loaded from={plan}>
      {(planned) => (
        <Loaded from={workload}>
          {(reply) => <Steps snapshot={snapshot} plan={planned} workload={reply.workload.name} />}
        </Loaded>
      )}
    </Loaded>
  );
}

function Steps({
  snapshot,
  plan,
  workload,
}: {
  readonly snapshot: Snapshot;
  readonly plan: RestorePlan;
  /** Its name, which is typed to confirm. */
  readonly workload: string;
}) {
  const { restores: words } = useWords();
  const disks = useMemo(() => inPlaceDisks(snapshot, plan), [snapshot, plan]);
  // Nothing is ticked for somebody: what is overwritten was chosen by hand.
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const [isSafe, makeSafe] = useState(true);
  const [name, typeName] = useState<string>(words.kinds.inplace);
  const [typed, type] = useState("");
  const lost = disks.filter(({ key, isWritable }) => isWritable && chosen.has(key));
  const body = useMemo(
    () => bodyOf(name, inPlaceOptions(disks, chosen, isSafe)),
    [name, disks, chosen, isSafe],
  );
  return (
    <>
      <DiskChoice disks={disks} chosen={chosen} onChoose={choose} />
      {lost.length > 0 && <Losses of={lost} isSafe={isSafe} onSafe={makeSafe} />}
      {lost.length === 0 ? (
        <UnreadyRestore kind="inplace" reason={words.inplace.none} />
      ) : (
        <CheckedRestore
          snapshot={snapshot}
          body={body}
          kind="inplace"
          missing={typed === workload ? undefined : words.inplace.typeFirst}
        >
          <RestoreName name={name} onType={typeName} />
          <TextInput
            className="short"
            label={words.inplace.type(workload)}
            autoComplete="off"
            value={typed}
            onChange={({ currentTarget: { value } }) => type(value)}
          />
        </CheckedRestore>
      )}
    </>
  );
}

function DiskChoice({
  disks,
  chosen,
  onChoose,
}: {
  readonly disks: readonly InPlaceDisk[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}) {
  const { inplace, selective } = useWords().restores;
  const describe = ({ volume }: InPlaceDisk): string => {
    if (volume === undefined) return inplace.ownDisk;
    return inplace.volume(volume.name === "" ? selective.unnamed : volume.name);
  };
  const set = (key: string, isChosen: boolean): void =>
    onChoose(new Set(isChosen ? [...chosen, key] : [...chosen].filter((each) => each !== key)));
  return (
    <Panel title={inplace.disks}>
      <div className="fields">
        {disks.map((disk) => (
          <div key={disk.key}>
            <Checkbox
              label={inplace.disk(disk.instance, disk.device)}
              description={describe(disk)}
              disabled={!disk.isWritable}
              checked={disk.isWritable && chosen.has(disk.key)}
              onChange={({ currentTarget }) => set(disk.key, currentTarget.checked)}
            />
            <Warned by={disk.warnings} />
          </div>
        ))}
      </div>
    </Panel>
  );
}

function Losses({
  of: disks,
  isSafe,
  onSafe,
}: {
  readonly of: readonly InPlaceDisk[];
  readonly isSafe: boolean;
  readonly onSafe: (isSafe: boolean) => void;
}) {
  const { inplace } = useWords().restores;
  const formats = useFormats();
  const now = useNow();
  const names = [...new Set(disks.map(({ instance }) => instance))].join(", ");
  return (
    <Panel title={inplace.lost}>
      <div className="fields">
        <Note tone="bad" title={inplace.stops(names)}>
          <ul className="tasks">
            {disks.map(({ key, instance, device, pointAt }) => {
              const atMs = parseWireTime(pointAt);
              const disk = inplace.disk(instance, device);
              return (
                <li key={key}>{inplace.lostOf(disk, formats.short(atMs), formats.relative(atMs, now))}</li>
              );
            })}
          </ul>
        </Note>
        <Checkbox
          label={inplace.safety}
          description={inplace.safetyHint}
          checked={isSafe}
          onChange={({ currentTarget }) => onSafe(currentTarget.checked)}
        />
        {!isSafe && (
          <Note tone="bad" title={inplace.unsafe}>
            <p>{inplace.unsafeHint}</p>
          </Note>
        )}
      </div>
    </Panel>
  );
}
