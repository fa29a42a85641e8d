import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { MiB, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { hostOsBrick, type OsBrick } from "../host/os-brick.ts";
import { ModelDisk, OrderBench } from "../testing/bench-of-orders.ts";
import { TestNode } from "../testing/test-node.ts";

/*
 * The bridge with the os-brick of this machine, where there is one (Debian: python3-os-brick); else without,
 * which is refused by name. Its LOCAL connector needs nothing of the kernel. A login to a portal is
 * shown only as far as it fails: no iSCSI target runs here.
 */

const PYTHON = "/usr/bin/python3";
const never = new AbortController().signal;
const isThere = await promisify(execFile)(PYTHON, ["-E", "-s", "-c", "import os_brick"]).then(
  () => true,
  () => false,
);

async function openBrick(): Promise<{ readonly osBrick: OsBrick } & AsyncDisposable> {
  const lockDir = await mkdtemp(join(tmpdir(), "cairn-brick-"));
  const log = createLog("datamover", { level: "debug", write: () => undefined });
  const called = { python: PYTHON, rootHelper: "sudo", isMultipath: false, lockDir };
  const osBrick = hostOsBrick({ ...called, host: "compute1", ip: "10.0.0.9" }, { clock: systemClock, log });
  return { osBrick, [Symbol.asyncDispose]: async () => rm(lockDir, { recursive: true }) };
}

void test("os-brick says of this host what Cinder wants to know, if it is there", async () => {
  await using opened = await openBrick();
  const { osBrick } = opened;
  await osBrick.look(never);
  const { connector } = osBrick;
  assert.equal(connector !== undefined, isThere);
  if (connector === undefined) return;
  assert.deepEqual([connector["host"], connector["ip"]], ["compute1", "10.0.0.9"]);
  assert.deepEqual([connector["os_type"], connector["multipath"]], ["linux", false]);
});

void test("a volume that os-brick attaches is written byte for byte, or refused by name", async () => {
  await using node = await TestNode.open();
  await using opened = await openBrick();
  const { osBrick } = opened;
  const bench = await OrderBench.open(node);
  const sizeBytes = 8 * MiB;
  const instance = await node.boot([{ device: "vda", format: "raw", sizeBytes }]);
  const model = new ModelDisk(instance, "vda");
  await model.write(MiB, randomBytes(3 * MiB));
  const { disks } = await bench.protect(instance);
  const volumeId = randomUUID();
  const folder = join(node.sandboxFolder, "cinder");
  await mkdir(folder, { recursive: true });
  const device_path = join(folder, `volume-${volumeId}`);
  await writeFile(device_path, randomBytes(MiB));
  await truncate(device_path, sizeBytes);
  const outcome = await bench.perform(
    {
      kind: "write-disk",
      restoreId: randomUUID(),
      diskId: "vda",
      root: disks[0]?.root ?? "",
      sizeBytes,
      destination: {
        kind: "attached",
        volumeId,
        connectionInfo: { driver_volume_type: "local", device_path, encrypted: false },
      },
      mode: "whole",
    },
    { osBrick },
  );
  if (isThere) {
    assert.equal(outcome.kind, "written");
    assert.ok((await readFile(device_path)).equals(model.bytes));
  } else {
    assert.ok(outcome.kind === "failed" && outcome.code === "os-brick-missing");
    assert.match(outcome.message, /python3-os-brick/);
  }
  assert.deepEqual(
    (await readdir(node.scratchFolder)).filter((name) => name.startsWith("b-")),
    [],
  );
});

void test("a kind that os-brick does not know, and a portal that is not there, are told apart", async () => {
  await using opened = await openBrick();
  const { osBrick } = opened;
  const codeOf = async (connection: Record<string, unknown>): Promise<string> => {
    const failed = await osBrick.connect(connection, never).then(
      () => "connected",
      (cause: unknown) => (cause as { code: string }).code,
    );
    await osBrick.disconnect(connection, {}, true).catch(() => undefined);
    return failed;
  };
  // Port 1 is nobody's.
  const target = { target_portal: "127.0.0.1:1", target_iqn: "iqn.2026-11.test:none", target_lun: 1 };
  const nowhere = { driver_volume_type: "iscsi", ...target, target_discovered: false };
  assert.equal(
    await codeOf({ driver_volume_type: "carrier-pigeon" }),
    isThere ? "attachment-unsupported" : "os-brick-missing",
  );
  assert.equal(await codeOf(nowhere), isThere ? "attachment-failed" : "os-brick-missing");
});
