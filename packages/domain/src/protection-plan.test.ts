import assert from "node:assert/strict";
import { test } from "node:test";
import { type MarkedInstance, type ProtectionQuestion, planProtection } from "./protection-plan.ts";

function instance(id: string, fields: Partial<MarkedInstance> = {}): MarkedInstance {
  return { id, name: id, tags: [], metadata: {}, volumeCount: 0, ...fields };
}

const tagged = (id: string): MarkedInstance => instance(id, { tags: ["backup"] });

function plan(fields: Partial<ProtectionQuestion>) {
  const { add, remove, notes } = planProtection({
    mark: { kind: "tag", tag: "backup" },
    instances: [],
    members: [],
    addedByRule: [],
    elsewhere: [],
    membersMax: 10,
    ...fields,
  });
  return { add: add.map(({ id }) => id), remove, notes };
}

test("instances with the tag join, and a second look changes nothing", () => {
  const instances = [tagged("a"), instance("b"), tagged("c")];
  assert.deepEqual(plan({ instances }), { add: ["a", "c"], remove: [], notes: [] });
  const after = { instances, members: ["a", "c"], addedByRule: ["a", "c"] };
  assert.deepEqual(plan(after), { add: [], remove: [], notes: [] });
});

test("who loses the tag or is deleted leaves, if the rule had added it", () => {
  const instances = [instance("a"), tagged("b"), instance("byhand")];
  const members = ["a", "b", "byhand", "deleted"];
  assert.deepEqual(plan({ instances, members, addedByRule: ["a", "b", "deleted"] }).remove, ["a", "deleted"]);
});

test("an instance of another workload stays there, and is named", () => {
  const planned = plan({ instances: [tagged("a")], elsewhere: ["a"] });
  assert.deepEqual(planned.add, []);
  assert.match(planned.notes.join(), /a \(a\) is in another workload/);
});

test("an instance with an encrypted volume joins an encrypted workload alone, and stays where it is", () => {
  const instances = [{ ...tagged("a"), hasEncryptedVolume: true }, tagged("b")];
  const refused = plan({ instances });
  assert.deepEqual(refused.add, ["b"]);
  assert.match(refused.notes.join(), /Unencrypted workload cannot have instance: a with encrypted Volume/);
  assert.deepEqual(plan({ instances, isEncrypted: true }), { add: ["a", "b"], remove: [], notes: [] });
  assert.deepEqual(plan({ instances, members: ["a"], addedByRule: ["a"] }).remove, []);
});

test("the last member stays, because a workload without any takes no snapshot", () => {
  const planned = plan({ instances: [], members: ["a", "b"], addedByRule: ["a", "b"] });
  assert.deepEqual(planned.remove, ["b"]);
  assert.equal(planned.notes.length, 1);
});

test("no more join than a workload may have", () => {
  const planned = plan({ instances: [tagged("a"), tagged("b"), tagged("c")], members: ["x"], membersMax: 3 });
  assert.deepEqual(planned.add, ["a", "b"]);
  assert.match(planned.notes.join(), /1 more than 3/);
});

const byMetadata = [
  [{ kind: "metadata", key: "tier" }, ["gold", "silver"]],
  [{ kind: "metadata", key: "tier", value: "gold" }, ["gold"]],
  [{ kind: "metadata", key: "toString" }, []],
] as const;

for (const [mark, expected] of byMetadata) {
  test(`metadata is looked at as a user wrote it: ${JSON.stringify(mark)}`, () => {
    const instances = ["gold", "silver"].map((tier) => instance(tier, { metadata: { tier } }));
    assert.deepEqual(plan({ mark, instances }).add, expected);
  });
}
