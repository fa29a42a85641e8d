import { parseRetentionPolicy, RETENTION_TIERS, type RetentionPolicy, WEEKDAYS } from "@cairn/domain";
import type { Command } from "commander";
import { Option } from "commander";
import type { Shell } from "../shell.ts";
import { usage, wholeNumber } from "./context.ts";

/** Flags of a policy, by the fields of its JSON form. */
const NUMBERS: readonly (readonly [flag: string, field: string, help: string])[] = [
  ["--keep-last", "keep_last", "keep the newest <n> snapshots"],
  ["--keep-days", "keep_days", "keep all that are not older than <n> days"],
  ...RETENTION_TIERS.map((tier) => [`--${tier}`, tier, `keep <n> ${tier} snapshots`] as const),
  ["--failed-days", "failed_days", "keep failed ones so long, to read why (default: 7)"],
];

/** Gives a command the flags that say what stays. */
export function withPolicyFlags(command: Command): Command {
  command.option("--policy <file>", "policy as JSON; flags change its fields");
  for (const [flag, , help] of NUMBERS) {
    command.option(`${flag} <n>`, help, wholeNumber(flag, 1, 100_000));
  }
  return command
    .option("--time-zone <zone>", "IANA name; days and weeks are those of this zone (default: UTC)")
    .addOption(
      new Option("--week-start <day>", "day on which weeks begin (default: monday)").choices(WEEKDAYS),
    )
    .addOption(
      new Option("--manual <rule>", "what becomes of snapshots taken by hand (default: keep)").choices([
        "keep",
        "like-scheduled",
      ]),
    );
}

/** The policy that file and flags say. Rejections name the field. */
export async function policyOf(
  shell: Shell,
  flags: Readonly<Record<string, unknown>>,
): Promise<RetentionPolicy> {
  const file = flags["policy"];
  const fields: Record<string, unknown> = typeof file === "string" ? await readPolicy(shell, file) : {};
  for (const [, field] of NUMBERS) set(fields, field, flags[camelCase(field)]);
  set(fields, "time_zone", flags["timeZone"]);
  set(fields, "week_start", flags["weekStart"]);
  set(fields, "manual", flags["manual"]);
  return parseRetentionPolicy(fields);
}

function set(fields: Record<string, unknown>, field: string, value: unknown): void {
  if (value !== undefined) fields[field] = value;
}

function camelCase(field: string): string {
  return field.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

async function readPolicy(shell: Shell, file: string): Promise<Record<string, unknown>> {
  const text = await shell.readFile(file);
  if (text === undefined) throw usage(`The policy ${file} cannot be read.`, "--policy", file);
  const value = parsedJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  const remedy = 'For example {"daily": 7, "weekly": 4}.';
  throw usage(`The policy ${file} is no JSON object.`, "--policy", file, remedy);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is answered like JSON that is no object.
    return undefined;
  }
}
