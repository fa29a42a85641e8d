import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseTargetType, isTypeVisible, type OfferedTargetType } from "./target-choice.ts";

const gold: OfferedTargetType = {
  id: "1",
  name: "gold",
  targetId: "a",
  isPublic: true,
  projectIds: [],
  isReady: true,
};
const shared: OfferedTargetType = { ...gold, id: "2", name: "shared", targetId: "b" };
const given: OfferedTargetType = { ...gold, id: "3", name: "own", isPublic: false, projectIds: ["p1"] };
const fresh: OfferedTargetType = { ...gold, id: "4", name: "fresh", targetId: "c", isReady: false };
const all = [gold, shared, given, fresh];
const wants = (wanted: string | undefined, projectId = "p1", defaultTargetId: string | undefined = "b") =>
  chooseTargetType(all, { projectId, wanted, defaultTargetId });

test("a workload that names no type gets the default", () => {
  assert.deepEqual(wants(undefined), { kind: "chosen", typeId: "2", targetId: "b" });
});

test("a type is chosen by its name or by its id", () => {
  for (const wanted of ["gold", "1"]) {
    assert.deepEqual(wants(wanted), { kind: "chosen", typeId: "1", targetId: "a" });
  }
});

test("an id comes before a name that looks like it", () => {
  const posing = { ...gold, id: "5", name: "2", targetId: "z" };
  const found = chooseTargetType([posing, ...all], { projectId: "p1", wanted: "2", defaultTargetId: "b" });
  assert.deepEqual(found, { kind: "chosen", typeId: "2", targetId: "b" });
});

test("a type that was given to a project is chosen there, and is unknown elsewhere", () => {
  assert.equal(wants("own").kind, "chosen");
  assert.deepEqual(wants("own", "p2"), { kind: "unknown", names: ["gold", "shared"] });
  assert.deepEqual(wants("nobody's", "p2"), wants("own", "p2"));
});

test("a target that was not proven is not chosen", () => {
  assert.deepEqual(wants("fresh"), { kind: "unready", name: "fresh" });
});

test("a default that is not for the project is not taken for it", () => {
  const hidden = [{ ...shared, isPublic: false }, gold];
  const choice = chooseTargetType(hidden, { projectId: "p1", wanted: undefined, defaultTargetId: "b" });
  assert.deepEqual(choice, { kind: "default-hidden", names: ["gold"] });
});

test("while there is no target at all the choice is left to the first snapshot", () => {
  const choice = chooseTargetType([], { projectId: "p1", wanted: undefined, defaultTargetId: undefined });
  assert.deepEqual(choice, { kind: "later" });
});

test("whatever is chosen is visible to the project", () => {
  for (const projectId of ["p1", "p2"]) {
    for (const wanted of [undefined, ...all.flatMap(({ id, name }) => [id, name])]) {
      const choice = wants(wanted, projectId, "a");
      if (choice.kind !== "chosen") continue;
      const type = all.find(({ id }) => id === choice.typeId);
      assert.ok(type !== undefined && isTypeVisible(type, projectId), `${projectId} ${String(wanted)}`);
    }
  }
});
