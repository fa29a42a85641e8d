import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useMemo } from "react";
import type { SnapshotInstance } from "../../model/api-types.ts";
import { flavorOf } from "../../model/captured.ts";
import type { RestorePlan } from "../../model/restores.ts";
import {
  type AskedInstance,
  type AskedNic,
  isAddressOrEmpty,
  placeChoices,
  placeKey,
  warningsAbout,
  withDisk,
  withNic,
} from "../../model/selective.ts";
import { Warned } from "../parts/warned.tsx";
import { useFormats, useWords } from "../surroundings.tsx";

interface Fields {
  /** As it is in the snapshot. */
  readonly captured: SnapshotInstance;
  readonly asked: AskedInstance;
  readonly plan: RestorePlan;
  readonly onChange: (asked: AskedInstance) => void;
}

const MIB = 1024 * 1024;

/** Everything that can be chosen for one instance of a selective restore. */
export function InstanceFields(fields: Fields) {
  const { selective } = useWords().restores;
  const { captured, asked, plan, onChange } = fields;
  const isIncluded = asked.include !== false;
  return (
    <section className="panel" aria-label={captured.name}>
      <Checkbox
        label={selective.include(captured.name)}
        checked={isIncluded}
        onChange={({ currentTarget }) => onChange({ ...asked, include: currentTarget.checked })}
      />
      <Warned by={warningsAbout(plan, "instance", captured.id)} />
      {isIncluded ? (
        <div className="form-grid">
          <TextInput
            label={selective.newName}
            required
            maxLength={255}
            value={asked.name ?? captured.name}
            onChange={({ currentTarget: { value } }) => onChange({ ...asked, name: value })}
          />
          <FlavorField {...fields} />
          <ZoneField {...fields} />
          {(asked.nics ?? []).map((nic, index) => (
            // An interface has no name of its own: its place in the list is what it is.
            <NicFields key={index} fields={fields} nic={nic} index={index} />
          ))}
          <VolumeFields {...fields} />
        </div>
      ) : (
        <p className="soft">{selective.left}</p>
      )}
    </section>
  );
}

function FlavorField({ captured, asked, plan, onChange }: Fields) {
  const { selective } = useWords().restores;
  const formats = useFormats();
  const { name: before = "" } = flavorOf(captured) ?? {};
  return (
    <div>
      <NativeSelect
        label={selective.flavor}
        value={asked.flavor?.id ?? ""}
        data={[
          ...(asked.flavor === undefined ? [{ value: "", label: `${selective.asBefore}: ${before}` }] : []),
          ...plan.choices.flavors.map(({ id, name, vcpus, ram }) => ({
            value: id,
            label: selective.flavorOf(name, vcpus, formats.bytes(ram * MIB)),
          })),
        ]}
        onChange={({ currentTarget: { value } }) => onChange({ ...asked, flavor: { id: value } })}
      />
      <Warned by={warningsAbout(plan, "flavor", captured.id)} />
    </div>
  );
}

function ZoneField({ captured, asked, plan, onChange }: Fields) {
  const { selective } = useWords().restores;
  return (
    <div>
      <NativeSelect
        label={selective.zone}
        value={asked.availability_zone ?? ""}
        data={[{ value: "", label: selective.anywhere }, ...plan.choices.availability_zones]}
        onChange={({ currentTarget: { value } }) => onChange({ ...asked, availability_zone: value })}
      />
      <Warned by={warningsAbout(plan, "availability_zone", captured.id)} />
    </div>
  );
}

function NicFields({
  fields: { captured, asked, plan, onChange },
  nic,
  index,
}: {
  readonly fields: Fields;
  readonly nic: AskedNic;
  readonly index: number;
}) {
  const { selective } = useWords().restores;
  const choices = useMemo(() => placeChoices(plan.choices), [plan]);
  const before = captured.nics.find(({ network }) => network.id === nic.id)?.network.name ?? "";
  const change = (changed: Partial<AskedNic>): void => onChange(withNic(asked, index, changed));
  const address = nic.ip_address ?? "";
  return (
    <>
      <div>
        <NativeSelect
          label={selective.nic(index + 1, before)}
          value={placeKey(nic.network)}
          data={choices.map(({ value, label }) => ({ value, label }))}
          onChange={({ currentTarget: { value } }) => {
            const chosen = choices.find((choice) => choice.value === value);
            // An address of the former network is none of this one.
            if (chosen !== undefined) change({ network: chosen.place, ip_address: "" });
          }}
        />
        <Warned by={nic.id === undefined ? [] : warningsAbout(plan, "network", nic.id)} />
      </div>
      <TextInput
        label={selective.fixedIp(index + 1)}
        description={selective.nextFree}
        error={isAddressOrEmpty(address) ? undefined : selective.noAddress}
        autoComplete="off"
        value={address}
        onChange={({ currentTarget: { value } }) => change({ ip_address: value.trim() })}
      />
    </>
  );
}

function VolumeFields({ captured, asked, plan, onChange }: Fields) {
  const { selective } = useWords().restores;
  return captured.vdisks.map((disk) => {
    const { volume_id: id, volume_type: before } = disk;
    const wanted = asked.vdisks?.find((each) => each.id === id);
    if (id === undefined || wanted === undefined) return null;
    const name = disk.volume_name ?? "";
    const chosen = wanted.new_volume_type ?? "";
    return (
      <div key={id}>
        <NativeSelect
          label={selective.volumeType(disk.disk, name === "" ? selective.unnamed : name)}
          value={chosen}
          data={[
            ...(chosen === "" ? [{ value: "", label: selective.asBefore }] : []),
            ...plan.choices.volume_types,
          ]}
          onChange={({ currentTarget: { value } }) =>
            onChange(withDisk(asked, id, { new_volume_type: value }))
          }
        />
        <Warned
          by={[
            ...warningsAbout(plan, "volume", id),
            ...(typeof before === "string" ? warningsAbout(plan, "volume_type", before) : []),
          ]}
        />
      </div>
    );
  });
}
