import { resolve } from "node:path";
import type { MappingProblem, RecoveryMapping, RecoveryNeeds } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import { usage } from "./commands/context.ts";
import type { Shell } from "./shell.ts";

/** A mapping as people edit it, with the names of what stands there as ids. */
export interface MappingText {
  readonly mapping: RecoveryMapping;
  readonly needs: RecoveryNeeds;
  readonly warnings: readonly string[];
  /** The workloads of each project, by their names. */
  readonly workloads: ReadonlyMap<string, readonly string[]>;
}

const HEAD = [
  "What takes the place of what, for `cairn dr`: left what the snapshots say, right what this cloud has.",
  "Right sides may be ids or names; empty texts must be filled in (of a flavor: one of the same size is",
  "taken, or made). `for` is for people alone.",
];

/** The YAML of a mapping. */
export async function formatMapping({ mapping, needs, warnings, workloads }: MappingText): Promise<string> {
  const { stringify } = await import("yaml");
  const networks = new Map(
    needs.networks.map((each) => [each.id, `${each.name} (${each.cidrs.join(", ")})`]),
  );
  const content = {
    version: 1,
    projects: mapping.projects.map((each) => ({
      ...each,
      ...(workloads.has(each.from) ? { for: workloads.get(each.from)?.join(", ") } : {}),
    })),
    networks: mapping.networks.map((each) => ({ ...each, for: networks.get(each.from) ?? "" })),
    flavors: mapping.flavors,
    volume_types: mapping.volumeTypes,
    availability_zones: mapping.zones,
    volume_zones: mapping.volumeZones,
  };
  const comments = [...HEAD, ...warnings.map((each) => `Look twice: ${each}`)];
  return `${comments.map((line) => `# ${line}`).join("\n")}\n${stringify(content, { lineWidth: 0 })}`;
}

/** Reads a mapping from a file, YAML or JSON. A Rejection names what in it is wrong. */
export async function readMapping(shell: Shell, path: string): Promise<RecoveryMapping> {
  const content = await readYaml(shell, path);
  const top = recordAt(content, "", path);
  if (top["version"] !== 1) throw wrong(path, "version", top["version"], "It must be 1.");
  const table = (key: string) => textsAt(top[key] ?? {}, key, path);
  return {
    version: 1,
    projects: listAt(top["projects"] ?? [], "projects", path).map((entry, index) => {
      const at = `projects[${index}]`;
      const fields = recordAt(entry, at, path);
      const text = (key: string) => textAt(fields[key] ?? "", `${at}.${key}`, path);
      return { from: text("from"), project: text("project"), user: text("user") };
    }),
    networks: listAt(top["networks"] ?? [], "networks", path).map((entry, index) => {
      const at = `networks[${index}]`;
      const fields = recordAt(entry, at, path);
      const text = (key: string) => textAt(fields[key] ?? "", `${at}.${key}`, path);
      const subnet = text("subnet");
      return { from: text("from"), network: text("network"), ...(subnet === "" ? {} : { subnet }) };
    }),
    flavors: table("flavors"),
    volumeTypes: table("volume_types"),
    zones: table("availability_zones"),
    volumeZones: table("volume_zones"),
  };
}

/** The content of a file of YAML or JSON. */
export async function readYaml(shell: Shell, path: string): Promise<unknown> {
  const text = await shell.readFile(resolve(shell.cwd, path));
  if (text === undefined) throw usage(`The file ${path} cannot be read.`, "file", path);
  return parseYaml(text, path);
}

/** The content of a file that is YAML or JSON. */
export async function parseYaml(text: string, path: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    return parse(text);
  } catch (cause) {
    throw usage(`${path} is no YAML: ${String(cause).split("\n")[0] ?? ""}.`, "file", path);
  }
}

/** All problems at once, one a line; nothing is done as long as there is one. */
export function refuseProblems(problems: readonly MappingProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const lines = problems.map(
    ({ field, value, message, remedy }) =>
      `${field}: ${value === "" ? "" : `"${value}": `}${message} ${remedy}`,
  );
  throw new Rejection(`The mapping cannot be applied:\n  ${lines.join("\n  ")}`, {
    status: 400,
    field: first.field,
    value: first.value,
    remedy: "Edit the file, or generate it again",
  });
}

function recordAt(value: unknown, at: string, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw wrong(path, at, value, "It must be a table of names and values.");
}

function listAt(value: unknown, at: string, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(path, at, value, "It must be a list.");
}

function textAt(value: unknown, at: string, path: string): string {
  if (typeof value === "string") return value;
  // Ids of flavors may look like numbers.
  if (typeof value === "number") return String(value);
  throw wrong(path, at, value, "It must be a text.");
}

function textsAt(value: unknown, at: string, path: string): Record<string, string> {
  const entries = Object.entries(recordAt(value, at, path));
  return Object.fromEntries(entries.map(([key, text]) => [key, textAt(text ?? "", `${at}.${key}`, path)]));
}

function wrong(path: string, field: string, value: unknown, remedy: string): Rejection {
  const shown = JSON.stringify(value ?? null);
  return usage(`${path}: ${field === "" ? "the file" : field} is ${shown}.`, field, value, remedy);
}
