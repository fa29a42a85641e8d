import type { Command } from "commander";
import { collected, pairOf, usage } from "./context.ts";

const TIERS = ["hourly", "daily", "weekly", "monthly", "yearly", "manual"] as const;
const LISTS = new Set(["backup_time", "backup_day", "month_backup_day", "backup_month"]);

/** What the flags of `withPolicyFields` give. */
export type FieldFlags = { readonly field: readonly string[] } & Readonly<
  Record<(typeof TIERS)[number], readonly string[]>
>;

/** Gives a command the flags that say what a policy decides, in the classic or the tiered form. */
export function withPolicyFields(command: Command): Command {
  const meant = "interval, fullbackup_interval, retention_policy_type or retention_policy_value";
  command.option("--field <key=value>", `${meant}; may be repeated`, collected, []);
  for (const tier of TIERS) {
    command.option(`--${tier} <key=value>`, `part of the tier ${tier}; may be repeated`, collected, []);
  }
  return command;
}

/** What a policy shall decide, or `undefined` when no flag says anything of it. */
export function fieldsOf(flags: FieldFlags): Record<string, unknown> | undefined {
  const classic = flags.field.map((part) => pairOf("--field", part));
  const tiers = TIERS.filter((tier) => flags[tier].length > 0).map((tier) => [tier, tierOf(tier, flags)]);
  const all: unknown[][] = [...classic, ...tiers];
  return all.length === 0 ? undefined : (Object.fromEntries(all) as Record<string, unknown>);
}

function tierOf(tier: (typeof TIERS)[number], flags: FieldFlags): Record<string, unknown> {
  const pairs = flags[tier].map((part) => pairOf(`--${tier}`, part));
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) !== index);
  if (twice !== undefined) {
    throw usage(
      `--${tier} has ${twice[0]} twice.`,
      `--${tier}`,
      twice[1],
      "Write several as one, with commas.",
    );
  }
  return Object.fromEntries(
    pairs.map(([key, value]) => [key, LISTS.has(key) ? value.split(",").map(plain) : plain(value)]),
  );
}

function plain(value: string): string | number {
  return /^\d{1,9}$/.test(value) ? Number(value) : value;
}
