import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import type { Clock } from "@cairn/kernel";
import { type FakeApi, RECOVERY, snapshotOf, startFakeApi } from "../fake-api.ts";
import { runCommandLine } from "../program.ts";
import type { Screen } from "../shell.ts";

const SNAPSHOT = "33333333-3333-4333-8333-333333333333";
const TIME = "2026-11-23T12:00:00.000000";
const URL = `sftp://172.24.4.7/mnt/cairn/${SNAPSHOT}`;

const MOUNT: NonNullable<SnapshotDetail["mount"]> = {
  instance_id: RECOVERY,
  instance_name: "recovery",
  mounturl: URL,
  mounted_at: TIME,
  dismounting: false,
  file_systems: [
    {
      vm_id: "i1",
      vm_name: "web-1",
      disk: "vda",
      path: `/mnt/cairn/${SNAPSHOT}/web-1_i1/vda1.mnt`,
      file_system: "ext4",
    },
  ],
};

let api: FakeApi;
/** What the snapshot shows, look by look; the last one stays. */
let looks: SnapshotDetail[];

before(async () => {
  api = await startFakeApi();
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

beforeEach(() => {
  looks = [seen({})];
  api.handlers = {
    mountSnapshot: () => ({}),
    dismountSnapshot: () => ({}),
    showSnapshot: () => ({ body: { snapshot: looks.length > 1 ? looks.shift() : looks[0] } }),
    listSnapshots: () => ({ body: { snapshots: [seen({})] } }),
    listMountedSnapshots: () => ({
      body: {
        mounted_snapshots: [
          {
            snapshot_id: SNAPSHOT,
            snapshot_name: "nightly",
            workload_id: "w1",
            mounturl: URL,
            status: "mounted",
          },
        ],
      },
    }),
  };
});

function seen(changes: Partial<SnapshotDetail>): SnapshotDetail {
  return snapshotOf(SNAPSHOT, "nightly", changes);
}

/** A clock that does not wait. */
const CLOCK: Clock = { now: () => Date.parse("2026-11-23T12:00:00Z"), sleep: async () => undefined };

async function cairn(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: false,
    columns: undefined,
  });
  api.asked.length = 0;
  const code = await runCommandLine(argv, {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out: screen("out"),
    err: screen("err"),
    clock: CLOCK,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...texts };
}

test("a mount waits for its end and shows where the files are", async () => {
  const mounting = { ...MOUNT, mounturl: "", mounted_at: null, file_systems: [] };
  looks = [
    seen({ status: "mounting", progress_percent: 40, mount: mounting }),
    seen({ status: "mounted", mount: MOUNT }),
  ];
  const { code, out, err } = await cairn("snapshot", "mount", "nightly", RECOVERY, "--wait");
  assert.equal(code, 0, err);
  const asked = api.asked.find(({ id }) => id === "mountSnapshot");
  assert.deepEqual(asked?.body, { mount: { mount_vm_id: RECOVERY, options: {} } });
  assert.equal(asked.params["snapshot_id"], SNAPSHOT);
  assert.ok(out.includes(URL));
  assert.ok(out.includes("/web-1_i1/vda1.mnt"));
  assert.match(err, /snapshot nightly/);
});

test("a mount instance is found by its name", async () => {
  looks = [seen({ status: "mounting", mount: MOUNT })];
  assert.equal((await cairn("snapshot", "mount", "nightly", "recovery")).code, 0);
  const asked = api.asked.find(({ id }) => id === "mountSnapshot");
  assert.deepEqual(asked?.body, { mount: { mount_vm_id: RECOVERY, options: {} } });
  const { code, err } = await cairn("snapshot", "mount", "nightly", "nobody-is-called-so");
  assert.notEqual(code, 0);
  assert.match(err, /No instance with a name or ID of 'nobody-is-called-so' exists/);
  assert.equal(
    api.asked.some(({ id }) => id === "mountSnapshot"),
    false,
  );
});

test("a mount that came to nothing is the command's failure, with the reason", async () => {
  looks = [
    seen({ status: "mounting", mount: MOUNT }),
    seen({ status: "available", error_msg: "The snapshot was not mounted. No quota." }),
  ];
  const { code, err } = await cairn("snapshot", "mount", SNAPSHOT, RECOVERY, "--wait");
  assert.equal(code, 1);
  assert.match(err, /is available: The snapshot was not mounted\. No quota\./);
});

test("a dismount waits until the copies are gone; one that came to nothing says why", async () => {
  const going = { ...MOUNT, dismounting: true };
  looks = [seen({ status: "mounted", mount: going }), seen({ warning_msg: "The guest was silent." })];
  const done = await cairn("snapshot", "dismount", SNAPSHOT, "--wait");
  assert.equal(done.code, 0, done.err);
  assert.match(done.err, /Warning: The guest was silent\./);
  looks = [
    seen({ status: "mounted", mount: going }),
    seen({ status: "mounted", mount: MOUNT, error_msg: "The snapshot is still mounted: Nova is away." }),
  ];
  const kept = await cairn("snapshot", "dismount", SNAPSHOT, "--wait");
  assert.equal(kept.code, 1);
  assert.match(kept.err, /is still mounted: The snapshot is still mounted: Nova is away/);
});

test("mounted snapshots are listed, of all workloads or one", async () => {
  const { code, out } = await cairn(
    "snapshot",
    "mounted-list",
    "--workload",
    "44444444-4444-4444-8444-444444444444",
    "-f",
    "json",
  );
  assert.equal(code, 0);
  const rows = JSON.parse(out) as Record<string, unknown>[];
  assert.deepEqual(Object.keys(rows[0] ?? {}), [
    "snapshot_id",
    "snapshot_name",
    "workload_id",
    "mounturl",
    "status",
  ]);
  const asked = api.asked.find(({ id }) => id === "listMountedSnapshots");
  assert.equal(asked?.query.get("workload_id"), "44444444-4444-4444-8444-444444444444");
});
