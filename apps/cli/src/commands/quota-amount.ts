import { GiB, KiB, MiB, TiB } from "@cairn/kernel";
import { usage } from "./context.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: KiB,
  m: MiB,
  g: GiB,
  t: TiB,
  p: 1024 * TiB,
};

/** A flag's amount of a type: a whole number; of storage also `500GiB`, `1.5 TiB` or `20G` (all of 1024). */
export function amountOf(flag: string, text: string, typeName: string): number {
  const isSize = typeName === "Storage";
  const form = isSize ? /^(\d{1,12}(?:\.\d{1,6})?)\s*(?:(b)|(?:([kmgtp])(?:i?b)?))?$/i : /^(\d{1,15})$/;
  const found = form.exec(text.trim());
  const unit = (found?.[2] ?? found?.[3] ?? "").toLowerCase();
  const amount = Math.round(Number(found?.[1]) * (UNITS[unit] ?? Number.NaN));
  if (Number.isSafeInteger(amount)) return amount;
  const remedy = isSize ? "Write bytes, or for example 500GiB." : "Write a number such as 20; 0 forbids.";
  throw usage(`${flag} must be an amount, not ${text}.`, flag, text, remedy);
}
