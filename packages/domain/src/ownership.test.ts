import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { missingRoles, type OwnerStanding, type OwnerTriple, ownerOf, standingOf } from "./ownership.ts";

const here = {
  cloudId: "here",
  hasProject: (id: string): boolean => id === "shop",
  hasUser: (id: string): boolean => id === "anna",
};

const CASES: readonly (readonly [string, OwnerTriple, OwnerStanding])[] = [
  ["of this cloud's project and user", { projectId: "shop", userId: "anna", cloudId: "here" }, "ours"],
  ["of a project that was deleted", { projectId: "gone", userId: "anna", cloudId: "here" }, "project-gone"],
  ["of a user who was deleted", { projectId: "shop", userId: "gone", cloudId: "here" }, "user-gone"],
  ["of another cloud, whatever its ids", { projectId: "shop", userId: "anna", cloudId: "x" }, "other-cloud"],
  ["without a cloud, of a project that is here", { projectId: "shop", userId: "anna" }, "ours"],
  ["without a cloud, of a project that is not", { projectId: "gone", userId: "anna" }, "other-cloud"],
];

describe("the standing of a workload on a target", () => {
  for (const [name, owner, standing] of CASES) {
    it(`is ${standing} for one ${name}`, () => assert.equal(standingOf(owner, here), standing));
  }
});

describe("the owner of a workload", () => {
  const claim = (projectId: string, atMs: number) => ({ owner: { projectId, userId: "u" }, atMs });

  it("is whom the latest claim names, in whatever order claims are read", () => {
    const [a, b, c] = [claim("first", 10), claim("second", 30), claim("third", 20)];
    for (const claims of [
      [a, b, c],
      [c, b, a],
      [b, a, c],
    ] as const) {
      assert.equal(ownerOf(claims).owner.projectId, "second");
    }
  });
});

describe("the roles of a new owner", () => {
  it("must be all that are configured, or one that changes things where none are", () => {
    assert.deepEqual(missingRoles(["member"], ["member", "creator"]), ["creator"]);
    assert.deepEqual(missingRoles(["member", "creator"], ["member", "creator"]), []);
    assert.deepEqual(missingRoles(["reader"], []), ["member"]);
    assert.deepEqual(missingRoles(["_member_"], []), []);
    assert.deepEqual(missingRoles([], []), ["member"]);
  });
});
