import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { claimFileJob, finishFileJob } from "@cairn/database";
import { makeSampleSnapshot, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);

let api: TestApi;
let client: ApiClient;
/** Oldest first. */
let snapshots: readonly string[];

before(async () => {
  api = await startTestApi(process.env);
  const { tokens } = api.cloud;
  tokens.set("anna", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  tokens.set("rita", { userId: "rita", projectId: PROJECT, roles: ["reader"] });
  tokens.set("eve", { userId: "eve", projectId: OTHER, roles: ["member"] });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "anna" });
  const made: string[] = [];
  for (const day of [1, 2, 3]) {
    const { snapshotId } = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
    const createdAt = new Date(`2026-06-0${String(day)}T12:00:00Z`);
    const { handle } = api.database;
    await handle
      .updateTable("snapshot")
      .set({ created_at: createdAt })
      .where("id", "=", snapshotId)
      .execute();
    made.push(snapshotId);
  }
  const deleted = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
  const { handle } = api.database;
  await handle
    .updateTable("snapshot")
    .set({ status: "deleting" })
    .where("id", "=", deleted.snapshotId)
    .execute();
  snapshots = made;
});

after(async () => api[Symbol.asyncDispose]());

async function post(search: object, token = "anna", project = PROJECT): Promise<Response> {
  return fetch(`${api.url}/v1/${project}/search`, {
    method: "POST",
    headers: { "x-auth-token": token, "content-type": "application/json" },
    body: JSON.stringify({ file_search: { vm_id: WEB, filepath: "/etc/h*", ...search } }),
  });
}

/** The oldest job as an engine gets it. */
async function claimed() {
  const job = await claimFileJob(api.database.handle, { holder: "test", leaseMs: 10_000 });
  assert.ok(job !== undefined, "a job waits");
  return job;
}

test("10.B 9: the recorded body is answered with exactly the fields of the reference", async () => {
  const [first = ""] = snapshots;
  const response = await post({ snapshot_ids: [first], start: 0, end: 0, date_from: "", date_to: "" });
  assert.equal(response.status, 200);
  const { file_search: reply } = (await response.json()) as { file_search: Record<string, unknown> };
  assert.deepEqual(
    { ...reply, created_at: "", id: 0 },
    {
      created_at: "",
      updated_at: null,
      id: 0,
      deleted_at: null,
      status: "executing",
      error_msg: null,
      filepath: "/etc/h*",
      json_resp: null,
      vm_id: WEB,
    },
  );
  assert.ok(Number.isInteger(reply["id"]));
  const job = await claimed();
  assert.deepEqual(job.snapshot_ids, [first]);
  await finishFileJob(api.database.handle, job, {
    state: "completed",
    result: [{ snapshotId: first, volumes: [{ label: "vda1", files: [] }] }],
    note: "vda2 has no file system that can be searched (luks)",
  });
  const { file_search: shown } = await client.showFileSearch({ params: { search_id: String(job.id) } });
  assert.equal(shown.status, "completed");
  assert.equal(shown.json_resp, `[{"${first}":[{"vda1":{}}]}]`);
  assert.match(shown.error_msg ?? "", /luks/);
  const { file_search: listed } = await client.listFileSearches({});
  assert.deepEqual([listed[0]?.id, listed[0]?.json_resp], [job.id, null]);
});

const DAY = { date_from: "2026-06-02T00:00:00", date_to: "2026-06-03T00:00:00" };
const WAYS: readonly [string, (ids: readonly string[]) => object, readonly number[]][] = [
  ["nothing", () => ({}), [0, 1, 2]],
  ["nulls and blanks", () => ({ snapshot_ids: null, start: null, date_from: null, date_to: "" }), [0, 1, 2]],
  ["one id as a text", (ids) => ({ snapshot_ids: ids[1] }), [1]],
  ["ids with commas", (ids) => ({ snapshot_ids: `${String(ids[2])}, ${String(ids[0])}` }), [0, 2]],
  ["the first one", () => ({ start: 1 }), [0]],
  ["the latest two, as a text", () => ({ end: "2", start: "0" }), [1, 2]],
  ["dates", () => DAY, [1]],
];

for (const [name, choice, expected] of WAYS) {
  test(`10.F 17: ${name} given, the right snapshots are searched, and no deleted one`, async () => {
    const response = await post(choice(snapshots));
    assert.equal(response.status, 200, await response.text());
    const job = await claimed();
    assert.deepEqual(
      job.snapshot_ids,
      expected.map((index) => snapshots[index]),
    );
    await finishFileJob(api.database.handle, job, { state: "error", errorMessage: "the test is over" });
  });
}

const REFUSED: readonly [string, object, number, string][] = [
  ["a path from nowhere", { filepath: "etc" }, 400, "filepath"],
  ["an unknown instance", { vm_id: "nobody" }, 404, "vm_id"],
  ["an unknown snapshot", { snapshot_ids: ["nobody"] }, 400, "snapshot_ids"],
  ["two ways at once", { end: 1, ...DAY }, 400, "date_from"],
  ["a date that is none", { date_from: "yesterday" }, 400, "date_from"],
  ["a number below 0", { start: -1 }, 400, "start"],
];

for (const [name, search, status, field] of REFUSED) {
  test(`${name} is refused by field, value and remedy, and nothing is begun`, async () => {
    const response = await post(search);
    const [detail] = Object.values((await response.json()) as Record<string, Record<string, unknown>>);
    assert.deepEqual([response.status, detail?.["field"]], [status, field]);
    assert.ok("value" in (detail ?? {}) && typeof detail?.["remedy"] === "string");
    assert.equal(await claimFileJob(api.database.handle, { holder: "test", leaseMs: 1 }), undefined);
  });
}

test("readers see what was found and read no files; other projects see nothing", async () => {
  const [id = ""] = snapshots;
  assert.equal((await post({}, "rita")).status, 403);
  const ask = async (path: string, token: string, project = PROJECT): Promise<number> => {
    const headers = { "x-auth-token": token };
    const response = await fetch(`${api.url}/v1/${project}${path}`, { headers });
    await response.arrayBuffer();
    return response.status;
  };
  assert.equal(await ask("/search/1", "rita"), 200);
  assert.equal(await ask(`/snapshots/${id}/files`, "rita"), 403);
  assert.equal(await ask(`/snapshots/${id}/files/content?volume=vda&path=/x`, "rita"), 403);
  assert.equal((await post({}, "eve", OTHER)).status, 404);
  assert.equal(await ask("/search/1", "eve", OTHER), 404);
  assert.equal(await ask(`/snapshots/${id}/files`, "eve", OTHER), 404);
  assert.equal(await ask(`/snapshots/${id}/files/content?volume=vda`, "eve", OTHER), 404);
  assert.equal(await ask("/search/x", "anna"), 404);
});

test("a project may have twenty searches at once, and another one is told to wait", async () => {
  const answers = await Promise.all(Array.from({ length: 22 }, async () => (await post({})).status));
  assert.deepEqual(
    answers.toSorted((one, other) => one - other),
    [...Array.from({ length: 20 }, () => 200), 409, 409],
  );
  await api.database.handle.deleteFrom("file_job").execute();
});

test("a listing that takes longer says so, and asked again is the same one, for good", async () => {
  const [id = ""] = snapshots;
  const query = { volume: "vda1", path: "/etc" };
  const list = async () => client.listFiles({ params: { snapshot_id: id }, query });
  await assert.rejects(list(), { code: "still-working" });
  await assert.rejects(list(), { code: "still-working" });
  const result = {
    volumes: [{ label: "vda1", format: "ext4", state: "mounted" }],
    kind: "absent",
    files: [],
    more: false,
  };
  await finishFileJob(api.database.handle, await claimed(), { state: "completed", result });
  assert.equal(await claimFileJob(api.database.handle, { holder: "test", leaseMs: 1 }), undefined);
  await assert.rejects(list(), { status: 404, field: "path" });
});

test("a file that no engine comes for is refused, and its job is forgotten", async () => {
  const [id = ""] = snapshots;
  const query = { volume: "vda1", path: "/etc/hosts" };
  await assert.rejects(client.getFile({ params: { snapshot_id: id }, query }), { status: 409 });
  assert.equal(await claimFileJob(api.database.handle, { holder: "test", leaseMs: 1 }), undefined);
});
