import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { normaliseBody, normaliseQuery } from "./compatibility.ts";
import { parseAs } from "./parse.ts";
import { type RouteId, routeOf } from "./routes.ts";

const ID = "11111111-1111-4111-8111-111111111111";

function body(id: RouteId, given: unknown): unknown {
  const schema = routeOf(id).body;
  assert.ok(schema !== undefined);
  return parseAs(schema, normaliseBody(id, given));
}

for (const spelling of [true, "True", "true", "TRUE", "1", 1, "yes", ["False", "True"]]) {
  void test(`a query's full=${JSON.stringify(spelling)} is a wish for a full snapshot`, () => {
    assert.deepEqual(normaliseQuery("takeSnapshot", { full: spelling }), { full: true });
  });
}

for (const spelling of ["False", "0", "", "no"]) {
  void test(`a query's full=${JSON.stringify(spelling)} is none`, () => {
    assert.deepEqual(normaliseQuery("takeSnapshot", { full: spelling }), { full: false });
  });
}

void test("all_tenants is all_workloads, and numbers in queries are numbers", () => {
  assert.deepEqual(normaliseQuery("listWorkloads", { all_tenants: "1", limit: "10", nfs_share: "x" }), {
    all_workloads: true,
    limit: 10,
    nfs_share: "x",
  });
});

void test("a query word that is no boolean is left for validation to name", () => {
  const query = normaliseQuery("takeSnapshot", { full: "maybe" });
  assert.throws(
    () => parseAs(routeOf("takeSnapshot").query, query),
    (error: unknown) => error instanceof Rejection && error.field === "full" && error.value === "maybe",
  );
});

for (const member of [{ "instance-id": ID }, { instance_id: ID }, { id: ID }, ID]) {
  void test(`an instance may be written as ${JSON.stringify(member)}`, () => {
    const made = body("createWorkload", { workload: { name: "w", instances: [member] } });
    assert.deepEqual(made, { workload: { name: "w", instances: [{ "instance-id": ID }] } });
  });
}

void test("the fullest body of a reference client is understood", () => {
  const made = body("createWorkload", {
    workload: {
      display_name: "web",
      display_description: null,
      source_platform: null,
      instances: [{ "instance-id": ID }],
      jobschedule: { enabled: "False", full_backup_interval: -1, snapshots_to_retain: 30, interval: "24hrs" },
      metadata: {},
      encryption: "False",
      secret_uuid: "",
      policy_id: null,
    },
  });
  assert.deepEqual(made, {
    workload: {
      name: "web",
      instances: [{ "instance-id": ID }],
      jobschedule: {
        enabled: false,
        fullbackup_interval: "-1",
        retention_policy_value: "30",
        interval: "24hrs",
      },
      metadata: {},
      encryption: false,
      secret_uuid: "",
    },
  });
});

void test("an empty schedule is harmless", () => {
  assert.deepEqual(body("modifyWorkload", { workload: { jobschedule: {} } }), {
    workload: { jobschedule: {} },
  });
});

void test("a snapshot needs no body, and null names are no names", () => {
  assert.deepEqual(body("takeSnapshot", undefined), { snapshot: {} });
  assert.deepEqual(body("takeSnapshot", { snapshot: { name: null, description: null } }), { snapshot: {} });
});

void test("the body's full counts only as a JSON boolean", () => {
  assert.deepEqual(body("takeSnapshot", { snapshot: { full: "True" } }), { snapshot: {} });
  assert.deepEqual(body("takeSnapshot", { snapshot: { full: true } }), { snapshot: { full: true } });
});

void test("one-click options may be as bare or as full as clients send them", () => {
  const framed = { type: "openstack", restore_type: "oneclick", oneclickrestore: true };
  const openstack = { instances: [], restore_topology: false, networks_mapping: { networks: [] } };
  const legacy = { vmware: {}, restore_options: {}, zone: "", openstack: { instances: [], zone: "" } };
  for (const options of [
    { ...framed, ...legacy, oneclickrestore: "True" },
    { ...framed, openstack: {} },
    framed,
  ]) {
    assert.deepEqual(body("createRestore", { restore: { name: "r", options } }), {
      restore: { name: "r", options: { ...framed, openstack } },
    });
  }
});

void test("an in-place restore may decline its safety snapshot in any spelling of no", () => {
  for (const declined of [false, "False", "no", "0"]) {
    const options = { restore_type: "inplace", safety_snapshot: declined };
    const made = body("createRestore", { restore: { options } }) as { restore: { options: object } };
    assert.equal(Reflect.get(made.restore.options, "safety_snapshot"), false);
  }
});

void test("selective options may have blanks, text for numbers and bare subnet ids", () => {
  const made = body("createRestore", {
    restore: {
      options: {
        name: "clone",
        type: "openstack",
        restore_type: "selective",
        oneclickrestore: "False",
        openstack: {
          instances: [
            {
              id: ID,
              include: "True",
              availability_zone: "",
              flavor: { vcpus: "2", ram: "2048", disk: "20", ephemeral: 0, swap: "" },
              nics: [
                { id: "n1", mac_address: "", ip_address: [], network: { id: "t1", subnet: { id: "" } } },
              ],
              vdisks: [{ id: "v1", new_volume_type: "", availability_zone: "nova" }],
            },
          ],
          networks_mapping: {
            networks: [{ snapshot_network: { id: "n1" }, target_network: { id: "t1", subnet: "s1" } }],
          },
        },
      },
    },
  });
  assert.deepEqual(made, {
    restore: {
      options: {
        name: "clone",
        type: "openstack",
        restore_type: "selective",
        oneclickrestore: false,
        openstack: {
          restore_topology: false,
          instances: [
            {
              id: ID,
              include: true,
              flavor: { vcpus: 2, ram: 2048, disk: 20, ephemeral: 0 },
              nics: [{ id: "n1", mac_address: "", ip_address: "", network: { id: "t1" } }],
              vdisks: [{ id: "v1", availability_zone: "nova" }],
            },
          ],
          networks_mapping: {
            networks: [
              { snapshot_network: { id: "n1" }, target_network: { id: "t1", subnet: { id: "s1" } } },
            ],
          },
        },
      },
    },
  });
});

const WRONG: readonly { readonly id: RouteId; readonly given: unknown; readonly field: string }[] = [
  { id: "createWorkload", given: undefined, field: "body" },
  { id: "createWorkload", given: [], field: "body" },
  { id: "createWorkload", given: { workload: "w" }, field: "workload" },
  { id: "createWorkload", given: { workload: { name: "w" } }, field: "workload.instances" },
  { id: "createWorkload", given: { workload: { name: 7, instances: [ID] } }, field: "workload.name" },
  { id: "createWorkload", given: { workload: { instances: [] } }, field: "workload.instances" },
  { id: "createRestore", given: { restore: { restore_type: "inplace" } }, field: "restore.options" },
  { id: "createRestore", given: { restore: { options: {} } }, field: "restore.options.restore_type" },
  {
    id: "createRestore",
    given: { restore: { options: { restore_type: "sideways" } } },
    field: "restore.options.restore_type",
  },
  {
    id: "createRestore",
    given: { restore: { options: { restore_type: "selective", openstack: { instances: [{}] } } } },
    field: "restore.options.openstack.instances[0].id",
  },
];

for (const { id, given, field } of WRONG) {
  void test(`${id} with ${JSON.stringify(given)} is refused at ${field === "" ? "the body" : field}`, () => {
    assert.throws(
      () => body(id, given),
      (error: unknown) =>
        error instanceof Rejection && error.status === 400 && error.field === field && error.remedy !== "",
    );
  });
}

void test("no body whatever makes normalisation throw", () => {
  const odd = [
    null,
    0,
    "x",
    [],
    {},
    { workload: null },
    { restore: { options: { openstack: [] } } },
    { snapshot: [] },
  ];
  for (const given of odd) {
    for (const id of ["createWorkload", "modifyWorkload", "takeSnapshot", "createRestore"] as const) {
      assert.doesNotThrow(() => normaliseBody(id, given));
    }
  }
  assert.doesNotThrow(() => normaliseBody("createWorkload", JSON.parse('{"workload":{"__proto__":1}}')));
});
