import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Rejection } from "@cairn/kernel";
import { withCode } from "./contract.ts";
import {
  openAddress,
  openStore,
  probeTarget,
  type S3Address,
  sealAddress,
  type TargetAddress,
} from "./index.ts";

const bucket: S3Address = {
  kind: "s3",
  endpoint: "https://s3.example.org",
  region: "us-east-1",
  bucket: "backups",
  prefix: "cloud/",
  accessKeyId: "AKID",
  secretAccessKey: "the secret",
  forcePathStyle: true,
};

describe("probing a target", () => {
  it("marks a directory, finds what it does, and leaves nothing else but a reserve", async () => {
    const path = await mkdtemp(join(tmpdir(), "cairn-probe-"));
    try {
      const { target, report } = await probeTarget({ kind: "directory", path });
      assert.deepEqual(
        [report.conditionalPuts, report.list, report.mayRemove, report.lock, report.names],
        ["enforced", "at-once", "yes", "none", "case-sensitive"],
      );
      assert.deepEqual([report.warnings, report.leftovers], [[], []]);
      assert.ok(Math.abs(report.clockAheadMs) < 5000);
      const found = (await readdir(path)).filter((name) => !name.startsWith(".cairn-reserve-"));
      assert.deepEqual(found, [".cairn-target", "probe"]);
      assert.ok(target.kind === "directory" && target.marker !== undefined);
      await openStore(target).put("a", [Buffer.from("1")]);
      await assert.rejects(openStore({ ...target, marker: "other" }).get("b"), withCode("store-away"));
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  });

  const REFUSED: readonly [field: string, target: TargetAddress][] = [
    ["path", { kind: "directory", path: "relative/path" }],
    ["path", { kind: "directory", path: "/nowhere/at/all" }],
    ["path", { kind: "directory", path: "/proc" }],
    ["endpoint", { ...bucket, endpoint: "s3.example.org" }],
    ["endpoint", { ...bucket, endpoint: "https://s3.example.org/path" }],
    ["region", { ...bucket, region: "" }],
    ["bucket", { ...bucket, bucket: "No" }],
    ["prefix", { ...bucket, prefix: "cloud" }],
    ["prefix", { ...bucket, prefix: "/" }],
    ["secretAccessKey", { ...bucket, secretAccessKey: "" }],
    ["lock.windowMs", { ...bucket, lock: { mode: "governance", windowMs: 0 } }],
  ];
  for (const [field, target] of REFUSED) {
    const { secretAccessKey: _, ...shown } = { secretAccessKey: "", ...target };
    it(`refuses by its field ${field} ${JSON.stringify(shown)}`, async () => {
      await assert.rejects(probeTarget(target), (thrown) => {
        assert.ok(thrown instanceof Rejection);
        assert.equal(thrown.field, field);
        assert.ok(thrown.remedy !== "" && !thrown.message.includes("the secret"));
        return true;
      });
    });
  }
});

describe("an address in a database", () => {
  const key = Buffer.alloc(32, 7);

  it("shows all but the secret, and opens to what it was", () => {
    const sealed = sealAddress(bucket, key);
    assert.ok(!JSON.stringify(sealed).includes("the secret"));
    assert.ok(sealed.sealedSecret?.includes("the secret") === false);
    assert.equal(sealed.path, "s3://backups/cloud/");
    assert.deepEqual(openAddress(sealed, key), bucket);
    const directory = { kind: "directory", path: "/srv", marker: "m" } as const;
    assert.deepEqual(openAddress(sealAddress(directory, key), key), directory);
  });

  it("does not open with another key, for another service, or without its secret", () => {
    const sealed = sealAddress(bucket, key);
    const elsewhere = {
      ...sealed,
      address: { ...sealed.address, endpoint: "https://elsewhere.example.org" },
    };
    assert.throws(() => openAddress(sealed, Buffer.alloc(32, 8)), withCode("target-sealed"));
    assert.throws(() => openAddress(elsewhere, key), withCode("target-sealed"));
    assert.throws(() => openAddress({ ...sealed, sealedSecret: undefined }, key), withCode("target-sealed"));
  });
});
