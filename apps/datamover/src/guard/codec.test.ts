import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeFromGuard,
  decodeToGuard,
  encodeLine,
  type FromGuard,
  GuardProtocolFault,
  LineCutter,
  type ToGuard,
} from "./codec.ts";

const place = { socket: "/run/libvirt/libvirt-sock", uri: "qemu:///system" };
const ids = { instanceId: "11111111-aaaa", snapshotId: "22222222-bbbb" };
const qemu = { kind: "qemu-folder", monitor: "/m", qemu: { pid: 1, startTicks: "2" } } as const;
const settings = {
  datamover: { pid: 0, startTicks: "0" },
  scratchPath: "/s",
  reserveBytes: 1,
  budgetBytes: 0,
  intervalMs: 250,
  silenceMs: 10_000,
};

const toGuard: readonly ToGuard[] = [
  { type: "hello", version: 1, settings },
  { type: "alive" },
  { type: "watch", point: { ...ids, reach: qemu } },
  { type: "watch", point: { ...ids, reach: { kind: "libvirt", place, wasPaused: true } } },
  { type: "confirm", id: "p-1-2" },
  { type: "thresholds", id: "p-1-2", devices: ["vda[3]"] },
  { type: "readers", id: "p-1-2", open: 2 },
  { type: "release", id: "p-1-2" },
  { type: "freeze", freeze: { instanceId: ids.instanceId, place, withinMs: 5000 } },
  { type: "thawed", id: ids.instanceId },
];
const fromGuard: readonly FromGuard[] = [
  { type: "ready", version: 1 },
  { type: "alive" },
  { type: "watched", id: "p" },
  { type: "confirmed", id: "p" },
  { type: "released", id: "p" },
  { type: "freeze-watched", id: "p" },
  { type: "given-up", id: "p", because: { kind: "reserve", freeBytes: 1, reserveBytes: 2 } },
  { type: "given-up", id: "p", because: { kind: "budget", usedBytes: 3, budgetBytes: 2 } },
  { type: "given-up", id: "p", because: { kind: "threshold", device: "vda[3]" } },
  { type: "given-up", id: "p", because: { kind: "unusable", why: "EIO" } },
  { type: "given-up", id: "p", because: { kind: "silence", silentMs: 10_000 } },
  { type: "aborted", id: "p", resumed: true },
  { type: "abort-failed", id: "p", why: "no monitor" },
  { type: "thaw-known", id: "p", by: "guard" },
];

void test("each message is one line and comes back as it was", () => {
  for (const message of toGuard) assert.deepEqual(decodeToGuard(encodeLine(message).trimEnd()), message);
  for (const message of fromGuard) assert.deepEqual(decodeFromGuard(encodeLine(message).trimEnd()), message);
});

const wrong: readonly string[] = [
  "",
  "hello",
  "[]",
  '{"type":"shutdown"}',
  '{"type":"watch","point":{}}',
  '{"type":"release"}',
  '{"type":"thresholds","id":"p"}',
  '{"type":"readers","id":"p"}',
  '{"type":"hello","version":"1"}',
  JSON.stringify({ type: "watch", point: { ...ids, snapshotId: "../../etc", reach: qemu } }),
  JSON.stringify({ type: "watch", point: { ...ids, instanceId: "short", reach: qemu } }),
  JSON.stringify({ type: "watch", point: { ...ids, reach: { kind: "xen" } } }),
];
for (const line of wrong) {
  void test(`a line that is no message is a protocol fault: ${line}`, () => {
    assert.throws(() => decodeToGuard(line), GuardProtocolFault);
    assert.throws(() => decodeFromGuard(line), GuardProtocolFault);
  });
}

void test("lines come out whole wherever the text is cut, and one without an end is refused", () => {
  const text = '{"type":"alive"}\n{"type":"alive"}\n';
  for (let at = 0; at <= text.length; at += 1) {
    const cutter = new LineCutter();
    const lines = [...cutter.cut(text.slice(0, at)), ...cutter.cut(text.slice(at))];
    assert.deepEqual(lines, ['{"type":"alive"}', '{"type":"alive"}']);
  }
  assert.throws(() => new LineCutter().cut("x".repeat(70_000)), GuardProtocolFault);
});
