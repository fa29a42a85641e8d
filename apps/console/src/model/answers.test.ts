import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "./failure.ts";
import { parseProjects, parseSession } from "./session.ts";

void test("a refusal keeps the server's sentence, its remedy and the request id", () => {
  const body = { conflict: { code: 409, message: "It is locked.", field: "workload", remedy: "Wait." } };
  const failure = failureOf(409, body, "req-1");
  assert.deepEqual(
    [failure.kind, failure.message, failure.field, failure.remedy, failure.requestId],
    ["conflict", "It is locked.", "workload", "Wait.", "req-1"],
  );
});

void test("an answer that is not the API's is still told by its status", () => {
  const kinds = [400, 401, 403, 404, 409, 500, 502].map((status) => failureOf(status, "<html>", undefined));
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ["refused", "signed-out", "forbidden", "absent", "conflict", "broken", "broken"],
  );
  assert.equal(kinds[6]?.message, "HTTP 502");
});

void test("a session is read once, and anything else is not taken for one", () => {
  const session = parseSession({
    user: { id: "u", name: "anna" },
    project: { id: "p", name: "shop" },
    may_not: ["takeSnapshot"],
    is_admin: false,
    expires_at: "2026-11-22T12:00:00.000Z",
  });
  assert.deepEqual([session.user, session.project.name, session.isAdmin], ["anna", "shop", false]);
  assert.ok(session.mayNot.has("takeSnapshot"));
  for (const wrong of [null, "<html>", {}, { user: { name: "anna" } }]) {
    assert.throws(() => parseSession(wrong), TypeError);
  }
  assert.deepEqual(parseProjects({ projects: [{ id: "p", name: "shop" }] }), [{ id: "p", name: "shop" }]);
  assert.throws(() => parseProjects({}), TypeError);
});
