import assert from "node:assert/strict";
import { test } from "node:test";
import { giftsOf, groupsOf, isHalfNamed, NO_HEIR, type Orphan } from "./ownership-map.ts";

const orphan = (id: string, project: string, standing: Orphan["standing"] = "user-gone"): Orphan => ({
  id,
  name: id,
  description: "",
  project_id: project,
  user_id: "gone",
  cloud_id: standing === "other-cloud" ? "elsewhere" : "here",
  standing,
  newest_snapshot_at: "2026-11-24T00:00:00.000000",
  snapshot_count: 1,
  instances: [],
  needs: { networks: [], flavors: [], volume_types: [], availability_zones: [], volume_zones: [] },
});

const ORPHANS = [
  orphan("shop", "p1"),
  orphan("mail", "p2"),
  orphan("web", "p1"),
  orphan("far", "p1", "other-cloud"),
];
const GROUPS = groupsOf(ORPHANS);
const [first, , far] = GROUPS;
const anna = { ...NO_HEIR, projectId: "new", userId: " anna " };

void test("orphans of one former project of one cloud are one group", () => {
  assert.deepEqual(
    GROUPS.map(({ projectId, isOfOtherCloud, workloads }) => [
      projectId,
      isOfOtherCloud,
      ...workloads.map(({ id }) => id),
    ]),
    [
      ["p1", false, "shop", "web"],
      ["p2", false, "mail"],
      ["p1", true, "far"],
    ],
  );
});

void test("only groups that have somebody are given, without what was left out", () => {
  assert.ok(first !== undefined && far !== undefined);
  const map = new Map([
    [first.key, { ...anna, left: new Set(["web"]) }],
    [far.key, anna],
  ]);
  assert.deepEqual(giftsOf(GROUPS, map), [
    { workload_ids: ["shop"], new_tenant_id: "new", user_id: "anna", migrate_cloud: false },
    { workload_ids: ["far"], new_tenant_id: "new", user_id: "anna", migrate_cloud: true },
  ]);
  assert.deepEqual(giftsOf(GROUPS, new Map()), []);
  const nothingLeft = { ...anna, left: new Set(["shop", "web"]) };
  assert.deepEqual(giftsOf(GROUPS, new Map([[first.key, nothingLeft]])), []);
});

void test("a project without a user, or a user without one, is half a name", () => {
  assert.ok(first !== undefined);
  assert.equal(isHalfNamed(GROUPS, new Map()), false);
  assert.equal(isHalfNamed(GROUPS, new Map([[first.key, anna]])), false);
  assert.equal(isHalfNamed(GROUPS, new Map([[first.key, { ...anna, userId: "  " }]])), true);
  assert.equal(isHalfNamed(GROUPS, new Map([[first.key, { ...anna, projectId: "" }]])), true);
});
