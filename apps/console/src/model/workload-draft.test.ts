import assert from "node:assert/strict";
import { test } from "node:test";
import type { Workload } from "./api-types.ts";
import {
  canBeMember,
  changeOf,
  creationOf,
  draftOf,
  furthestStep,
  newWorkload,
  problemsOf,
  stepOfField,
  type WorkloadDraft,
} from "./workload-draft.ts";

const WEB = { id: "web-id", name: "web" };
const DB = { id: "db-id", name: "db" };
const SHOP: WorkloadDraft = { ...newWorkload("Europe/Rome", false), name: " shop ", members: [WEB] };

const THERE: Workload = {
  id: "w",
  name: "shop",
  description: "no-description",
  project_id: "p",
  user_id: "u",
  workload_type_id: "f82ce76f-17fe-438b-aa37-7a023058e50d",
  status: "available",
  created_at: "",
  updated_at: "",
  snapshots_info: "",
  scheduler_trust: null,
  links: [],
  instances: [{ ...WEB, metadata: {} }],
  jobschedule: { enabled: true, timezone: "UTC", interval: "6hrs" },
  metadata: {},
  storage_usage: {
    usage: 0,
    full: { usage: 0, snap_count: 0 },
    incremental: { usage: 0, snap_count: 0 },
  },
  availability_zone: null,
  host: null,
  error_msg: null,
  waiting_reason: null,
  interval: null,
  encryption: false,
  secret_uuid: null,
  backup_target_types: null,
  source_platform: "openstack",
  policy_id: null,
  recent_snapshots: [],
  restorable_snapshot: null,
};

void test("a draft becomes the request that makes it, and says nothing of what is the default", () => {
  const { workload } = creationOf({ ...SHOP, rhythm: "none" });
  assert.deepEqual(workload, {
    name: "shop",
    description: "",
    instances: [{ "instance-id": "web-id" }],
    workload_type_id: "2ddd528d-c9b4-4d7e-8722-cc395140255a",
    jobschedule: { enabled: false },
  });
  const full = creationOf({
    ...SHOP,
    rhythm: "policy",
    policyId: "gold",
    isEncrypted: true,
    secretId: " secret ",
    targetType: "vault",
  }).workload;
  assert.deepEqual(
    [full.policy_id, full.encryption, full.secret_uuid, full.backup_target_types],
    ["gold", true, "secret", "vault"],
  );
  assert.equal(full.jobschedule?.["interval"], undefined);
});

void test("what is missing closes the steps behind it", () => {
  const blank = newWorkload("UTC", true);
  assert.equal(furthestStep(blank), "members");
  assert.equal(furthestStep({ ...blank, members: [WEB] }), "schedule");
  assert.deepEqual(problemsOf("schedule", blank), ["policy"]);
  assert.deepEqual(problemsOf("storage", { ...SHOP, isEncrypted: true, secretId: " " }), ["secret"]);
  assert.deepEqual(problemsOf("summary", { ...blank, rhythm: "none" }), ["members", "name"]);
  assert.equal(furthestStep(SHOP), "summary");
});

void test("a change says only what is otherwise", () => {
  const draft = draftOf(THERE, "UTC");
  assert.deepEqual([draft.description, draft.type, draft.rhythm], ["", "serial", "keep"]);
  assert.deepEqual(changeOf(draft, THERE).workload, { name: "shop", description: "" });
  const more = changeOf({ ...draft, members: [DB, WEB], rhythm: "none" }, THERE).workload;
  assert.deepEqual(more.instances, [{ "instance-id": "db-id" }, { "instance-id": "web-id" }]);
  assert.deepEqual(more.jobschedule, { enabled: false });
});

void test("a schedule of one's own ends following a policy, and a secret is only renamed", () => {
  const followed = { ...THERE, policy_id: "gold", encryption: true, secret_uuid: "old" };
  const change = changeOf({ ...draftOf(followed, "UTC"), rhythm: "own", secretId: "new" }, followed);
  assert.equal(change.workload.policy_id, "none");
  assert.equal(change.workload.secret_uuid, "new");
  assert.equal(change.workload.jobschedule?.["interval"], "6hrs");
});

void test("members are those of no other workload, and those that there are", () => {
  const row = { id: "i", name: "i", is_there: true, snapshot_id: null, snapshot_at: null };
  const of = (id: string | null) => ({ ...row, workload_id: id, workload_name: id });
  assert.equal(canBeMember(of(null), undefined), true);
  assert.equal(canBeMember(of("other"), undefined), false);
  assert.equal(canBeMember(of("other"), "other"), true);
  assert.equal(canBeMember({ ...of(null), is_there: false }, undefined), false);
});

void test("a refusal leads to the step that it is about", () => {
  const fields = ["workload.instances", "jobschedule.interval", "workload.policy_id", "workload.secret_uuid"];
  assert.deepEqual(fields.map(stepOfField), ["members", "schedule", "schedule", "storage"]);
  assert.deepEqual([stepOfField("workload.name"), stepOfField(undefined)], ["name", undefined]);
});
