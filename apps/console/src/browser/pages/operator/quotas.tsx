import { NumberInput } from "@mantine/core";
import { useState } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { Confirm, DialogForm, Opener, useRefusal } from "../../parts/asking.tsx";
import { Listing } from "../../parts/listing.tsx";
import { Narrowing } from "../../parts/narrowing.tsx";
import { Empty } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { State } from "../../parts/state.tsx";
import type { Column } from "../../parts/table.tsx";
import { useChange, useRead } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import type { RoomProps } from "./room-props.ts";

type Use = ReplyOf<"GET /project_quota_usage/{quota_project_id}">["quota_usage"][number];

/** What a project uses of each kind, and the limits it has. */
export function Quotas({ filters }: RoomProps) {
  const { operator } = useWords();
  const { quotas, rooms } = operator;
  const { project = "" } = filters;
  const projects = useRead("GET /workloads/metrics/projects", {});
  const choices = (projects.data?.projects ?? []).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Page title={rooms.quotas}>
      <section className="panel">
        <Narrowing
          place={{ page: "operator", room: "quotas", filters }}
          fields={[
            {
              name: "project",
              label: operator.project,
              choices: [{ value: "", label: quotas.choose }, ...choices],
            },
          ]}
        />
        {project === "" ? (
          <Empty title={quotas.chooseFirst} hint={quotas.hint} />
        ) : (
          <OfProject projectId={project} />
        )}
      </section>
    </Page>
  );
}

function OfProject({ projectId }: { readonly projectId: string }) {
  const { rooms, quotas } = useWords().operator;
  const usage = useRead("GET /project_quota_usage/{quota_project_id}", {
    params: { quota_project_id: projectId },
  });
  return (
    <Listing
      from={usage}
      rowsOf={(reply) => reply.quota_usage}
      keyOf={({ quota_type_id: id }) => id}
      label={rooms.quotas}
      columns={useColumns(projectId)}
      empty={{ title: quotas.chooseFirst }}
    />
  );
}

/** The kind that counts bytes; all others count things. */
const STORAGE = "Storage";
const GIB = 1024 ** 3;

function unitOf({ quota_type_name: name }: Use): number {
  return name === STORAGE ? GIB : 1;
}

/** A kind by its name in the viewer's language; one that came later by its own. */
function useTypeName(): (use: Use) => string {
  const { quotas } = useWords().operator;
  const names: Readonly<Record<string, string>> = quotas.types;
  return ({ quota_type_name: name }) => names[name] ?? name;
}

function useAmount(): (use: Use, value: number) => string {
  const formats = useFormats();
  return (use, value) => (unitOf(use) === GIB ? formats.bytes(value) : formats.count(value));
}

function useColumns(projectId: string): readonly Column<Use>[] {
  const { quotas } = useWords().operator;
  const typeName = useTypeName();
  const amount = useAmount();
  return [
    { title: quotas.type, kind: "name", show: typeName },
    { title: quotas.used, kind: "number", show: (use) => amount(use, use.used) },
    {
      title: quotas.limit,
      kind: "number",
      show: (use) => (use.allowed_value === null ? quotas.none : amount(use, use.allowed_value)),
    },
    {
      title: quotas.watermark,
      kind: "number",
      show: (use) => (use.high_watermark === null ? "" : amount(use, use.high_watermark)),
    },
    {
      title: quotas.state,
      show: (use) => {
        if (use.allowed_value === null) return "";
        return use.is_above_watermark ? (
          <State tone="bad">{quotas.above}</State>
        ) : (
          <State tone="good">{quotas.below}</State>
        );
      },
    },
    { title: quotas.actions, show: (use) => <Actions use={use} projectId={projectId} /> },
  ];
}

interface OfUse {
  readonly use: Use;
  readonly projectId: string;
}

function Actions({ use, projectId }: OfUse) {
  const { quotas } = useWords().operator;
  const name = useTypeName()(use);
  return (
    <span className="row-actions">
      <Opener
        label={quotas.set}
        of={name}
        title={quotas.setOf(name)}
        reason={useRefusal(use.allowed_value === null ? "createQuotas" : "updateQuota")}
      >
        {(close) => <LimitForm use={use} projectId={projectId} close={close} />}
      </Opener>
      {use.allowed_value !== null && <Lift use={use} projectId={projectId} />}
    </span>
  );
}

/** The id of the limit that a project has of a kind. */
function useLimitId({ use, projectId }: OfUse): string | undefined {
  const { data } = useRead("GET /project_allowed_quotas/{project_or_quota_id}", {
    params: { project_or_quota_id: projectId },
  });
  return data?.allowed_quotas.find((each) => each.quota_type_id === use.quota_type_id)?.id;
}

/** A project that comes near its limit is told so from here on, unless somebody says otherwise. */
const WATERMARK_SHARE = 0.8;

function LimitForm({ use, projectId, close }: OfUse & { readonly close: () => void }) {
  const { quotas } = useWords().operator;
  const unit = unitOf(use);
  const limitId = useLimitId({ use, projectId });
  const create = useChange("POST /project_allowed_quotas/{project_or_quota_id}");
  const update = useChange("PUT /update_allowed_quota/{quota_id}");
  const [limit, setLimit] = useState((use.allowed_value ?? use.used) / unit);
  const [watermark, setWatermark] = useState(
    (use.high_watermark ?? Math.floor(use.used * WATERMARK_SHARE)) / unit,
  );
  const run = async (): Promise<unknown> => {
    const values = {
      allowed_value: Math.round(limit * unit),
      high_watermark: Math.round(watermark * unit),
    };
    if (limitId !== undefined) {
      return update.mutateAsync({ params: { quota_id: limitId }, body: { allowed_quotas: values } });
    }
    return create.mutateAsync({
      params: { project_or_quota_id: projectId },
      body: { allowed_quotas: [{ project_id: projectId, quota_type_id: use.quota_type_id, ...values }] },
    });
  };
  return (
    <DialogForm
      verb={quotas.set}
      problem={watermark > limit ? quotas.watermarkAbove : undefined}
      run={run}
      close={close}
    >
      <p>{quotas.setMeans}</p>
      <Amount label={unit === GIB ? quotas.limitGiB : quotas.limit} value={limit} onChange={setLimit} />
      <Amount
        label={unit === GIB ? quotas.watermarkGiB : quotas.watermark}
        hint={quotas.watermarkHint}
        value={watermark}
        onChange={setWatermark}
      />
    </DialogForm>
  );
}

function Amount({
  label,
  hint,
  value,
  onChange,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  return (
    <NumberInput
      label={label}
      description={hint}
      required
      min={0}
      allowNegative={false}
      hideControls
      value={value}
      onChange={(typed) => onChange(Number(typed))}
    />
  );
}

function Lift({ use, projectId }: OfUse) {
  const { quotas } = useWords().operator;
  const name = useTypeName()(use);
  const limitId = useLimitId({ use, projectId });
  const remove = useChange("DELETE /project_allowed_quotas/{project_or_quota_id}");
  return (
    <Confirm
      label={quotas.lift}
      of={name}
      title={quotas.liftOf(name)}
      verb={quotas.lift}
      isGrave
      reason={useRefusal("deleteQuota", limitId === undefined ? quotas.reading : undefined)}
      run={async () => remove.mutateAsync({ params: { project_or_quota_id: limitId ?? "" } })}
    >
      <p>{quotas.liftMeans}</p>
    </Confirm>
  );
}
