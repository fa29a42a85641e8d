import { NativeSelect, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { type Filters, hrefOf, type Place } from "../../model/place.ts";

type OperatorPlace = Extract<Place, { page: "operator" }>;

/** A field that a list is narrowed by: typed in, or one of some values; `name` stands in the address. */
export interface NarrowingField {
  readonly name: string;
  readonly label: string;
  /** Absent: any text. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
}

/** The fields that a list is narrowed by. What they say stands in the address, so that it can be sent on. */
export function Narrowing({
  place,
  fields,
}: {
  readonly place: OperatorPlace;
  readonly fields: readonly NarrowingField[];
}) {
  const narrowed = (change: Filters): string =>
    hrefOf({ ...place, filters: { ...place.filters, ...change, after: "" } });
  return (
    <search className="filters">
      {fields.map((field) => {
        const value = place.filters[field.name] ?? "";
        const { choices } = field;
        return choices === undefined ? (
          <Typed
            key={field.name}
            label={field.label}
            value={value}
            onType={(typed) => location.replace(narrowed({ [field.name]: typed }))}
          />
        ) : (
          <NativeSelect
            key={field.name}
            label={field.label}
            value={value}
            onChange={({ currentTarget }) => {
              location.hash = narrowed({ [field.name]: currentTarget.value });
            }}
            data={[...choices]}
          />
        );
      })}
    </search>
  );
}

/** While somebody types the address waits, so that each letter is not a page of its own. */
const TYPING_MS = 250;

function Typed({
  label,
  value,
  onType,
}: {
  readonly label: string;
  readonly value: string;
  readonly onType: (typed: string) => void;
}) {
  const [typed, type] = useState(value);
  const [shown, show] = useState(value);
  // The address has changed by itself: by a link, or by the browser's way back.
  if (shown !== value) {
    show(value);
    type(value);
  }
  useEffect(() => {
    const wait = setTimeout(() => {
      if (typed !== value) onType(typed);
    }, TYPING_MS);
    return () => clearTimeout(wait);
  }, [typed, value, onType]);
  return (
    <TextInput
      label={label}
      type="search"
      value={typed}
      onChange={(event) => type(event.currentTarget.value)}
    />
  );
}
