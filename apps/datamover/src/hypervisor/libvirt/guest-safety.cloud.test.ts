import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "@cairn/kernel";
import { connectLibvirt, type LibvirtClient } from "@cairn/libvirt";
import type { DatamoverProcess } from "../../testing/datamover-process.ts";
import { NovaInstance } from "../../testing/nova-instance.ts";
import { backUpBadly, type SafetyGuest, type SafetyPlace, tell, until } from "../../testing/safety.ts";
import { ScriptedAgent } from "../../testing/scripted-agent.ts";
import { SlowBucket } from "../../testing/slow-bucket.ts";
import { WriteMeter } from "../../testing/write-meter.ts";

/*
 * Whatever becomes of a backup, its guest goes on: a real guest on a real Nova, with its own agent, that
 * writes to all of its disks as fast as it can. The times are QEMU's, of each write of the guest.
 */

const LOOK_MS = 10_000;
const BUDGET_MIB = 24;
const VOLUME_TYPES = ["nfs", "ceph"];
/**
 * Shell for the guest: writers that end when a file goes. Each has descriptors of its own, because the agent
 * waits until nobody has those any more that it gave the shell.
 */
const BUSY = ["/dev/vdb", "/dev/vdc", "/root/busy"]
  .map((path) => `dd if=/run/noise of=${path} bs=64k seek=$i conv=notrunc,fsync || exit`)
  .map((write) => `i=0; while [ -e /run/busy ]; do ${write}; i=$(( (i + 64) % 2048 )); done`)
  .map((loop) => `(${loop}) >/dev/null 2>&1 </dev/null &`)
  .join(" ");
const NOISE = "dd if=/dev/urandom of=/run/noise bs=64k count=64 2>/dev/null";

let folder: string;
let server: NovaInstance;
let client: LibvirtClient;
let place: SafetyPlace;

before(async () => {
  const cloud = process.env["CAIRN_TEST_CLOUD"] ?? "";
  folder = await mkdtemp(join(tmpdir(), "cairn-gs-"));
  await chmod(folder, 0o711);
  const scratchFolder = join(folder, "scratch");
  await mkdir(scratchFolder, { mode: 0o711 });
  server = await NovaInstance.create(cloud, await NovaInstance.volumeTypes(cloud, VOLUME_TYPES));
  const agent = await ScriptedAgent.open(join(folder, "agent.sock"), { daemon: server.place, isReal: true });
  client = await connectLibvirt({ ...server.place, timeoutMs: 40_000 });
  const bucket = await SlowBucket.open();
  const guest = await writing();
  place = { folder, sandboxFolder: folder, scratchFolder, agent, client, bucket, guest };
  await server.guest(`${NOISE}; touch /run/busy; ${BUSY} true`);
});

after(async () => {
  await server.guest("rm -f /run/busy");
  await place.bucket[Symbol.asyncDispose]();
  await place.agent[Symbol.asyncDispose]();
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function writing(): Promise<SafetyGuest> {
  const domain = await server.domain();
  return {
    id: server.id,
    disks: server.disks,
    timesDuring: async (work) => {
      const meter = await WriteMeter.start(client, domain);
      await work();
      return meter.read();
    },
  };
}

async function look(): Promise<void> {
  const untilMs = systemClock.now() + LOOK_MS;
  await until(async () => Promise.resolve(systemClock.now() >= untilMs));
}

async function jobGone(): Promise<void> {
  const domain = await server.domain();
  await until(async () => !(await client.hasJob(domain)));
}

void test("without a backup, for comparison", async (t) => {
  tell(t, "no backup", await place.guest.timesDuring(look));
});

void test("a target that takes all at once", async (t) => {
  place.bucket.pace = "free";
  tell(t, "backup", await backUpBadly(place, { during: look }));
  t.diagnostic(`frozen for ${place.agent.freezesMs.join(", ")} ms`);
});

void test("a target that takes 1 MB a second", async (t) => {
  place.bucket.pace = { bytesPerS: 1_000_000 };
  tell(t, "target at 1 MB/s", await backUpBadly(place, { during: look }));
});

void test("a target that hangs", async (t) => {
  place.bucket.pace = "hung";
  tell(t, "target hung", await backUpBadly(place, { during: look }));
});

for (const [what, how] of [
  ["stopped", (datamover: DatamoverProcess) => datamover.pause("SIGSTOP")],
  ["killed", (datamover: DatamoverProcess) => void datamover.kill("SIGKILL")],
] as const) {
  void test(`a datamover that is ${what} while it reads`, async (t) => {
    place.bucket.pace = "hung";
    const during = async (datamover: DatamoverProcess): Promise<void> => {
      how(datamover);
      await jobGone();
    };
    tell(t, `datamover ${what}`, await backUpBadly(place, { during }));
  });

  void test(`a datamover that is ${what} while the guest is frozen`, async (t) => {
    place.bucket.pace = "free";
    const { agent } = place;
    const before = (datamover: DatamoverProcess): void => {
      agent.onFrozen = () => {
        how(datamover);
      };
    };
    const during = async (): Promise<void> => {
      await until(async () => Promise.resolve(agent.freezesMs.length > 0));
      agent.onFrozen = () => undefined;
      await jobGone();
    };
    tell(t, `datamover ${what} at the freeze`, await backUpBadly(place, { before, during }));
    t.diagnostic(`frozen for ${agent.freezesMs.join(", ")} ms`);
  });
}

void test("scratch that runs full", async (t) => {
  place.bucket.pace = "hung";
  const settings = { "datamover-scratch-budget-mib": String(BUDGET_MIB) };
  tell(t, "scratch nearly full", await backUpBadly(place, { settings, during: jobGone }));
});

void test("afterwards the guest's kernel has met no error, and no file system is frozen", async () => {
  const errors = await server.guest("dmesg | grep -ciE 'I/O error|blocked for more than' || true");
  assert.equal(errors, "0");
  await server.guest("echo written > /root/afterwards && sync");
});
