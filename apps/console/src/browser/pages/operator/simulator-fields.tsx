import { NativeSelect, TextInput } from "@mantine/core";
import { monthName, weekdayName } from "../../../model/calendar-names.ts";
import {
  HOURLY_STEPS,
  MONTHS,
  type SimulationDraft,
  TIERS,
  type Tier,
  WEEKDAYS,
} from "../../../model/simulation-draft.ts";
import { useRead } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";

interface FieldsProps {
  readonly draft: SimulationDraft;
  readonly onChange: (part: Partial<SimulationDraft>) => void;
}

/** What is tried: a rhythm or a policy, how much stays, and for how long. */
export function SimulatorFields({ draft, onChange }: FieldsProps) {
  return (
    <div className="form">
      <SpanFields draft={draft} onChange={onChange} />
      {draft.how === "interval" && <IntervalFields draft={draft} onChange={onChange} />}
      {draft.how === "tiers" && <TierFields draft={draft} onChange={onChange} />}
    </div>
  );
}

function SpanFields({ draft, onChange }: FieldsProps) {
  const { simulator } = useWords().retention;
  const { data } = useRead("GET /workload_policy", {});
  return (
    <div className="form-row">
      <NativeSelect
        label={simulator.how}
        value={draft.how}
        onChange={({ currentTarget }) => onChange({ how: currentTarget.value })}
        data={[
          { value: "tiers", label: simulator.byTiers },
          { value: "interval", label: simulator.interval },
          ...(data?.policy_list ?? []).map(({ id, name }) => ({ value: id, label: simulator.policy(name) })),
        ]}
      />
      <NativeSelect
        label={simulator.zone}
        value={draft.timeZone}
        onChange={({ currentTarget }) => onChange({ timeZone: currentTarget.value })}
        data={[...new Set(["UTC", draft.timeZone, ...Intl.supportedValuesOf("timeZone")])]}
      />
      <Line
        label={simulator.startTime}
        type="time"
        value={draft.startTime}
        onType={(startTime) => onChange({ startTime })}
      />
      <Line label={simulator.days} value={draft.days} onType={(days) => onChange({ days })} />
    </div>
  );
}

function IntervalFields({ draft, onChange }: FieldsProps) {
  const { operator, retention } = useWords();
  const { simulator } = retention;
  const { keepKinds } = operator.policies;
  return (
    <div className="form-row">
      <Line
        label={simulator.everyHours}
        value={draft.everyHours}
        onType={(everyHours) => onChange({ everyHours })}
      />
      <NativeSelect
        label={simulator.keepBy}
        value={draft.keepBy}
        onChange={({ currentTarget: { value } }) =>
          onChange({ keepBy: value === "days" ? "days" : "snapshots" })
        }
        data={[
          { value: "snapshots", label: keepKinds.snapshots },
          { value: "days", label: keepKinds.days },
        ]}
      />
      <Line label={simulator.keep} value={draft.keep} onType={(keep) => onChange({ keep })} />
    </div>
  );
}

function TierFields({ draft, onChange }: FieldsProps) {
  const { simulator } = useWords().retention;
  return (
    <>
      <p className="soft">{simulator.stand}</p>
      {TIERS.map((tier) => (
        <div key={tier} className="form-row">
          <Line
            label={simulator.keeps[tier]}
            value={draft.kept[tier]}
            onType={(value) => onChange({ kept: { ...draft.kept, [tier]: value } })}
          />
          <TierField tier={tier} draft={draft} onChange={onChange} />
        </div>
      ))}
    </>
  );
}

/** Which runs stand for a tier. */
function TierField({ tier, draft, onChange }: FieldsProps & { readonly tier: Tier }) {
  const { simulator } = useWords().retention;
  const { language } = useFormats();
  switch (tier) {
    case "hourly":
      return (
        <Choice
          label={simulator.hours}
          value={draft.hours}
          of={HOURLY_STEPS.map((value) => ({ value, label: value }))}
          onChoose={(hours) => onChange({ hours })}
        />
      );
    case "daily":
      return (
        <Line label={simulator.time} type="time" value={draft.time} onType={(time) => onChange({ time })} />
      );
    case "weekly":
      return (
        <Choice
          label={simulator.weekday}
          value={draft.weekday}
          of={WEEKDAYS.map((value, index) => ({ value, label: weekdayName(language, index) }))}
          onChoose={(weekday) => onChange({ weekday })}
        />
      );
    case "monthly":
      return (
        <Line
          label={simulator.monthday}
          value={draft.monthday}
          onType={(monthday) => onChange({ monthday })}
        />
      );
    case "yearly":
      return (
        <Choice
          label={simulator.month}
          value={draft.month}
          of={MONTHS.map((value, index) => ({ value, label: monthName(language, index) }))}
          onChoose={(month) => onChange({ month })}
        />
      );
  }
}

function Choice({
  label,
  value,
  of,
  onChoose,
}: {
  readonly label: string;
  readonly value: string;
  readonly of: readonly { readonly value: string; readonly label: string }[];
  readonly onChoose: (value: string) => void;
}) {
  return (
    <NativeSelect
      label={label}
      value={value}
      onChange={({ currentTarget }) => onChoose(currentTarget.value)}
      data={[...of]}
    />
  );
}

function Line({
  label,
  value,
  type = "text",
  onType,
}: {
  readonly label: string;
  readonly value: string;
  readonly type?: "text" | "time";
  readonly onType: (value: string) => void;
}) {
  return (
    <TextInput
      label={label}
      type={type}
      inputMode={type === "text" ? "numeric" : undefined}
      autoComplete="off"
      value={value}
      onChange={({ currentTarget }) => onType(currentTarget.value)}
    />
  );
}
