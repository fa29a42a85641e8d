import assert from "node:assert/strict";
import { test } from "node:test";
import type { MountInGuest, OrderOutcome, UnmountInGuest } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import type { GuestProgram, GuestRun, Hypervisor } from "../hypervisor/port.ts";
import { mountInGuest, unmountInGuest } from "./mount-in-guest.ts";

const mount: MountInGuest = {
  kind: "mount-in-guest",
  snapshotId: "s1",
  instanceId: "i9",
  disks: [
    { volumeId: "0d2c6c3f-1f0d-4d0b-9e3c-111111111111", folder: "web_i1", device: "vda" },
    { volumeId: "5a1b6c3f-1f0d-4d0b-9e3c-222222222222", folder: "web_i1", device: "vdb" },
  ],
};
const unmount: UnmountInGuest = { kind: "unmount-in-guest", snapshotId: "s1", instanceId: "i9" };
const signal = AbortSignal.timeout(60_000);

/** What carrying out needs, where running a program in the guest gives this. */
function place(run: () => GuestRun) {
  const asked: GuestProgram[] = [];
  const runInGuest = async (_: string, program: GuestProgram): Promise<GuestRun> => {
    asked.push(program);
    return Promise.resolve(run());
  };
  const log = createLog("datamover", { level: "error", write: () => undefined });
  return { context: { hypervisor: { runInGuest } as unknown as Hypervisor, log, signal }, asked };
}

const said = (...lines: readonly string[]): GuestRun => {
  return { kind: "ended", exitCode: 0, output: [...lines, ""].join("\n") };
};

function warningsOf(outcome: OrderOutcome): readonly string[] {
  return outcome.kind === "mounted-in-guest" || outcome.kind === "unmounted-in-guest" ? outcome.warnings : [];
}

void test("what was mounted is told by volume and whole path, what was not as a warning", async () => {
  const { context, asked } = place(() =>
    said(
      "mounted\t0d2c6c3f-1f0d-4d0b-9\text4\tweb_i1/vda1.mnt",
      "problem\t5a1b6c3f-1f0d-4d0b-9\tno file system was found on vdb",
      "done",
    ),
  );
  assert.deepEqual(await mountInGuest(mount, context), {
    kind: "mounted-in-guest",
    folders: [
      {
        volumeId: "0d2c6c3f-1f0d-4d0b-9e3c-111111111111",
        folder: "/mnt/cairn/s1/web_i1/vda1.mnt",
        fileSystem: "ext4",
      },
    ],
    warnings: ["web_i1: no file system was found on vdb"],
  });
  assert.equal(asked.length, 1);
});

for (const [run, words] of [
  [{ kind: "unreachable", because: "the guest agent does not answer" }, /does not answer/],
  [{ kind: "refused", because: "the guest agent does not run it" }, /does not run it/],
  [{ kind: "unfinished", because: "it had not ended after 180 s" }, /had not ended after 180 s/],
  [{ kind: "stopped" }, /instance does not run/],
  [{ kind: "ended", exitCode: 127, output: "" }, /ended early \(exit code 127\)/],
  [said("all is well", "done"), /did not say what it was to say \(exit code 0\)/],
  [said("mounted\t0d2c6c3f-1f0d-4d0b-9\text4\tweb_i1/vda1.mnt"), /ended early/],
] as const) {
  void test(`with a guest that is ${run.kind} there are words, and help: ${words.source}`, async () => {
    const outcome = await mountInGuest(mount, place(() => run).context);
    assert.equal(outcome.kind, "mounted-in-guest");
    const warnings = warningsOf(outcome);
    assert.match(warnings[0] ?? "", words);
    assert.match(warnings.at(-1) ?? "", /by hand.*0d2c6c3f-1f0d-4d0b-9 is vda of web_i1, 5a1b6c3f/);
  });
}

void test("nothing is left to unmount in a guest that does not run, or is not here", async () => {
  const done = { kind: "unmounted-in-guest", warnings: [] };
  assert.deepEqual(await unmountInGuest(unmount, place(() => ({ kind: "stopped" })).context), done);
  const { context } = place(() => {
    throw new Fault("instance-unknown", "looking for instance i9 on this host", "later");
  });
  assert.deepEqual(await unmountInGuest(unmount, context), done);
  assert.deepEqual(await unmountInGuest(unmount, place(() => said("done")).context), done);
});

void test("what could not be unmounted is a warning; a libvirt that is away is not", async () => {
  const busy = said("problem\t-\t/mnt/cairn/s1/web_i1/vda1.mnt was in use", "done");
  assert.deepEqual(warningsOf(await unmountInGuest(unmount, place(() => busy).context)), [
    "/mnt/cairn/s1/web_i1/vda1.mnt was in use",
  ]);
  const silent: GuestRun = { kind: "unreachable", because: "the guest agent does not answer" };
  assert.deepEqual(warningsOf(await unmountInGuest(unmount, place(() => silent).context)), [silent.because]);
  const { context } = place(() => {
    throw new Fault("libvirt-lost", "talking to libvirt", "later");
  });
  await assert.rejects(unmountInGuest(unmount, context), (cause: Fault) => cause.code === "libvirt-lost");
});
