import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, Rejection } from "@cairn/kernel";
import type { Endpoint, Service } from "@cairn/openstack";
import { planRemoval, planSetup, recordAfter, type Seen, type Wanted } from "./plan.ts";
import { describeThing, recordOf, type Thing, thingOf } from "./things.ts";

const URL = "https://backup:8780/v1/$(project_id)s";
const WANTED: Wanted = {
  serviceType: "workloads",
  serviceName: "cairn",
  region: "RegionOne",
  urls: { public: URL, internal: URL, admin: URL },
  domain: "Default",
  user: "cairn",
  project: "service",
};
const ADMIN = { id: "r1", name: "admin", domainId: undefined };
const EMPTY: Seen = {
  domainId: "default",
  service: undefined,
  endpoints: [],
  roles: [ADMIN],
  project: undefined,
  user: undefined,
  grantedRoleIds: [],
};
const service = (made: readonly string[]): Service => ({
  id: "s1",
  type: "workloads",
  name: "cairn",
  enabled: true,
  made,
});
const endpoint = (side: string, url: string, region = "RegionOne"): Endpoint => ({
  id: `e-${side}`,
  serviceId: "s1",
  interface: side,
  region,
  url,
  enabled: true,
});
const told = (wanted: Wanted, seen: Seen): readonly string[] =>
  planSetup(wanted, seen).map((step) => `${step.action} ${describeThing(step.thing)}`);

void test("on a new cloud all is made but the role admin, the endpoints last", () => {
  assert.deepEqual(told(WANTED, EMPTY), [
    "make service cairn",
    "keep role admin",
    "make role service",
    "make project service",
    "make user cairn",
    "make role admin of user cairn in project service",
    "make role service of user cairn in project service",
    "make public endpoint in RegionOne",
    "make internal endpoint in RegionOne",
    "make admin endpoint in RegionOne",
  ]);
});

void test("where all is there, all is kept, and endpoints of other regions are not ours", () => {
  const seen: Seen = {
    ...EMPTY,
    service: service([]),
    endpoints: [
      ...["public", "internal", "admin"].map((side) => endpoint(side, URL)),
      endpoint("public", "http://elsewhere", "RegionTwo"),
    ],
    roles: [ADMIN, { id: "r2", name: "service", domainId: undefined }],
    project: {
      id: asId<"project">("p1"),
      name: "service",
      domainId: "default",
      description: "",
      enabled: true,
    },
    user: {
      id: asId<"user">("u1"),
      name: "cairn",
      domainId: "default",
      enabled: true,
      email: undefined,
      defaultProjectId: undefined,
    },
    grantedRoleIds: ["r1", "r2"],
  };
  assert.ok(told(WANTED, seen).every((each) => each.startsWith("keep ")));
  assert.deepEqual(recordAfter(planSetup(WANTED, seen), seen), []);
});

void test("an endpoint that we made moves with the address; one of somebody else's stops everything", () => {
  const moved = [endpoint("public", "http://old/v1/$(project_id)s")];
  const ours = { ...EMPTY, endpoints: moved, service: service(["endpoint:public:RegionOne"]) };
  assert.ok(told(WANTED, ours).includes("change public endpoint in RegionOne"));
  assert.throws(
    () => planSetup(WANTED, { ...ours, service: service([]) }),
    (error: unknown) =>
      error instanceof Rejection &&
      error.status === 409 &&
      /another public endpoint in RegionOne: http:\/\/old/.test(error.message) &&
      /openstack endpoint delete e-public/.test(error.remedy),
  );
});

void test("a cloud without the role admin is not ready", () => {
  assert.throws(() => planSetup(WANTED, { ...EMPTY, roles: [] }), /no role admin/);
});

void test("the record has what was made, once, and removal takes it in the opposite order", () => {
  const steps = planSetup(WANTED, EMPTY);
  const record = recordAfter(steps, { ...EMPTY, service: service(["role:service"]) });
  assert.equal(record.length, new Set(record).size);
  assert.deepEqual(
    planRemoval(service([...record, "moon:1"])).map((thing) => thing.kind),
    ["endpoint", "endpoint", "endpoint", "grant", "grant", "user", "project", "role", "service"],
  );
  assert.deepEqual(planRemoval(undefined), []);
});

void test("every thing is read back from its record, whatever its names have in them", () => {
  const things: readonly Thing[] = [
    { kind: "service", name: "a:b" },
    { kind: "role", role: "service" },
    { kind: "project", domain: "Düsseldorf", project: "x/y:z" },
    { kind: "user", domain: "Default", user: "cairn%" },
    { kind: "grant", role: "admin", domain: "Default", user: "u", project: "p" },
    { kind: "endpoint", side: "internal", region: "Region One" },
  ];
  for (const thing of things) assert.deepEqual(thingOf(recordOf(thing)), thing);
  assert.equal(thingOf("endpoint:sideways:RegionOne"), undefined);
});
