import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainEvent } from "@cairn/libvirt";
import { breaks } from "./breaks.ts";

const domain = { name: "i", uuid: "u", id: 1 };
const lifecycle = (event: string, detail = 0): DomainEvent =>
  ({ kind: "lifecycle", domain, event, detail }) as DomainEvent;
const failed = (action: "none" | "pause" | "report"): DomainEvent => ({
  kind: "ioErrorReason",
  domain,
  path: "",
  alias: "",
  action,
  reason: "enospc",
});

const cases: readonly [string, DomainEvent, string | undefined][] = [
  ["QEMU ended", lifecycle("stopped"), "qemu-died"],
  ["the guest crashed", lifecycle("crashed"), "qemu-died"],
  ["the guest powers itself off", lifecycle("shutdown"), "qemu-died"],
  ["a user pauses it", lifecycle("suspended", 0), undefined],
  ["QEMU paused it for a failed write", lifecycle("suspended", 2), "guest-paused"],
  ["it runs on", lifecycle("resumed"), undefined],
  ["it is described anew", lifecycle("defined"), undefined],
  ["a write failed and it was paused", failed("pause"), "guest-paused"],
  ["a write failed and it was told", failed("report"), undefined],
  ["the job ended", { kind: "jobCompleted", domain, parameters: new Map() }, "point-lost"],
  [
    "scratch fills up",
    { kind: "blockThreshold", domain, device: "vda[7]", thresholdBytes: 1, excessBytes: 1 },
    "scratch-full",
  ],
  ["the agent went away", { kind: "agentLifecycle", domain, connected: false }, undefined],
  ["one disk's job ended", { kind: "blockJob2", domain, device: "vda", jobType: 5, status: 2 }, undefined],
];
for (const [what, event, code] of cases) {
  void test(`${what}: the point ${code === undefined ? "goes on" : `breaks with ${code}`}`, () => {
    assert.equal(breaks(event)?.code, code);
  });
}
