import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { choosePolicy, type NamedPolicy, type PolicyWish } from "./policy-choice.ts";

const gold: NamedPolicy = { id: "g", name: "gold" };
const silver: NamedPolicy = { id: "s", name: "silver" };
const lead: NamedPolicy = { id: "l", name: "lead" };
const ALL = [gold, silver, lead];

const named = (id: string): PolicyWish => ({ kind: "named", id });
const SILENT: PolicyWish = { kind: "silent" };
const NONE: PolicyWish = { kind: "none" };
const OFF = { enabled: false };
const OWN = { enabled: true, interval: "24hrs" };

interface Case {
  readonly says: string;
  readonly wish: PolicyWish;
  readonly current?: NamedPolicy;
  readonly assigned?: readonly NamedPolicy[];
  readonly isAdmin?: true;
  readonly after?: Record<string, unknown>;
  /** A policy, nothing, or the field that the refusal names. */
  readonly expected: NamedPolicy | undefined | "workload.policy_id" | "workload.jobschedule";
}

const CASES: readonly Case[] = [
  {
    says: "a project without policies defines schedules freely",
    wish: SILENT,
    after: OWN,
    expected: undefined,
  },
  { says: "an assigned policy can be chosen", wish: named("s"), assigned: [gold, silver], expected: silver },
  {
    says: "one of another project cannot",
    wish: named("l"),
    assigned: [gold],
    expected: "workload.policy_id",
  },
  { says: "nor can any where none is assigned", wish: named("g"), expected: "workload.policy_id" },
  { says: "administrators choose any", wish: named("l"), assigned: [gold], isAdmin: true, expected: lead },
  {
    says: "but none that does not exist",
    wish: named("x"),
    assigned: [gold],
    isAdmin: true,
    expected: "workload.policy_id",
  },
  {
    says: "an own schedule is refused where policies are assigned",
    wish: SILENT,
    assigned: [gold],
    after: OWN,
    expected: "workload.jobschedule",
  },
  { says: "no schedule at all is not", wish: SILENT, assigned: [gold], after: OFF, expected: undefined },
  {
    says: "administrators may give one",
    wish: SILENT,
    assigned: [gold],
    after: OWN,
    isAdmin: true,
    expected: undefined,
  },
  {
    says: "who follows a policy goes on following it, whatever schedule is sent along",
    wish: SILENT,
    current: gold,
    assigned: [gold],
    after: OWN,
    expected: gold,
  },
  {
    says: "also when it was taken from the project since",
    wish: named("g"),
    current: gold,
    assigned: [silver],
    expected: gold,
  },
  {
    says: "one policy gives way to another",
    wish: named("s"),
    current: gold,
    assigned: ALL,
    expected: silver,
  },
  { says: "where none is assigned one may follow none", wish: NONE, current: gold, expected: undefined },
  {
    says: "where some are one may not",
    wish: NONE,
    current: gold,
    assigned: [silver],
    expected: "workload.policy_id",
  },
  {
    says: "but administrators may",
    wish: NONE,
    current: gold,
    assigned: [silver],
    isAdmin: true,
    expected: undefined,
  },
];

for (const { says, wish, current, assigned = [], isAdmin = false, after = {}, expected } of CASES) {
  void test(says, () => {
    const choose = () =>
      choosePolicy({
        wish,
        current,
        assigned,
        isAdmin,
        named: wish.kind === "named" ? ALL.find(({ id }) => id === wish.id) : undefined,
        jobschedule: { before: {}, after },
      });
    if (typeof expected !== "string") {
      assert.equal(choose(), expected);
      return;
    }
    assert.throws(choose, (error: unknown) => {
      assert.ok(error instanceof Rejection);
      assert.deepEqual([error.status, error.field], [400, expected]);
      for (const { id, name } of assigned) {
        assert.ok(error.remedy.includes(`${id} (${name})`), error.remedy);
      }
      return true;
    });
  });
}

void test("a refusal names ten policies at most, and how many more there are", () => {
  const assigned = Array.from({ length: 14 }, (_, index) => ({ id: `p${index}`, name: `n${index}` }));
  const question = {
    current: undefined,
    named: undefined,
    isAdmin: false,
    jobschedule: { before: {}, after: {} },
  };
  assert.throws(
    () => choosePolicy({ ...question, wish: named("x"), assigned }),
    (error: unknown) => error instanceof Rejection && error.remedy.endsWith("p9 (n9) or 4 more."),
  );
});
