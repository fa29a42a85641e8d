import { Fault } from "@cairn/kernel";
import type { PackEntry } from "@cairn/repository";

/** Whether a pack that was read back lists the records that were put into it. */
export function samePackEntries(found: readonly PackEntry[], expected: readonly PackEntry[]): boolean {
  return (
    found.length === expected.length &&
    found.every((entry, index) => {
      const other = expected[index];
      return (
        other !== undefined &&
        entry.offset === other.offset &&
        entry.storedBytes === other.storedBytes &&
        entry.plainBytes === other.plainBytes &&
        entry.id.equals(other.id)
      );
    })
  );
}

/** A pack that reads back otherwise than it was written: the target cannot be trusted with it. */
export function damagedPack(name: string): Fault {
  return new Fault(
    "object-damaged",
    `reading ${name} back: it lists other records than were written`,
    "later",
  );
}
