import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assignmentChange,
  draftOf,
  fieldValuesOf,
  NEW_POLICY,
  type Policy,
  type PolicyDraft,
  problemOf,
} from "./policy-draft.ts";

const row = {
  created_at: "",
  updated_at: null,
  deleted_at: null,
  deleted: false,
  version: "1",
  id: "f",
  policy_id: "p",
};

function policyWith(values: Readonly<Record<string, unknown>>): Policy {
  const field_values = Object.entries(values).map(([policy_field_name, value]) => ({
    ...row,
    policy_field_name,
    value,
  }));
  return {
    id: "p",
    name: "gold",
    description: "",
    status: "available",
    user_id: "u",
    project_id: "a",
    created_at: "",
    updated_at: "",
    field_values,
    metadata: [],
    policy_assignments: [],
  };
}

void test("a draft that was sent comes back as it was", () => {
  const drafts: readonly PolicyDraft[] = [
    { ...NEW_POLICY, name: "gold" },
    { ...NEW_POLICY, name: "gold", everyHours: 6, full: "after", fullAfter: 12, keepBy: "days", keep: 90 },
    { ...NEW_POLICY, name: "gold", full: "always" },
  ];
  for (const draft of drafts) assert.deepEqual(draftOf(policyWith(fieldValuesOf(draft))), draft);
});

void test("a policy of tiers is none that the form could change", () => {
  assert.equal(draftOf(policyWith({ hourly: { interval: 1, retention: 3 } })), undefined);
});

void test("what is missing or no whole number is named, the first one first", () => {
  assert.equal(problemOf({ ...NEW_POLICY, name: " " }), "name");
  const named = { ...NEW_POLICY, name: "gold" };
  assert.equal(problemOf({ ...named, everyHours: 0 }), "everyHours");
  assert.equal(problemOf({ ...named, everyHours: Number.NaN }), "everyHours");
  assert.equal(problemOf({ ...named, full: "after", fullAfter: 0.5 }), "fullAfter");
  assert.equal(problemOf({ ...named, full: "always", fullAfter: 0 }), undefined);
  assert.equal(problemOf({ ...named, keep: -1 }), "keep");
});

void test("only what differs is given or taken", () => {
  assert.deepEqual(assignmentChange(new Set(["a", "b"]), new Set(["b", "c"])), {
    add_projects: ["c"],
    remove_projects: ["a"],
  });
});
