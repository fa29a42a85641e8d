import assert from "node:assert/strict";
import { test } from "node:test";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";

void test("pools are read as drivers write them: numbers, texts, words for the unknown", async () => {
  const ceph = {
    total_capacity_gb: "19.98",
    free_capacity_gb: 18.9,
    provisioned_capacity_gb: 3,
    volume_backend_name: "ceph",
    storage_protocol: "ceph",
    reserved_percentage: 5,
    thin_provisioning_support: true,
    max_over_subscription_ratio: "20.0",
  };
  const vague = {
    total_capacity_gb: "infinite",
    free_capacity_gb: "unknown",
    allocated_capacity_gb: 7,
    storage_protocol: ["iSCSI", "iscsi"],
    max_over_subscription_ratio: "auto",
  };
  const pools = [
    { name: "h@ceph#ceph", capabilities: ceph },
    { name: "h@lvm#lvm", capabilities: vague },
    { name: "h@bare#bare" },
  ];
  await using recorded = await startRecordedCloud({
    "GET /volume/v3/p1/scheduler-stats/get_pools": { json: { pools } },
  });
  const [one, two, three] = await connectCloud(recorded.options()).cinder.pools.list();
  assert.deepEqual(one, {
    name: "h@ceph#ceph",
    backendName: "ceph",
    protocol: "ceph",
    totalGiB: 19.98,
    freeGiB: 18.9,
    provisionedGiB: 3,
    reservedPercent: 5,
    isThin: true,
    overSubscription: 20,
  });
  assert.deepEqual(
    [two?.totalGiB, two?.freeGiB, two?.provisionedGiB, two?.overSubscription],
    [undefined, undefined, 7, undefined],
  );
  assert.deepEqual([three?.isThin, three?.freeGiB], [false, undefined]);
  assert.deepEqual([two?.protocol, three?.protocol], ["iSCSI", undefined]);
  assert.match(recorded.seen.at(-1)?.path ?? "", /\?detail=true$/);
});

void test("a host is asked for with what is wanted, in a microversion that knows limits", async () => {
  const room = { allocation_requests: [{ allocations: {} }], provider_summaries: {} };
  await using recorded = await startRecordedCloud({
    "GET /placement/allocation_candidates": [{ json: room }, { json: { allocation_requests: [] } }],
  });
  const { placement } = connectCloud(recorded.options());
  assert.equal(await placement.hasRoom({ vcpus: 1, ramMiB: 512, diskGiB: 0 }), true);
  assert.equal(await placement.hasRoom({ vcpus: 1, ramMiB: 512, diskGiB: 5 }), false);
  const asked = recorded.seen.filter(({ path }) => path.includes("allocation_candidates"));
  assert.match(asked[0]?.path ?? "", /resources=VCPU%3A1%2CMEMORY_MB%3A512&limit=1$/);
  assert.match(asked[1]?.path ?? "", /DISK_GB%3A5/);
  assert.equal(asked[0]?.headers["openstack-api-version"], "placement 1.16");
});
