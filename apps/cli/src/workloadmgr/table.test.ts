import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { type RouteId, routeOf } from "@cairn/contract";
import { type Command, openstackName } from "./command.ts";
import { isJson } from "./request.ts";
import { COMMANDS } from "./table.ts";

/** Every command of the reference's client, versions 4 to 6. */
const REFERENCE = `
workload-type-list workload-type-show workload-create workload-list workload-show workload-modify
workload-delete workload-snapshot workload-unlock workload-reset workload-pause workload-resume
workload-get-importworkloads-list workload-importworkloads workload-get-orphaned-workloads-list
workload-reassign-workloads workload-get-nodes workload-add-node workload-remove-node
workload-service-disable workload-service-enable workload-get-storage-usage workload-get-auditlog
get-tenants-usage get-protected-vms snapshot-list snapshot-show snapshot-delete snapshot-cancel
snapshot-reset snapshot-oneclick-restore snapshot-selective-restore snapshot-inplace-restore
restore-network-topology restore-security-groups restore-list restore-show restore-delete restore-cancel
filepath-search snapshot-mount snapshot-dismount snapshot-mounted-list scheduler-trust-validate
enable-global-job-scheduler disable-global-job-scheduler get-global-job-scheduler trust-create trust-list
trust-show trust-delete policy-create policy-update policy-list policy-show policy-delete policy-assign
list-assigned-policies project-quota-type-list project-quota-type-show project-allowed-quota-create
project-allowed-quota-update project-allowed-quota-list project-allowed-quota-show
project-allowed-quota-delete setting-create setting-update setting-show setting-list setting-delete
license-create license-list license-check config-workload-configure config-workload-show config-backup
config-backup-list config-backup-show config-backup-delete backup-target-create backup-target-list
backup-target-show backup-target-update backup-target-delete backup-target-type-list
backup-target-type-create backup-target-type-show backup-target-type-add-projects
backup-target-type-remove-projects nova-list
`
  .trim()
  .split(/\s+/);

void test("every command of the reference is there, or missing.json says why not", async () => {
  const missing = JSON.parse(await readFile(new URL("missing.json", import.meta.url), "utf8")) as object;
  const names = COMMANDS.map(({ name }) => name);
  assert.deepEqual(
    REFERENCE.filter((name) => !names.includes(name)).toSorted(),
    Object.keys(missing).toSorted(),
  );
});

void test("no two commands have one name, in either spelling", () => {
  for (const names of [COMMANDS.map(({ name }) => name), COMMANDS.map(openstackName)]) {
    assert.equal(new Set(names).size, names.length);
  }
});

for (const command of COMMANDS) {
  void test(`${command.name} sends what its operation takes, and shows what it answers`, () => {
    const { body, reply } = routeOf(command.operation);
    const targets = [...command.parameters.map(({ to }) => to), ...Object.keys(command.fixed ?? {})];
    for (const to of targets) {
      const [part = "", ...path] = to.split(".");
      if (part === "path" || part === "query") demand(hasParameter(command.operation, part, path[0]), to);
      if (part === "body") demand(body !== undefined && hasPath(body, path), to);
    }
    for (const field of shownFields(command))
      demand(reply !== undefined && hasPath(reply, field), field.join("."));
    demand(command.examples.length > 0, "an example");
    const pathNames = command.parameters.flatMap(({ to }) => (to.startsWith("path.") ? to.slice(5) : []));
    const isReachable = routeOf(command.operation).paths.some((path) =>
      [...path.matchAll(/\{(\w+)\}/g)].every(([, name = ""]) => pathNames.includes(name)),
    );
    demand(isReachable, "all parameters of one of its paths");
  });
}

function demand(holds: boolean, what: string): void {
  assert.ok(holds, `${what} is not in the contract`);
}

function hasParameter(operation: RouteId, part: "path" | "query", name: string | undefined): boolean {
  const { params, query } = routeOf(operation);
  return hasPath(part === "path" ? params : query, [name ?? ""]);
}

/** The fields of the reply that a command's columns name. */
function shownFields({ result }: Command): string[][] {
  const under = (at: string, field: string): string[] =>
    [...at.split("."), ...field.split(".")].filter(Boolean);
  switch (result.kind) {
    case "list":
      return result.columns
        .flatMap(([, field]) => field.split("|"))
        .map((field) => under(`${result.at}.0`, field));
    case "item":
      if (result.fields === "all") return [];
      return result.fields.map((field) => under(result.at, typeof field === "string" ? field : field[1]));
    case "literal":
      return result.fields.map((field) => [field]);
    case "nothing":
    case "line":
      return [];
  }
}

/** Whether a schema has a property at a path; what it leaves open it has. */
function hasPath(schema: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined || !isJson(schema)) return true;
  const choices = schema["anyOf"];
  if (Array.isArray(choices)) return choices.some((each: unknown) => hasPath(each, [key, ...rest]));
  if (schema["type"] === "array") return /^\d+$/.test(key) && hasPath(schema["items"], rest);
  if ("patternProperties" in schema || !("type" in schema)) return true;
  const properties = schema["properties"];
  return isJson(properties) && key in properties && hasPath(properties[key], rest);
}
