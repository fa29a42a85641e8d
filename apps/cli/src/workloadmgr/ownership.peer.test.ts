import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, startFakeApi } from "../fake-api.ts";
import { runWorkloadmgr } from "./run.ts";

let api: FakeApi;
let folder: string;

before(async () => {
  api = await startFakeApi();
});

after(async () => api[Symbol.asyncDispose]());

beforeEach(async (t) => {
  folder = await mkdtemp(join(tmpdir(), "cairn-map-"));
  api.asked.length = 0;
  api.handlers = {
    listOrphanedWorkloads: () => ({
      body: { workloads: [orphan("w1", "web"), orphan("w2", "db")], unreadable: [] },
    }),
    reassignWorkloads: () => ({
      body: { workloads: { reassigned_workloads: [], failed_workloads: [] }, unreadable: [] },
    }),
  };
  if ("after" in t) t.after(async () => rm(folder, { recursive: true }));
});

function orphan(id: string, name: string): object {
  return {
    id,
    name,
    description: "",
    project_id: "old",
    user_id: "u",
    cloud_id: "c",
    standing: "other-cloud",
    newest_snapshot_at: "2026-06-01T12:00:00.000000",
    snapshot_count: 1,
    instances: [],
    needs: { networks: [], flavors: [], volume_types: [], availability_zones: [], volume_zones: [] },
  };
}

async function workloadmgr(line: string): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const screen = (key: "out" | "err") => ({
    write: (text: string): void => void (said[key] += text),
    isTerminal: false,
    columns: undefined,
  });
  const code = await runWorkloadmgr(line.split(" "), {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: folder,
    home: folder,
    signal: new AbortController().signal,
    readFile: async (path) => readFile(path, "utf8").catch(() => undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...said };
}

const LIST = "workload-get-orphaned-workloads-list --migrate_cloud True --generate_yaml True";
const REASSIGN = "workload-reassign-workloads";

void test("the map of orphans is written, filled in and applied", async () => {
  const listed = await workloadmgr(`${LIST} -f value -c Name`);
  assert.deepEqual([listed.code, listed.out], [0, "web\ndb\n"], listed.err);
  const path = join(folder, "reassign_map.yaml");
  assert.equal(listed.err, `The map to fill in is ${path}\n`);
  const map = await readFile(path, "utf8");
  assert.match(map, /old_tenant_ids:\n +- old\n/);
  assert.match(map, /migrate_cloud: true\n +workloads: web, db\n/);
  await writeFile(
    path,
    map.replace('new_tenant_id: ""', "new_tenant_id: new").replace('user_id: ""', "user_id: u2"),
  );
  const done = await workloadmgr(`${REASSIGN} --map_file reassign_map.yaml`);
  assert.equal(done.code, 0, done.err);
  const entry = { old_tenant_ids: ["old"], new_tenant_id: "new", user_id: "u2", migrate_cloud: true };
  assert.deepEqual(api.asked.at(-1)?.body, { reassign_mappings: [{ ...entry, workloads: "web, db" }] });
});

void test("a map that is there, and may be filled in, is not written over", async () => {
  await writeFile(join(folder, "reassign_map.yaml"), "mine");
  const listed = await workloadmgr(LIST);
  assert.equal(listed.code, 1);
  assert.match(listed.err, /^ERROR:workloadmgr:The file .*reassign_map\.yaml exists\.\nHINT:/);
  assert.equal(await readFile(join(folder, "reassign_map.yaml"), "utf8"), "mine");
});

void test("without a wish no map is written", async () => {
  await workloadmgr("workload-get-orphaned-workloads-list --generate_yaml False");
  await assert.rejects(readFile(join(folder, "reassign_map.yaml")), { code: "ENOENT" });
});

const WRONG: readonly (readonly [words: string, code: number, sentence: RegExp])[] = [
  ["--map_file none.yaml", 1, /The file none\.yaml cannot be read/],
  ["--map_file broken.yaml", 1, /broken\.yaml is no YAML/],
  ["--map_file x --user_id u", 2, /argument --user_id: not allowed with argument --map_file/],
  ["--workload_ids w", 2, /the following arguments are required: --new_tenant_id, --user_id/],
];

for (const [words, code, sentence] of WRONG) {
  void test(`${REASSIGN} ${words} is refused before anything is asked`, async () => {
    await writeFile(join(folder, "broken.yaml"), "a: [");
    const said = await workloadmgr(`${REASSIGN} ${words}`);
    assert.equal(said.code, code, said.err);
    assert.match(said.err, sentence);
    assert.deepEqual(api.asked, []);
  });
}
