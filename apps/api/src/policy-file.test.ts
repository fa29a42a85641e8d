import assert from "node:assert/strict";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { rightsRules, routeIds, routeOf, samplePolicyFile } from "@cairn/contract";
import { isAllowed, type PolicyRules } from "@cairn/domain";
import type { Clock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { parse } from "yaml";
import { PolicyFile } from "./policy-file.ts";

const CREATE = "workload:workload_create";
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-policy-"));
});
after(async () => rm(folder, { recursive: true, force: true }));

/** A policy file on a clock that the test moves. */
async function opened(text?: string) {
  const path = join(await mkdtemp(join(folder, "f-")), "policy.yaml");
  if (text !== undefined) await writeFile(path, text);
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const lines: string[] = [];
  const log = createLog("api", { level: "debug", write: (line) => void lines.push(line) });
  const changes: string[] = [];
  const onChange = ({ path: changed }: { path: string }) => {
    changes.push(changed);
    return Promise.resolve();
  };
  const policy = await PolicyFile.open({ path, clock, log, onChange });
  const write = async (next: string): Promise<void> => {
    await writeFile(path, next);
    // Two writings within the file system's tick would look like one.
    await utimes(path, nowMs / 1000, nowMs / 1000);
    nowMs += 1_000;
  };
  return { policy, path, write, lines, changes, later: () => void (nowMs += 1_000) };
}

function mayCreate(rules: PolicyRules, ...roles: string[]): boolean {
  const isAdmin = roles.includes("admin");
  const credentials = { roles, isAdmin, userId: "u", userName: "u", projectId: "p" };
  return isAllowed(rules, CREATE, { credentials, target: { projectId: "p", userId: "u" } });
}

test("custom roles count without a restart, also against administrators", async () => {
  const { policy, write, changes, path } = await opened("");
  assert.equal(mayCreate(await policy.current(), "admin"), true);
  await write(`backup_api: role:backup\n"${CREATE}": rule:backup_api\n`);
  const rules = await policy.current();
  assert.deepEqual(
    ["admin", "member", "backup"].map((role) => mayCreate(rules, role)),
    [false, false, true],
  );
  assert.deepEqual(changes, [path]);
});

const BROKEN: readonly [string, string, RegExp][] = [
  ["no YAML", `"${CREATE}: [`, /reading .*policy\.yaml/],
  ["a list", "- a\n- b\n", /it should have rules/],
  ["a rule that is wrong", `"${CREATE}": "role:a or"\n`, /The rule workload:workload_create ends where/],
  ["a reference to nothing", `"${CREATE}": "rule:none"\n`, /refers to rule:none/],
  ["a mistyped action", `"workload:workload_creaet": "role:a"\n`, /did you mean workload:workload_create/],
  ["the same rule twice", `a: "@"\na: "!"\n`, /unique/],
];

for (const [what, text, said] of BROKEN) {
  test(`a file with ${what} leaves the last good rules in force and says so`, async () => {
    const { policy, write, lines } = await opened(`"${CREATE}": role:backup\n`);
    await write(text);
    assert.equal(mayCreate(await policy.current(), "backup"), true);
    assert.equal(mayCreate(await policy.current(), "member"), false);
    const told = lines.filter((line) => line.includes('"policy.broken"'));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", said);
    await write(`"${CREATE}": role:member\n`);
    assert.equal(mayCreate(await policy.current(), "member"), true);
  });

  test(`the API does not begin with ${what}`, async () => {
    await assert.rejects(opened(text), said);
  });
}

test("without the file the defaults count until it comes; one that goes stays in force", async () => {
  const { policy, path, write, lines, later } = await opened();
  assert.match(lines.join(""), /policy\.absent/);
  assert.equal(mayCreate(await policy.current(), "member"), true);
  await write(`"${CREATE}": "!"\n`);
  assert.equal(mayCreate(await policy.current(), "member"), false);
  await rm(path);
  later();
  assert.equal(mayCreate(await policy.current(), "member"), false);
  assert.match(lines.join(""), /policy\.vanished/);
});

test("the file is looked at once a second, however many ask", async () => {
  const { policy, path, later } = await opened("");
  await writeFile(path, `"${CREATE}": "!"\n`);
  assert.equal(mayCreate(await policy.current(), "member"), true);
  later();
  const all = await Promise.all(Array.from({ length: 50 }, async () => policy.current()));
  assert.equal(new Set(all).size, 1);
  assert.equal(mayCreate(all[0] ?? new Map(), "member"), false);
});

test("rules of actions that are not ours are noted and do nothing", async () => {
  const { lines } = await opened(`"workload:config_backup_list": "role:x"\n`);
  assert.match(lines.join(""), /policy\.unknown-actions.*workload:config_backup_list/);
});

test("the sample overrides nothing; with its comment signs away it says what is so anyway", () => {
  const sample = samplePolicyFile();
  assert.equal(parse(sample), null);
  const bare = sample.replaceAll(/^#(?=")/gm, "");
  assert.deepEqual(parse(bare), Object.fromEntries(rightsRules().map(({ name, check }) => [name, check])));
  assert.match(
    sample,
    /# POST +\/v1\/\{project_id\}\/workloads\n#"workload:workload_create": "rule:admin_or_member"/,
  );
});

test("every route of a project has an action, and routes that share one have the same default", () => {
  const effects = new Map<string, Set<string>>();
  for (const id of routeIds) {
    const { scope, action, effect } = routeOf(id);
    assert.ok(scope === "public" || action !== undefined, `${id} has no action`);
    if (action !== undefined) effects.set(action, (effects.get(action) ?? new Set()).add(effect));
  }
  assert.deepEqual(
    [...effects].filter(([, each]) => each.size > 1).map(([action]) => action),
    [],
  );
});
