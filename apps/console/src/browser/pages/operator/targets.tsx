import type { ReplyOf } from "../../../model/api-types.ts";
import { parseWireTime } from "../../../model/wire-time.ts";
import { Confirm, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Ago } from "../../parts/moment.tsx";
import { Note } from "../../parts/notes.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import { TargetTypes } from "./target-types.tsx";

type Target = ReplyOf<"GET /backup_targets">["backup_targets"][number];

/** Where snapshots lie: how each target is, and the names that workloads choose it by. */
export function Targets() {
  const { targets, rooms } = useWords().operator;
  const read = useRead("GET /backup_targets", {});
  const nameOf = new Map(read.data?.backup_targets.map((each) => [each.id, nameOfTarget(each)]));
  return (
    <Page title={rooms.targets}>
      {read.data?.backup_targets.map((target) => (
        <Troubles key={target.id} target={target} />
      ))}
      <Panel title={targets.list}>
        <Listing
          from={read}
          rowsOf={(reply) => reply.backup_targets}
          keyOf={({ id }) => id}
          label={targets.list}
          columns={useTargetColumns()}
          empty={{ title: targets.empty, hint: targets.emptyHint }}
        />
      </Panel>
      <TargetTypes nameOf={nameOf} />
    </Page>
  );
}

function nameOfTarget(target: Target): string {
  return target.btt_name ?? placeOf(target);
}

/** Where it lies, as operators name it. */
function placeOf(target: Target): string {
  const bucket = target.s3_bucket === null ? null : `s3://${target.s3_bucket}/${target.s3_prefix ?? ""}`;
  return target.filesystem_export ?? bucket ?? target.filesystem_export_mount_path ?? "";
}

/** What is wrong with a target, what its probe found, and why its mirror does not follow. */
function Troubles({ target }: OfTarget) {
  const { targets } = useWords().operator;
  const { error, warnings, mirror } = target;
  const name = nameOfTarget(target);
  return (
    <>
      {error !== null && (
        <Note tone="bad" title={targets.errorOf(name)}>
          <p>
            {error.message} {error.remedy}
          </p>
        </Note>
      )}
      {mirror !== null && mirror.error !== null && (
        <Note tone="bad" title={targets.mirrorErrorOf(name)}>
          <p>{mirror.error}</p>
        </Note>
      )}
      {warnings.length > 0 && (
        <Note tone="busy" title={targets.warningOf(name)}>
          {warnings.map((warning) => (
            <p key={warning}>{warning}</p>
          ))}
        </Note>
      )}
    </>
  );
}

interface OfTarget {
  readonly target: Target;
}

function useTargetColumns(): readonly Column<Target>[] {
  const { targets } = useWords().operator;
  return [
    {
      title: targets.name,
      kind: "name",
      show: (target) => <span translate="no">{nameOfTarget(target)}</span>,
    },
    { title: targets.kind, show: ({ type }) => targets.kinds[type] },
    { title: targets.place, show: (target) => <span translate="no">{placeOf(target)}</span> },
    { title: targets.state, show: (target) => <StateOf target={target} /> },
    { title: targets.capacity, show: (target) => <Fullness target={target} /> },
    { title: targets.mirror, show: (target) => <Mirror target={target} /> },
    { title: targets.forNew, show: (target) => <Default target={target} /> },
  ];
}

function StateOf({ target: { status, status_since: since, immutable } }: OfTarget) {
  const { targets } = useWords().operator;
  const tone = status === "online" ? "good" : status === "creating" ? "busy" : "bad";
  return (
    <span className="states">
      <State tone={tone}>{targets.states[status]}</State>
      {status !== "online" && <Ago atMs={parseWireTime(since)} />}
      {immutable === 1 && <span className="soft">{targets.locked}</span>}
    </span>
  );
}

function Fullness({ target }: OfTarget) {
  const { targets } = useWords().operator;
  const formats = useFormats();
  const { capacity, used } = target;
  if (used === null) return targets.unmeasured;
  if (capacity === null) return formats.bytes(used);
  const text = targets.usedOf(formats.bytes(used), formats.bytes(capacity));
  return <Meter label={targets.fullness(nameOfTarget(target))} used={used} of={capacity} text={text} />;
}

function Mirror({ target: { mirror } }: OfTarget) {
  const { targets } = useWords().operator;
  if (mirror === null) return targets.noMirror;
  if (mirror.mirrored_at === null) return targets.mirrorBegins;
  return <Ago atMs={parseWireTime(mirror.mirrored_at)} />;
}

/** New workloads go to one target; another one can take its place. */
function Default({ target }: OfTarget) {
  const { targets } = useWords().operator;
  const offline = target.status === "online" ? undefined : targets.notOnline;
  const reason = useRefusal("setDefaultBackupTarget", offline);
  const choose = useChange("POST /backup_targets/{backup_target_id}/set_default");
  if (target.is_default === 1) return <State tone="good">{targets.default}</State>;
  const name = nameOfTarget(target);
  return (
    <Confirm
      label={targets.makeDefault}
      of={name}
      title={targets.makeDefaultOf(name)}
      verb={targets.makeDefault}
      reason={reason}
      run={async () => choose.mutateAsync({ params: { backup_target_id: target.id } })}
    >
      <p>{targets.makeDefaultMeans(name)}</p>
    </Confirm>
  );
}
