import { NativeSelect, Radio, TextInput } from "@mantine/core";
import { readSchedule } from "../../../model/schedule.ts";
import type { FullRule, KeepBy, ScheduleDraft } from "../../../model/schedule-draft.ts";
import { useSession, useWords } from "../../surroundings.tsx";
import { SchedulePreview } from "./schedule-preview.tsx";
import type { StepProps } from "./step-props.ts";

/** How snapshots come about, and which of them stay. */
export function ScheduleStep(props: StepProps) {
  const { draft, policies, onChange } = props;
  const { schedule: words } = useWords().form;
  const { rhythm } = draft;
  const onSchedule = (change: Partial<ScheduleDraft>): void =>
    onChange({ schedule: { ...draft.schedule, ...change } });
  return (
    <>
      <RhythmChoice {...props} />
      {rhythm === "policy" && (
        <NativeSelect
          label={words.choosePolicy}
          required
          value={draft.policyId}
          onChange={({ currentTarget: { value } }) => onChange({ policyId: value })}
          data={[
            { value: "", label: "" },
            ...policies.map(({ id, name, description }) => ({
              value: id,
              label: description === "" ? name : `${name}: ${description}`,
            })),
          ]}
        />
      )}
      {rhythm === "own" && <RuleFields schedule={draft.schedule} onSchedule={onSchedule} />}
      {(rhythm === "own" || rhythm === "policy") && (
        <BeginFields schedule={draft.schedule} onSchedule={onSchedule} />
      )}
      <SchedulePreview {...props} />
    </>
  );
}

function RhythmChoice({ draft, before, policies, onChange }: StepProps) {
  const { schedule: words } = useWords().form;
  const { isAdmin } = useSession();
  const isBound = policies.length > 0 && !isAdmin;
  const { isOn, rhythm: every, keeps } = readSchedule(before?.jobschedule ?? {}, 0);
  const kept = isOn ? [every, keeps].filter((each) => each !== undefined).join(", ") : words.none;
  return (
    <Radio.Group label={words.how} value={draft.rhythm} onChange={(value) => onChange({ rhythm: value })}>
      <div className="choices">
        {before !== undefined && <Radio value="keep" label={words.keep} description={words.keepHint(kept)} />}
        <Radio
          value="policy"
          label={words.policy}
          disabled={policies.length === 0}
          description={policies.length === 0 ? words.noPolicies : words.policyHint}
        />
        <Radio
          value="own"
          label={words.own}
          disabled={isBound}
          description={isBound ? words.bound : words.ownHint}
        />
        <Radio value="none" label={words.none} description={words.noneHint} />
      </div>
    </Radio.Group>
  );
}

interface FieldsProps {
  readonly schedule: ScheduleDraft;
  readonly onSchedule: (change: Partial<ScheduleDraft>) => void;
}

/** When it begins and ends, which is each workload's own also where a policy decides the rest. */
function BeginFields({ schedule, onSchedule }: FieldsProps) {
  const { schedule: words } = useWords().form;
  return (
    <div className="field-row">
      <TextInput
        type="time"
        label={words.startTime}
        required
        value={schedule.startTime}
        onChange={({ currentTarget: { value } }) => onSchedule({ startTime: value })}
      />
      <NativeSelect
        label={words.zone}
        value={schedule.timeZone}
        onChange={({ currentTarget: { value } }) => onSchedule({ timeZone: value })}
        data={zonesWith(schedule.timeZone)}
      />
      <TextInput
        type="date"
        label={words.startDay}
        description={words.startDayHint}
        value={schedule.startDay}
        onChange={({ currentTarget: { value } }) => onSchedule({ startDay: value })}
      />
      <TextInput
        type="date"
        label={words.endDay}
        description={words.endDayHint}
        value={schedule.endDay}
        onChange={({ currentTarget: { value } }) => onSchedule({ endDay: value })}
      />
    </div>
  );
}

/** All zones that the browser knows, and one that it may not. */
function zonesWith(zone: string): string[] {
  return [...new Set(["UTC", zone, ...Intl.supportedValuesOf("timeZone")])];
}

/** How often, which are full, and which stay. */
function RuleFields({ schedule, onSchedule }: FieldsProps) {
  const { schedule: words } = useWords().form;
  return (
    <div className="field-row">
      <TextInput
        label={words.everyHours}
        description={words.everyHoursHint}
        inputMode="numeric"
        value={schedule.everyHours}
        onChange={({ currentTarget: { value } }) => onSchedule({ everyHours: value })}
      />
      <NativeSelect
        label={words.full}
        value={schedule.fullRule}
        onChange={({ currentTarget: { value } }) => onSchedule({ fullRule: value as FullRule })}
        data={optionsOf(words.fullRules)}
      />
      {schedule.fullRule === "after" && (
        <TextInput
          label={words.fullAfter}
          inputMode="numeric"
          value={schedule.fullAfter}
          onChange={({ currentTarget: { value } }) => onSchedule({ fullAfter: value })}
        />
      )}
      <NativeSelect
        label={words.keepBy}
        value={schedule.keepBy}
        onChange={({ currentTarget: { value } }) => onSchedule({ keepBy: value as KeepBy })}
        data={optionsOf(words.keepRules)}
      />
      <TextInput
        label={words.keepNumber}
        inputMode="numeric"
        value={schedule.keep}
        onChange={({ currentTarget: { value } }) => onSchedule({ keep: value })}
      />
    </div>
  );
}

function optionsOf(labels: Readonly<Record<string, string>>): { value: string; label: string }[] {
  return Object.entries(labels).map(([value, label]) => ({ value, label }));
}
