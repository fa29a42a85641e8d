import assert from "node:assert/strict";
import type { Store } from "@cairn/store";
import { Chance } from "../chance.ts";
import { DiskModel, type DiskOperation, type Loss } from "./disk-model.ts";
import type { Recorder } from "./recorder.ts";

const LOSSES: readonly Loss[] = ["everything-unsynced", "nothing", "anything", "anything", "anything"];

/** Which objects are owed at which moment: told by what the store had answered. */
export interface Ledger {
  /** Position in the operations at which it was known to be stored, or asked to go, or known to be gone. */
  readonly entries: {
    readonly at: number;
    readonly name: string;
    readonly fate: "stored" | "going" | "gone";
  }[];
  readonly bytes: Map<string, Buffer>;
}

export function withLedger(store: Store, recorder: Recorder, ledger: Ledger): Store {
  const enter = (name: string, fate: "stored" | "going" | "gone"): void => {
    ledger.entries.push({ at: recorder.operations.length, name, fate });
  };
  return {
    ...store,
    put: async (name, parts, signal) => {
      const bytes = Buffer.concat(parts);
      if (!ledger.bytes.has(name)) ledger.bytes.set(name, bytes);
      await store.put(name, parts, signal);
      enter(name, "stored");
    },
    remove: async (name, signal) => {
      enter(name, "going");
      await store.remove(name, signal);
      enter(name, "gone");
    },
  };
}

/** What the ledger owes after so many operations. */
function owed(ledger: Ledger, at: number): ReadonlyMap<string, "stored" | "going" | "gone"> {
  return new Map(ledger.entries.filter((entry) => entry.at <= at).map(({ name, fate }) => [name, fate]));
}

/** Every object is whole or absent; what was promised is there; what was removed stays removed. */
export function checkFiles(files: ReadonlyMap<string, Buffer>, ledger: Ledger, at: number): void {
  for (const [path, bytes] of files) {
    if (path.split("/").some((part) => part.startsWith("."))) continue;
    const expected = ledger.bytes.get(path);
    assert.ok(
      expected !== undefined && bytes.equals(expected),
      `after ${at} operations ${path} is something else`,
    );
  }
  for (const [name, fate] of owed(ledger, at)) {
    if (fate === "stored") assert.ok(files.has(name), `after ${at} operations ${name} is lost`);
    if (fate === "gone") assert.ok(!files.has(name), `after ${at} operations ${name} is back`);
  }
}

/** Looks at each moment between two operations, with different losses. */
export function checkEveryMoment(
  root: string,
  operations: readonly DiskOperation[],
  check: (files: ReadonlyMap<string, Buffer>, at: number) => void,
): void {
  const model = new DiskModel(root);
  for (const [index, operation] of [undefined, ...operations].entries()) {
    if (operation !== undefined) model.apply(operation);
    for (const [turn, loss] of LOSSES.entries()) {
      check(model.afterPowerLoss(loss, new Chance(index, turn)), index);
    }
  }
}
