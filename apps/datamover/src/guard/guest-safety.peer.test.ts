import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { KiB, MiB, systemClock } from "@cairn/kernel";
import { FROZEN_MAX_MS } from "../hypervisor/libvirt/freeze-note.ts";
import type { DatamoverProcess } from "../testing/datamover-process.ts";
import { LibvirtNode, type TestDomain } from "../testing/libvirt-node.ts";
import {
  backUpBadly,
  type SafetyGuest,
  type SafetyPlace,
  tell,
  until,
  type WriteTimes,
} from "../testing/safety.ts";
import { ScriptedAgent } from "../testing/scripted-agent.ts";
import { SlowBucket } from "../testing/slow-bucket.ts";

/*
 * Whatever becomes of a backup, its guest goes on. A guest that writes as fast as it can, on a libvirtd of
 * its own; its agent is played. The same on a real Nova is `hypervisor/libvirt/guest-safety.cloud.test.ts`.
 */

const DISKS = [
  { device: "vda", format: "qcow2", sizeBytes: 48 * MiB },
  { device: "vdb", format: "raw", sizeBytes: 48 * MiB, volumeId: "volume-b" },
] as const;
const LOOK_MS = 2_000;
/** A guest's driver gives a disk 30 s and more; a write that takes this long is felt by people. */
const WRITE_MS_MAX = 2_000;
const BUDGET_MIB = 8;

let node: LibvirtNode;
let place: SafetyPlace;

before(async () => {
  node = await LibvirtNode.open();
  const agent = await ScriptedAgent.open(join(node.folder, "agent.sock"), {
    daemon: node.place,
    isReal: false,
  });
  const domain = await node.boot(DISKS);
  for (const { device, sizeBytes } of DISKS) await domain.write(device, 0, randomBytes(sizeBytes));
  await node.client.resumeDomain(domain.domain);
  const bucket = await SlowBucket.open();
  const { folder, sandboxFolder, scratchFolder } = node;
  const guest = writing(domain);
  place = { folder, sandboxFolder, scratchFolder, agent, client: node.client, bucket, guest };
});

after(async () => {
  await place.bucket[Symbol.asyncDispose]();
  await place.agent[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

/** Writes through the guest's devices, below file systems: frozen ones do not hold these writes up. */
function writing(domain: TestDomain): SafetyGuest {
  return {
    id: domain.id,
    disks: domain.disks,
    timesDuring: async (work) => {
      const over = new AbortController();
      const done = work().finally(() => {
        over.abort();
      });
      const timesMs: number[] = [];
      while (!over.signal.aborted) {
        const { device } = DISKS[timesMs.length % 2] ?? DISKS[0];
        const offset = (randomBytes(2).readUInt16BE() % 768) * 64 * KiB;
        const startedAt = performance.now();
        await domain.io(device, `write -P 7 ${String(offset)} 64k`);
        timesMs.push(performance.now() - startedAt);
      }
      await done;
      return summary(timesMs);
    },
  };
}

function summary(timesMs: readonly number[]): WriteTimes {
  const sorted = timesMs.toSorted((one, two) => one - two);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function look(): Promise<void> {
  const untilMs = systemClock.now() + LOOK_MS;
  await until(async () => Promise.resolve(systemClock.now() >= untilMs));
}

/** Until the guard, or the datamover, has ended the job. */
async function jobGone(): Promise<void> {
  const domain = await place.client.findDomain(place.guest.id);
  assert.ok(domain !== undefined);
  await until(async () => !(await place.client.hasJob(domain)));
}

void test("without a backup, for comparison", async (t) => {
  tell(t, "no backup", await place.guest.timesDuring(look));
});

void test("a target that takes all at once", async (t) => {
  place.bucket.pace = "free";
  tell(t, "backup", await backUpBadly(place, { during: look }));
});

void test("a target that takes 1 MB a second slows no guest down", async (t) => {
  place.bucket.pace = { bytesPerS: 1_000_000 };
  const times = await backUpBadly(place, { during: look });
  tell(t, "target at 1 MB/s", times);
  assert.ok(times.p99Ms < WRITE_MS_MAX);
});

void test("a target that hangs holds up no guest", async (t) => {
  place.bucket.pace = "hung";
  const times = await backUpBadly(place, { during: look });
  tell(t, "target hung", times);
  assert.ok(times.p99Ms < WRITE_MS_MAX);
});

void test("a datamover that is stopped while it reads loses its point, not its guest", async (t) => {
  place.bucket.pace = "hung";
  const during = async (datamover: DatamoverProcess): Promise<void> => {
    datamover.pause("SIGSTOP");
    await jobGone();
  };
  tell(t, "datamover stopped", await backUpBadly(place, { during }));
});

void test("a datamover that is stopped amid answers loses its point, not its guest", async (t) => {
  place.bucket.pace = "free";
  const during = async (datamover: DatamoverProcess): Promise<void> => {
    const begun = await datamover.readBytes();
    await until(async () => (await datamover.readBytes()) > begun + 4 * MiB);
    datamover.pause("SIGSTOP");
    await jobGone();
  };
  tell(t, "datamover stopped at full speed", await backUpBadly(place, { during }));
});

void test("a datamover that is killed while it reads loses its point, not its guest", async (t) => {
  place.bucket.pace = "hung";
  const during = async (datamover: DatamoverProcess): Promise<void> => {
    await datamover.kill("SIGKILL");
    await jobGone();
  };
  tell(t, "datamover killed", await backUpBadly(place, { during }));
});

void test("scratch that runs full ends the point before a write of the guest fails", async (t) => {
  place.bucket.pace = "hung";
  const settings = { "datamover-scratch-budget-mib": String(BUDGET_MIB) };
  tell(t, "scratch nearly full", await backUpBadly(place, { settings, during: jobGone }));
});

for (const [what, how] of [
  ["stopped", (datamover: DatamoverProcess) => datamover.pause("SIGSTOP")],
  ["killed", (datamover: DatamoverProcess) => void datamover.kill("SIGKILL")],
] as const) {
  void test(`a guest whose datamover is ${what} while it is frozen is thawed by the guard`, async (t) => {
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
    for (const frozenMs of agent.freezesMs) assert.ok(frozenMs <= FROZEN_MAX_MS);
  });
}
