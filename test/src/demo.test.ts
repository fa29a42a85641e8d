import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { MiB } from "@cairn/kernel";
import { processesOf, startDemo } from "./demo-process.ts";

interface Result {
  readonly ok: boolean;
  readonly instances: number;
  readonly disks: number;
  readonly snapshots: readonly {
    readonly type: string;
    readonly read_bytes: number;
    readonly stored_bytes: number;
  }[];
  readonly restores: readonly {
    readonly type: string;
    readonly identical: boolean;
    readonly disks: number;
  }[];
}

test("the demo protects, loses and brings back every disk, and leaves no process", async () => {
  const demo = await startDemo();
  try {
    assert.equal(await demo.ended, 0, demo.story());
    const result = JSON.parse(demo.result()) as Result;
    assert.equal(result.ok, true);
    assert.ok(result.instances >= 3);
    assert.deepEqual(
      result.restores.map(({ type, identical }) => [type, identical]),
      [
        ["oneclick", true],
        ["inplace", true],
        ["selective", true],
      ],
    );
    const [full, incremental, unchanged] = result.snapshots;
    assert.deepEqual(
      [full?.type, incremental?.type, unchanged?.type],
      ["full", "incremental", "incremental"],
    );
    assert.ok((incremental?.read_bytes ?? 0) < (full?.read_bytes ?? 0) / 3);
    assert.ok((unchanged?.stored_bytes ?? MiB) < MiB);
    assert.deepEqual(await processesOf(demo.folder), []);
  } finally {
    await rm(demo.folder, { recursive: true, force: true });
  }
});
