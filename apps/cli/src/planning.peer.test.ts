import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { RestorePlan } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, startFakeApi } from "./fake-api.ts";
import { runCommandLine } from "./program.ts";

const SNAPSHOT = "11111111-2222-4333-8444-555555555555";

let fake: FakeApi;
let folder: string;

before(async () => {
  fake = await startFakeApi();
  folder = await mkdtemp(join(tmpdir(), "cairn-plan-"));
});

after(async () => {
  await fake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function cairn(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const screen = (key: "out" | "err") => ({
    write: (text: string): void => void (said[key] += text),
    isTerminal: false,
    columns: undefined,
  });
  const code = await runCommandLine([...argv, "--endpoint", `${fake.url}/v1/${"1".repeat(32)}`], {
    env: {
      OS_AUTH_URL: `${fake.url}/v3`,
      OS_USERNAME: "anna",
      OS_PASSWORD: "secret",
      OS_PROJECT_NAME: "shop",
      OS_USER_DOMAIN_NAME: "Default",
      OS_PROJECT_DOMAIN_NAME: "Default",
    },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: folder,
    home: folder,
    signal: new AbortController().signal,
    readFile: async () => undefined,
    trustAuthorities: () => undefined,
  });
  return { code, ...said };
}

const plan: RestorePlan = {
  restore: {
    name: "Selective restore",
    description: "Planned of nightly",
    options: {
      type: "openstack",
      restore_type: "selective",
      oneclickrestore: false,
      openstack: {
        instances: [{ id: "web-id", include: true }],
        restore_topology: false,
        networks_mapping: { networks: [] },
      },
    },
  },
  warnings: ["Volume type fast is not there; slow takes its place"],
  warnings_by_field: [
    { field: "volume_type", id: "fast", message: "Volume type fast is not there; slow takes its place" },
  ],
  choices: { flavors: [], networks: [], volume_types: ["slow"], availability_zones: [] },
  mapping: {
    instances: [{ id: "web-id", name: "web", included: true, flavor: "small" }],
    networks: [
      {
        snapshot_network: { id: "n1", name: "lan", cidr: "10.0.0.0/24" },
        target_network: { id: "n2", name: "test-lan", cidr: null },
      },
    ],
    volume_types: [{ snapshot_volume_type: "fast", target_volume_type: "slow" }],
    volumes: [{ id: "v1", name: "data", instance: "web", disk: "vdb", restored: true }],
  },
};

void test("a plan is written as a restore file and shown in tables, its warnings beside them", async () => {
  fake.handlers = { planRestore: () => ({ body: plan }) };
  const said = await cairn("restore", "plan", SNAPSHOT);
  assert.equal(said.code, 0, said.err);
  const file = JSON.parse(await readFile(join(folder, `${SNAPSHOT}-selective-restore.json`), "utf8")) as {
    readonly restore_type: string;
  };
  assert.equal(file.restore_type, "selective");
  for (const word of ["web-id", "small", "lan", "test-lan", "fast", "slow"]) {
    assert.ok(said.out.includes(word), word);
  }
  assert.match(said.err, /Warning: Volume type fast/);
  const again = await cairn("restore", "plan", SNAPSHOT);
  assert.equal(again.code, 2);
  assert.match(again.err, /is there already/);
});

void test("an in-place plan shows instances, volumes, and the volumes that are restored", async () => {
  fake.handlers = { planRestore: () => ({ body: plan }) };
  const said = await cairn("restore", "plan", SNAPSHOT, "--kind", "inplace", "--filename", "in-place.json");
  assert.equal(said.code, 0, said.err);
  assert.match(said.out, /Volumes of the snapshot[^]*data[^]*Volumes to be restored[^]*data/);
  assert.deepEqual(fake.asked.at(-1)?.body, { plan: { restore_type: "inplace" } });
});

void test("a preview shows what stays, why, and the next runs", async () => {
  fake.handlers = {
    previewRetention: () => ({
      body: {
        preview: {
          workload_id: SNAPSHOT,
          timezone: "UTC",
          enabled: true,
          judged: true,
          snapshots: [
            {
              id: "s1",
              name: "nightly",
              created_at: "2026-01-01T00:00:00.000000",
              status: "available",
              is_scheduled: true,
              verdict: "keep",
              reason: "last (1 of 2)",
              reasons: [{ code: "last", place: 1, of: 2 }],
            },
          ],
          next_runs: [
            {
              at: "2026-01-02T00:00:00.000000",
              local_time: "2026-01-02 00:00:00 UTC",
              seconds: 60,
              snapshot_type: "full",
              tiers: ["daily", "weekly"],
            },
          ],
          later: null,
          simulation: null,
        },
      },
    }),
  };
  const said = await cairn("retention", "preview", SNAPSHOT, "--jobschedule", "interval=6hrs");
  assert.equal(said.code, 0, said.err);
  assert.match(said.out, /last \(1 of 2\)[^]*daily, weekly/);
  assert.deepEqual(fake.asked.at(-1)?.body, { preview: { runs: 5, jobschedule: { interval: "6hrs" } } });
});
