import assert from "node:assert/strict";
import { test } from "node:test";
import { errorText, judgeRefusal, retryAfterMs } from "./refusal.ts";

const cases: readonly [string, Parameters<typeof judgeRefusal>[0], string, string][] = [
  [
    "a bad request",
    { status: 400, text: "Invalid input for field", type: undefined, isWrite: true },
    "bad-request",
    "never",
  ],
  [
    "a volume in the wrong state",
    {
      status: 400,
      text: "Invalid volume: Volume status must be available or error",
      type: undefined,
      isWrite: true,
    },
    "conflict",
    "later",
  ],
  [
    "a token that is not good",
    { status: 401, text: "", type: undefined, isWrite: false },
    "unauthorized",
    "after-operator",
  ],
  [
    "a policy",
    {
      status: 403,
      text: "Policy doesn't allow os_compute_api:servers:create",
      type: undefined,
      isWrite: true,
    },
    "forbidden",
    "never",
  ],
  [
    "Nova's quota",
    {
      status: 403,
      text: "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances",
      type: undefined,
      isWrite: true,
    },
    "quota",
    "after-operator",
  ],
  [
    "Cinder's quota",
    {
      status: 413,
      text: "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
      type: undefined,
      isWrite: true,
    },
    "quota",
    "after-operator",
  ],
  [
    "Neutron's quota",
    { status: 409, text: "Quota exceeded for resources: ['port'].", type: "OverQuota", isWrite: true },
    "quota",
    "after-operator",
  ],
  ["an absent thing", { status: 404, text: "", type: undefined, isWrite: false }, "not-found", "never"],
  [
    "a conflict",
    { status: 409, text: "Cannot 'start' instance", type: undefined, isWrite: true },
    "conflict",
    "later",
  ],
  ["too many requests", { status: 429, text: "", type: undefined, isWrite: true }, "unavailable", "later"],
  [
    "a service that is down",
    { status: 503, text: "", type: undefined, isWrite: true },
    "unavailable",
    "later",
  ],
  ["a crash in the service", { status: 500, text: "", type: undefined, isWrite: true }, "failed", "later"],
  [
    "a gateway that lost a read",
    { status: 504, text: "", type: undefined, isWrite: false },
    "unavailable",
    "later",
  ],
  [
    "a gateway that lost a write",
    { status: 504, text: "", type: undefined, isWrite: true },
    "outcome-unknown",
    "later",
  ],
  ["a redirect", { status: 302, text: "", type: undefined, isWrite: false }, "bad-reply", "after-operator"],
];

for (const [what, refusal, code, retry] of cases) {
  void test(`${what} (${String(refusal.status)}) is ${code}, to be tried ${retry}`, () => {
    assert.deepEqual(judgeRefusal(refusal), { code: `openstack-${code}`, retry });
  });
}

void test("the cloud's own sentence is found in each service's form of an error", () => {
  const bodies: readonly [string, string][] = [
    ['{"conflictingRequest": {"code": 409, "message": "Cannot start"}}', "Cannot start"],
    ['{"error": {"code": 401, "message": "No", "title": "Unauthorized"}}', "No"],
    ['{"NeutronError": {"type": "IpAddressInUse", "message": "In use", "detail": ""}}', "In use"],
    ['{"message": "Gone.<br /><br />\\n", "code": "404 Not Found", "title": "Not Found"}', "Gone."],
    [
      "<html><head><title>403</title></head><body><h1>403 Forbidden</h1>Protected<br /></body></html>",
      "Protected",
    ],
    ['{"errors": [{"status": 409, "title": "Conflict", "detail": "Changed"}]}', "Changed"],
    ["{broken", "{broken"],
    ["", ""],
  ];
  for (const [body, text] of bodies) assert.equal(errorText(body).text, text, body);
  assert.equal(errorText(bodies[2]?.[0] ?? "").type, "IpAddressInUse");
  assert.equal(errorText("x".repeat(10_000)).text.length, 500);
});

void test("a time to wait is read as seconds or as a date", () => {
  assert.equal(retryAfterMs("7", 0), 7000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 60_000), 0);
  assert.equal(retryAfterMs("soon", 0), undefined);
  assert.equal(retryAfterMs(null, 0), undefined);
});
