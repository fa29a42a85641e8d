import assert from "node:assert/strict";
import { test } from "node:test";
import type { Restore, Snapshot } from "./api-types.ts";
import { inPlaceDisks, inPlaceOptions } from "./in-place.ts";
import {
  bodyOf,
  madeOf,
  ONE_CLICK,
  obstacleToDelete,
  obstacleToRestore,
  type RestorePlan,
  readPhase,
} from "./restores.ts";

const SNAPSHOT = {
  id: "s1",
  status: "available",
  created_at: "2026-11-22T02:00:00.000000",
  instances: [
    {
      id: "i1",
      name: "web",
      point_at: "2026-11-22T02:00:05.000000",
      security_group: [{ id: "g1", name: "web-only" }],
      nics: [{ network: { id: "n1", name: "lan", subnet: { id: "u1", name: "lan-v4" } } }],
      vdisks: [
        { disk: "vda", disk_id: "d1" },
        { disk: "vdb", disk_id: "d2", volume_id: "v1", volume_name: "data" },
        { disk: "vdc", disk_id: "d3", volume_id: "v2", volume_name: "" },
      ],
    },
    {
      id: "i2",
      name: "db",
      point_at: null,
      security_group: [],
      nics: [],
      vdisks: [{ disk: "vda", disk_id: "d4" }],
    },
  ],
} as unknown as Snapshot;

const PLAN = {
  restore: {
    options: {
      openstack: {
        instances: [
          {
            id: "i1",
            include: true,
            restore_boot_disk: true,
            vdisks: [
              { id: "v1", restore_cinder_volume: true },
              { id: "v2", restore_cinder_volume: false },
            ],
          },
          { id: "i2", include: false, restore_boot_disk: false, vdisks: [] },
        ],
      },
    },
  },
  warnings_by_field: [
    { field: "volume", id: "v2", message: "Volume v2 is not attached" },
    { field: "instance", id: "i2", message: "Instance db is gone" },
  ],
} as unknown as RestorePlan;

void test("an in-place restore offers every disk, and says of those that it cannot write why", () => {
  const disks = inPlaceDisks(SNAPSHOT, PLAN);
  assert.deepEqual(
    disks.map(({ instance, device, isWritable, warnings }) => [instance, device, isWritable, warnings]),
    [
      ["web", "vda", true, []],
      ["web", "vdb", true, []],
      ["web", "vdc", false, ["Volume v2 is not attached"]],
      ["db", "vda", false, ["Instance db is gone"]],
    ],
  );
  assert.deepEqual(
    disks.map(({ pointAt }) => pointAt.slice(17, 19)),
    ["05", "05", "05", "00"],
  );
});

void test("exactly the chosen disks are written, and none that cannot be", () => {
  const disks = inPlaceDisks(SNAPSHOT, PLAN);
  const keys = new Set(disks.filter(({ device }) => device !== "vda").map(({ key }) => key));
  const volumes = inPlaceOptions(disks, keys, false);
  assert.equal(volumes.safety_snapshot, false);
  assert.deepEqual(volumes.openstack.instances, [
    {
      id: "i1",
      include: true,
      restore_boot_disk: false,
      vdisks: [{ id: "v1", restore_cinder_volume: true }],
    },
  ]);
  const own = new Set(disks.filter(({ volume }) => volume === undefined).map(({ key }) => key));
  assert.deepEqual(inPlaceOptions(disks, own, true).openstack.instances, [
    { id: "i1", include: true, restore_boot_disk: true, vdisks: [] },
  ]);
});

void test("what stands in the way of a snapshot's deeds is told by its state and the user's rights", () => {
  const all = new Set<string>();
  const cases = [
    ["available", undefined, undefined],
    ["error", "spoilt", undefined],
    ["uploading", "running", "running"],
    ["restoring", "inUse", "inUse"],
    ["mounted", "mounted", "mounted"],
  ] as const;
  for (const [status, toRestore, toDelete] of cases) {
    assert.equal(obstacleToRestore({ status }, all), toRestore, status);
    assert.equal(obstacleToDelete({ status }, all), toDelete, status);
  }
  assert.equal(obstacleToRestore({ status: "available" }, new Set(["createRestore"])), "refused");
  assert.equal(obstacleToDelete({ status: "error" }, new Set(["deleteSnapshot"])), "refused");
});

void test("a phase is one word, with what comes before and after it", () => {
  assert.deepEqual(readPhase("writing"), { isSafety: false, word: "writing", detail: "" });
  assert.deepEqual(readPhase("safety snapshot: waiting: a limit: 2 of 2"), {
    isSafety: true,
    word: "waiting",
    detail: "a limit: 2 of 2",
  });
});

void test("what a restore made is called by its own name, else by its original's, else by none", () => {
  const nothing = { subnets: [], routers: [], floating_ips: [], flavors: [], server_groups: [] };
  const restore = {
    ...nothing,
    instances: [{ id: "i9", name: "web-2", status: "available", metadata: { instance_id: "i1" } }],
    networks: [
      { id: "n9", original_id: "n1" },
      { id: "n8", original_id: "n7" },
    ],
    security_groups: [{ id: "g9", original_id: "g1" }],
  } as unknown as Restore;
  assert.deepEqual(
    madeOf(restore, SNAPSHOT).map(({ kind, id, name }) => [kind, id, name]),
    [
      ["instances", "i9", "web-2"],
      ["networks", "n9", "lan"],
      ["networks", "n8", undefined],
      ["security_groups", "g9", "web-only"],
    ],
  );
  assert.equal(madeOf(restore, undefined)[1]?.name, undefined);
});

void test("a restore without a name leaves the name to the service", () => {
  assert.equal(bodyOf("  ", ONE_CLICK).restore.name, undefined);
  assert.equal(bodyOf(" back ", ONE_CLICK).restore.name, "back");
});
