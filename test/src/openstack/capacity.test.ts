import assert from "node:assert/strict";
import { test } from "node:test";
import { smallestFlavor } from "./making.ts";
import { codeOf, openSuite } from "./suite.ts";

const { tenant, admin } = await openSuite();

void test("an admin is told what storage pools there are, what they have, how types name them", async () => {
  const pools = await admin.cinder.pools.list();
  assert.ok(pools.length > 0);
  const types = await admin.cinder.volumeTypes.list();
  const named = types.flatMap(({ extraSpecs }) => extraSpecs["volume_backend_name"] ?? []);
  assert.ok(named.length > 0 && named.every((each) => pools.some((pool) => pool.backendName === each)));
  for (const { name, totalGiB, provisionedGiB, isThin, overSubscription } of pools) {
    assert.match(name, /^[^@]+@[^#]+#.+$/);
    assert.ok(totalGiB !== undefined && totalGiB > 0 && provisionedGiB >= 0);
    assert.ok(isThin && (overSubscription ?? 0) >= 1);
  }
  assert.equal(await codeOf(tenant.cinder.pools.list()), "openstack-forbidden");
});

void test("an admin is told whether any host has room for an instance", async () => {
  const { vcpus, ramMiB } = await smallestFlavor(tenant);
  assert.equal(await admin.placement.hasRoom({ vcpus, ramMiB, diskGiB: 0 }), true);
  assert.equal(await admin.placement.hasRoom({ vcpus, ramMiB: 1e9, diskGiB: 1 }), false);
  assert.equal(await codeOf(tenant.placement.hasRoom({ vcpus, ramMiB, diskGiB: 0 })), "openstack-forbidden");
});

void test("limits tell how many key pairs a user may have, and how large one volume may be", async () => {
  const { keyPairsMax } = await tenant.nova.limits.get();
  assert.ok(keyPairsMax !== undefined && keyPairsMax > 0);
  const { volumeMaxGiB } = await tenant.cinder.quotas.get(await tenant.projectId());
  assert.equal(volumeMaxGiB, undefined);
});
