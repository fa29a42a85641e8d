import assert from "node:assert/strict";
import { test } from "node:test";
import { ONE_CLICK, type RestoreOptions } from "./restores.ts";
import {
  hasGoodAddresses,
  hasNames,
  includedOf,
  isAddressOrEmpty,
  placeChoices,
  placeKey,
  withDisk,
  withInstance,
  withNetwork,
  withNic,
} from "./selective.ts";

const OPTIONS: RestoreOptions = {
  ...ONE_CLICK,
  restore_type: "selective",
  openstack: {
    restore_topology: false,
    instances: [
      {
        id: "i1",
        include: true,
        name: "web",
        nics: [
          { id: "n1", ip_address: "10.0.0.9", network: { id: "n1", subnet: { id: "u1" } } },
          { id: "n2", network: { id: "n2" } },
        ],
        vdisks: [{ id: "v1", new_volume_type: "fast" }],
      },
      { id: "i2", include: false, name: "db" },
    ],
    networks_mapping: {
      networks: [{ snapshot_network: { id: "n1" }, target_network: { id: "n1", name: "lan" } }],
    },
  },
};

const CHOICES = {
  flavors: [],
  networks: [
    {
      id: "n1",
      name: "lan",
      subnets: [
        { id: "u1", name: "", cidr: "10.0.0.0/24" },
        { id: "u2", name: "", cidr: "10.0.1.0/24" },
      ],
    },
    { id: "n3", name: "bare", subnets: [] },
  ],
  volume_types: [],
  availability_zones: [],
};

void test("each subnet is a choice of its own, and so is a network without any", () => {
  assert.deepEqual(
    placeChoices(CHOICES).map(({ value, label }) => [value, label]),
    [
      ["n1/u1", "lan (10.0.0.0/24)"],
      ["n1/u2", "lan (10.0.1.0/24)"],
      ["n3", "bare"],
    ],
  );
  assert.equal(placeKey({ id: "n1", subnet: { id: "u1" } }), "n1/u1");
});

void test("another network for all takes every interface of the old one, without its address", () => {
  const changed = withNetwork(OPTIONS, "n1", { id: "n3" });
  assert.deepEqual(
    changed.openstack.instances[0]?.nics?.map(({ network, ip_address: ip }) => [network.id, ip]),
    [
      ["n3", ""],
      ["n2", undefined],
    ],
  );
  assert.equal(changed.openstack.networks_mapping.networks[0]?.target_network.id, "n3");
  assert.equal(OPTIONS.openstack.instances[0]?.nics?.[0]?.network.id, "n1", "the former one stays as it was");
});

void test("one interface, one volume and one instance are changed, and nothing else", () => {
  const changed = withInstance(OPTIONS, "i1", (instance) =>
    withDisk(withNic(instance, 1, { ip_address: "10.0.2.7" }), "v1", { new_volume_type: "slow" }),
  );
  const [web, db] = changed.openstack.instances;
  assert.deepEqual(
    web?.nics?.map(({ ip_address: ip }) => ip),
    ["10.0.0.9", "10.0.2.7"],
  );
  assert.equal(web.vdisks?.[0]?.new_volume_type, "slow");
  assert.equal(db, OPTIONS.openstack.instances[1]);
});

void test("names and addresses count only of what is restored", () => {
  assert.deepEqual(
    includedOf(OPTIONS).map(({ id }) => id),
    ["i1"],
  );
  const unnamed = withInstance(OPTIONS, "i1", (instance) => ({ ...instance, name: " " }));
  assert.deepEqual([hasNames(OPTIONS), hasNames(unnamed)], [true, false]);
  const wrong = withInstance(OPTIONS, "i1", (instance) => withNic(instance, 0, { ip_address: "10.0.0" }));
  assert.deepEqual([hasGoodAddresses(OPTIONS), hasGoodAddresses(wrong)], [true, false]);
  const left = withInstance(wrong, "i1", (instance) => ({ ...instance, include: false }));
  assert.equal(hasGoodAddresses(left), true);
});

void test("addresses of both families are told from what is none", () => {
  for (const good of ["", "10.0.0.1", "255.255.255.255", "2001:db8::1", "::1"]) {
    assert.equal(isAddressOrEmpty(good), true, good);
  }
  for (const bad of ["10.0.0", "10.0.0.256", "10.0.0.x", "host", "2001:db8", ":", "10.0.0.1.2"]) {
    assert.equal(isAddressOrEmpty(bad), false, bad);
  }
});
