import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { type Fault, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { GuardClient, type StartedGuard } from "./client.ts";
import { encodeLine, GUARD_PROTOCOL_VERSION, type GuardSettings } from "./codec.ts";
import { runGuard } from "./loop.ts";

const SETTINGS: GuardSettings = {
  datamover: { pid: 0, startTicks: "0" },
  scratchPath: "/nonexistent",
  reserveBytes: 0,
  budgetBytes: 0,
  intervalMs: 50,
  silenceMs: 1_000,
};
const HELLO = encodeLine({ type: "hello", version: GUARD_PROTOCOL_VERSION, settings: SETTINGS });

interface Running {
  readonly started: StartedGuard;
  readonly events: readonly string[];
  readonly tellToEnd: () => void;
}

function run(): Running {
  const [channel, theirs] = duplexPair();
  const events: string[] = [];
  const write = (line: string): void => void events.push((JSON.parse(line) as { event: string }).event);
  const ending = new AbortController();
  const log = createLog("guard", { write });
  const exited = runGuard({ channel: theirs, clock: systemClock, log, ending: ending.signal });
  const started = { channel, exited, kill: () => theirs.destroy() };
  return { started, events, tellToEnd: () => ending.abort() };
}

void test("a guard whose datamover ends before it says anything ends, too", async () => {
  const { started } = run();
  started.channel.end();
  await started.exited;
});

void test("a guard that is talked to in another language takes it for the datamover's end", async () => {
  const { started, events } = run();
  started.channel.write(`${HELLO}HTTP/1.1 200 OK\n`);
  await started.exited;
  assert.deepEqual(events, ["guard.ready", "guard.channel-unreadable"]);
});

void test("a guard whose datamover has ended does at once what it owes when it is told to end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-loop-"));
  const { started, events, tellToEnd } = run();
  const settings = { ...SETTINGS, scratchPath: folder, silenceMs: 600_000 };
  const reach = { kind: "qemu-folder", monitor: "/no", qemu: { pid: 1, startTicks: "dead" } } as const;
  const point = { instanceId: randomUUID(), snapshotId: randomUUID(), reach };
  started.channel.write(encodeLine({ type: "hello", version: GUARD_PROTOCOL_VERSION, settings }));
  started.channel.end(encodeLine({ type: "watch", point }));
  tellToEnd();
  await started.exited;
  assert.ok(events.includes("guard.point-aborted"), events.join());
  await rm(folder, { recursive: true });
});

void test("a guard of another version is not worked with", async () => {
  const starts: StartedGuard[] = [];
  const start = (): StartedGuard => {
    const [channel, theirs] = duplexPair();
    const gone = Promise.withResolvers<void>();
    theirs.write(encodeLine({ type: "ready", version: GUARD_PROTOCOL_VERSION + 1 }));
    const made = { channel, exited: gone.promise, kill: () => gone.resolve() };
    starts.push(made);
    return made;
  };
  const log = createLog("datamover", { write: () => undefined });
  const client = new GuardClient({ settings: SETTINGS, start, clock: systemClock, log });
  await assert.rejects(client.open(), (cause: Fault) => cause.code === "guard-lost");
  assert.equal(starts.length, 3, "after a few tries");
  await client.close();
});
