import assert from "node:assert/strict";
import { test } from "node:test";
import { type InstanceState, type Operation, planOperations, type Step } from "./plan.ts";

const INSTANCES = [
  { boot: "image", hasExtra: true },
  { boot: "volume", hasExtra: false },
] as const;
const SEEDS = Array.from({ length: 200 }, (_, index) => index * 7919);

const plan = (seed: number, count = 60): readonly Step[] => planOperations(seed, count, INSTANCES);

test("the same seed gives the same operations, another seed others", () => {
  assert.deepEqual(plan(5), plan(5));
  assert.notDeepEqual(plan(5), plan(6));
});

test("sixty operations have every kind in them, whatever the seed", () => {
  const kinds = new Set(SEEDS.flatMap((seed) => plan(seed).map(({ operation }) => operation)));
  assert.equal(kinds.size, 21);
  for (const seed of SEEDS) {
    const seen = new Set(plan(seed).map(({ operation }) => operation));
    assert.deepEqual(
      [...kinds].filter((kind) => !seen.has(kind)),
      [],
      `seed ${seed}`,
    );
  }
});

test("an operation is asked for only in a state in which Nova accepts it", () => {
  const needs: Partial<Record<Operation, InstanceState>> = {
    unpause: "paused",
    resume: "suspended",
    start: "stopped",
    unshelve: "shelved",
    pause: "active",
    suspend: "active",
    stop: "active",
    rebuild: "active",
    resize: "active",
  };
  for (const seed of SEEDS) {
    const states: InstanceState[] = ["active", "active"];
    for (const step of plan(seed)) {
      const needed = needs[step.operation];
      if (needed !== undefined) assert.equal(states[step.instance], needed, `${seed}: ${step.operation}`);
      states[step.instance] = step.leaves;
    }
    assert.deepEqual(states, ["active", "active"]);
  }
});

test("a volume is detached only while attached, and extended once", () => {
  for (const seed of SEEDS) {
    let isAttached = true;
    let extensions = 0;
    for (const { operation, instance } of plan(seed)) {
      if (operation === "detach-volume" || operation === "extend-volume") assert.ok(isAttached);
      if (operation === "attach-volume") assert.ok(!isAttached);
      if (operation === "detach-volume") isAttached = false;
      if (operation === "attach-volume") isAttached = true;
      if (operation === "extend-volume") extensions += 1;
      if (operation === "rebuild") assert.equal(instance, 0);
    }
    assert.ok(extensions <= 1);
  }
});

test("every operation but unshelving has a snapshot beside it now and then", () => {
  const steps = SEEDS.flatMap((seed) => plan(seed));
  const beside = steps.filter(({ snapshot }) => snapshot?.when === "beside");
  const kinds = new Set(beside.map(({ operation }) => operation));
  const others = new Set(steps.map(({ operation }) => operation)).difference(kinds);
  assert.deepEqual([...others], ["unshelve"]);
});
