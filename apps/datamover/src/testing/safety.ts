import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import type { TestContext } from "node:test";
import type { OrderOutcome } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { connectLibvirt, type LibvirtClient } from "@cairn/libvirt";
import { findGuards } from "../guard/launch.ts";
import { FROZEN_MAX_MS } from "../hypervisor/libvirt/freeze-note.ts";
import { protectOrder, type TestGuest } from "./bench-of-orders.ts";
import { DatamoverProcess } from "./datamover-process.ts";
import { FakeDatamoverApi } from "./fake-datamover-api.ts";
import type { ScriptedAgent } from "./scripted-agent.ts";
import type { SlowBucket } from "./slow-bucket.ts";

/** How long a guest's writes took, in milliseconds. */
export interface WriteTimes {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A guest that writes all the time, under the eyes of a test. */
export interface SafetyGuest extends Pick<TestGuest, "id" | "disks"> {
  /** How long its writes take while this is done. */
  timesDuring(work: () => Promise<void>): Promise<WriteTimes>;
}

/** A host with such a guest, and a backup target whose pace the test sets. */
export interface SafetyPlace {
  readonly folder: string;
  readonly scratchFolder: string;
  readonly sandboxFolder: string;
  readonly agent: ScriptedAgent;
  readonly client: LibvirtClient;
  readonly bucket: SlowBucket;
  readonly guest: SafetyGuest;
}

/** What goes wrong, and for how long it is looked at. */
export interface Mishap {
  readonly settings?: Readonly<Record<string, string>>;
  /** Called before the order is given. */
  readonly before?: (datamover: DatamoverProcess) => void;
  /** Called when the point is taken. */
  readonly during?: (datamover: DatamoverProcess) => Promise<void>;
}

const PATIENT_MS = 60_000;

/**
 * Backs the guest up while it writes and something goes wrong. No guest is paused, each is told to thaw
 * within the deadline, and nothing of the point is left when the order is over.
 */
export async function backUpBadly(place: SafetyPlace, mishap: Mishap): Promise<WriteTimes> {
  const { agent, client, guest } = place;
  using watching = await connectLibvirt({ ...agent.place, timeoutMs: PATIENT_MS });
  const errors = await watchGuest(watching, guest.id);
  agent.asked.length = 0;
  await using api = await FakeDatamoverApi.open();
  api.leaseMs = 120_000;
  const repository = await place.bucket.repository();
  const settings = {
    "datamover-hypervisor": "libvirt",
    "datamover-libvirt-socket": agent.place.socket,
    "datamover-libvirt-uri": agent.place.uri,
    "datamover-guard-silence-ms": "1500",
    "datamover-scratch-reserve-mib": "16",
    ...mishap.settings,
  };
  await using datamover = await DatamoverProcess.start(place, api, settings);
  mishap.before?.(datamover);
  const times = await guest.timesDuring(async () => {
    const id = api.add(protectOrder(guest), repository);
    await until(async () => agent.asked.some(({ what }) => what === "backup-begin" || what === "thawed"));
    await mishap.during?.(datamover);
    await letGo(api, id, datamover);
  });
  await until(async () => (await findGuards(place.scratchFolder)).length === 0);
  assert.deepEqual(errors, []);
  for (const askedMs of agent.thawsAskedMs)
    assert.ok(askedMs <= FROZEN_MAX_MS, `a thaw was asked for after ${String(askedMs)} ms`);
  await until(async () => Promise.resolve(!agent.isFrozen));
  const domain = await client.findDomain(guest.id);
  assert.ok(domain !== undefined);
  await until(async () => !(await client.hasJob(domain)));
  assert.equal((await client.domainState(domain)).state, "running");
  await until(async () => (await readdir(place.scratchFolder)).every((name) => !name.startsWith("p-")));
  return times;
}

/** Ends the order, and the datamover, whatever state it is in. */
async function letGo(api: FakeDatamoverApi, id: string, datamover: DatamoverProcess): Promise<void> {
  api.answerWith(id, "cancelled");
  datamover.pause("SIGCONT");
  const over: Promise<OrderOutcome | number | null> = Promise.race([api.outcome(id), datamover.exited]);
  await over;
  await datamover.kill("SIGTERM");
}

/** What a guest must never meet. */
async function watchGuest(client: LibvirtClient, id: string): Promise<readonly string[]> {
  const seen: string[] = [];
  const domain = await client.findDomain(id);
  assert.ok(domain !== undefined);
  for (const kind of ["lifecycle", "ioErrorReason"] as const) await client.register(kind, domain);
  client.listen((event) => {
    if (event.domain.uuid !== id) return;
    if (event.kind === "ioErrorReason") seen.push(`I/O error: ${event.reason}`);
    if (event.kind === "lifecycle" && event.event === "suspended") seen.push("paused");
  });
  return seen;
}

/** Tells how a guest's writes were, beside those without a backup. */
export function tell(t: TestContext, what: string, times: WriteTimes): void {
  const { count, p50Ms, p99Ms } = times;
  t.diagnostic(`${what}: ${count} writes, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`);
}

/** Waits for a state of the host. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = systemClock.now() + PATIENT_MS;
  while (!(await isSo())) {
    if (systemClock.now() > untilMs) throw new Error("what was waited for did not come");
    await systemClock.sleep(20);
  }
}
