import assert from "node:assert/strict";
import { test } from "node:test";
import { chargesOf, priceOf } from "./charges.ts";

const instance = (name: string, size: number) => ({
  name,
  provisioned_size: 10,
  size,
  volumes: { d1: { device: "vda", provisioned_size: 10, size, snapshots: 1 } },
});

void test("each instance is a row of its own, and those that take most come first", () => {
  const shop = {
    name: "shop",
    size: 0,
    size_humanized: "",
    protected_vms: { i1: instance("web", 5), i2: instance("db", 9) },
  };
  const rows = chargesOf({
    p: { tenant_name: "demo", size: 14, size_humanized: "", workloads: { w1: shop } },
    q: { tenant_name: "idle", size: 0, size_humanized: "", workloads: {} },
  });
  assert.deepEqual(
    rows.map(({ project, workload, instance: name, storedBytes, disks }) => [
      project,
      workload,
      name,
      storedBytes,
      disks,
    ]),
    [
      ["demo", "shop", "db", 9, 1],
      ["demo", "shop", "web", 5, 1],
    ],
  );
});

void test("a price counts GiB, and parts of them", () => {
  assert.equal(priceOf(1.5 * 1024 ** 3, 0.1).toFixed(4), "0.1500");
});
