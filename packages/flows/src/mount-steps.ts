import {
  type AttachVolumeStep,
  MOUNT_KEY,
  type MountedCopy,
  type MountedFileSystem,
  type MountedVolumeStep,
  type MountInGuestStep,
  type UnmountInGuestStep,
  untoldGuest,
} from "@cairn/domain";
import { asId, describeFault, Fault, type HostName, type InstanceId, type VolumeId } from "@cairn/kernel";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import { hostToday } from "./instance-place.ts";
import { ATTACHMENT_PAUSE_MS, DETACH_WAIT_MS, VOLUME_WAIT_MS } from "./limits.ts";
import { findInstance } from "./observe-members.ts";
import type { VolumeOutput } from "./restore-volume-steps.ts";
import { expectOutcome } from "./snapshot-steps.ts";
import type { StepContext } from "./step.ts";
import { removeVolume } from "./volume-making.ts";

/** What `mount-in-guest` gives: everything that the mount's row will say. */
export interface MountOutput {
  readonly copies: readonly MountedCopy[];
  readonly fileSystems: readonly MountedFileSystem[];
  /** Empty where the guest has mounted nothing. */
  readonly url: string;
  readonly warnings: readonly string[];
}

/**
 * Attaches a volume through Nova, which then knows of it: a disk that was plugged in behind its back would
 * collide with its names, block migrations and vanish at a hard reboot.
 */
export const attachVolumeStep = defineStep<AttachVolumeStep, VolumeOutput>({
  perform: async (context, { volumeStep, instanceId, instanceName }) => {
    const { volumeId } = context.output(volumeStep) as VolumeOutput;
    await attach(context, { id: asId(instanceId), name: instanceName }, volumeId);
    return { volumeId };
  },
  undo: async (context, { volumeStep, instanceId }) => {
    const { volumeId } = context.output(volumeStep) as VolumeOutput;
    await detachFromInstance(context, asId(instanceId), volumeId);
  },
});

/** Between the first two looks; it doubles from look to look. */
const FIRST_PAUSE_MS = 20;

interface Instance {
  readonly id: InstanceId;
  readonly name: string;
}

/** Nova says yes at once and attaches later; where that fails, it lets go of the volume and says nothing. */
async function attach(context: StepContext, instance: Instance, volumeId: VolumeId): Promise<void> {
  const { cloud, clock, signal } = context;
  const { volumeAttachments } = cloud.nova;
  if ((await volumeAttachments.find(instance.id, volumeId, signal)) === undefined) {
    await volumeAttachments.attach(instance.id, { volumeId }, signal);
  }
  const deadline = clock.now() + VOLUME_WAIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, ATTACHMENT_PAUSE_MS)) {
    const { status } = await cloud.cinder.volumes.get(volumeId, signal);
    if (status === "in-use") return;
    const isAttaching = (await volumeAttachments.find(instance.id, volumeId, signal)) !== undefined;
    if (!isAttaching || clock.now() >= deadline) {
      const what = `attaching volume ${volumeId} to instance ${instance.name} (${instance.id})`;
      const why = isAttaching ? `it is still ${status}` : "Nova gave it up, see its log on the compute node";
      throw new Fault("volume-not-attached", `${what}: ${why}`, "later");
    }
    await clock.sleep(pauseMs, signal);
  }
}

/**
 * Detaches a volume from an instance and waits until Cinder has it back. What is attached no more, or gone,
 * is detached; so is what was attached to an instance that is gone. A guest that will not let go is asked
 * again until the wait is over.
 */
async function detachFromInstance(
  context: StepContext,
  instanceId: InstanceId,
  volumeId: VolumeId,
): Promise<void> {
  const { cloud, clock, signal } = context;
  const { volumeAttachments } = cloud.nova;
  const deadline = clock.now() + DETACH_WAIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, ATTACHMENT_PAUSE_MS)) {
    const attachment = await volumeAttachments.find(instanceId, volumeId, signal);
    const volume = await cloud.cinder.volumes.find(volumeId, signal);
    if (volume === undefined) return;
    if (attachment === undefined && !HELD.includes(volume.status)) return;
    if (attachment !== undefined && volume.status === "in-use") {
      await removed(volumeAttachments.detach(instanceId, volumeId, signal));
    }
    if (attachment === undefined) await releaseOfGone(context, instanceId, volumeId);
    if (clock.now() >= deadline) {
      const what = `detaching volume ${volumeId} from instance ${instanceId}`;
      throw new Fault("volume-not-detached", `${what}: it is still ${volume.status}`, "later");
    }
    await clock.sleep(pauseMs, signal);
  }
}

const HELD = ["in-use", "attaching", "detaching", "reserved"];

/** What Nova has left of an instance's attachments in Cinder, once the instance is gone. */
async function releaseOfGone(
  context: StepContext,
  instanceId: InstanceId,
  volumeId: VolumeId,
): Promise<void> {
  if ((await findInstance(context, instanceId)) !== undefined) return;
  const { attachments } = context.cloud.cinder;
  for (const attachment of await attachments.list({ volumeId }, context.signal)) {
    await removed(attachments.delete(attachment.id, context.signal));
  }
}

/** Has the guest mount what was attached; what it cannot mount is a warning, and stays attached. */
export const mountInGuestStep = defineStep<MountInGuestStep, MountOutput>({
  perform: async (context, { snapshotId, instanceId, instanceName, host, url, disks }) => {
    const copies = disks.map(({ volumeStep, folder, ...disk }) => {
      const { volumeId } = context.output(volumeStep) as VolumeOutput;
      return { folder, copy: { ...disk, volumeId } };
    });
    const today = await hostNow(context, { instanceId, instanceName, host });
    const outcome = await context.order(today, {
      kind: "mount-in-guest",
      snapshotId,
      instanceId,
      disks: copies.map(({ folder, copy: { volumeId, device } }) => ({ volumeId, folder, device })),
    });
    const { folders, warnings } = expectOutcome(outcome, "mounted-in-guest");
    return {
      copies: copies.map(({ copy }) => copy),
      fileSystems: folders.map(({ volumeId, folder, fileSystem }) => ({
        volumeId,
        path: folder,
        fileSystem,
      })),
      url: folders.length === 0 ? "" : url,
      warnings,
    };
  },
  undo: async (context, parameters) => {
    await unmount(context, parameters);
  },
});

/** Has the guest unmount everything of the snapshot. A guest that cannot be told is a warning. */
export const unmountInGuestStep = defineStep<UnmountInGuestStep, { readonly warnings: readonly string[] }>({
  perform: async (context, parameters) => ({ warnings: await unmount(context, parameters) }),
});

/**
 * The copies are thrown away, so nothing is lost when the guest, or the datamover beside it, gives no answer:
 * the disks are taken all the same. Gives the warnings.
 */
async function unmount(context: StepContext, parameters: UnmountInGuestStep): Promise<readonly string[]> {
  const { snapshotId, instanceId, instanceName } = parameters;
  const server = await findInstance(context, instanceId);
  // A guest that does not run has mounted nothing.
  if (server?.status !== "ACTIVE") return [];
  try {
    const today = await hostNow(context, parameters);
    const outcome = await context.order(today, { kind: "unmount-in-guest", snapshotId, instanceId });
    return expectOutcome(outcome, "unmounted-in-guest").warnings;
  } catch (fault) {
    context.signal.throwIfAborted();
    if (!(fault instanceof Fault)) throw fault;
    context.log.warn("flow.unmount-failed", { instance: instanceId, fault: describeFault(fault) });
    return [untoldGuest(instanceName, `it gave no answer (${describeFault(fault)})`)];
  }
}

/** The host on which the instance is, if it has moved since the plan. */
async function hostNow(context: StepContext, place: Parameters<typeof hostToday>[1]): Promise<HostName> {
  return (await hostToday(context, place)) ?? asId(place.host);
}

/** Detaches a copy that a mount left attached. Nothing brings it back: asking again goes on where it was. */
export const detachCopyStep = defineStep<MountedVolumeStep, null>({
  perform: async (context, { snapshotId, instanceId, volumeId }) => {
    if (await isCopy(context, asId(volumeId), snapshotId)) {
      await detachFromInstance(context, asId(instanceId), asId(volumeId));
    }
    return null;
  },
});

/** Deletes a copy. */
export const deleteCopyStep = defineStep<MountedVolumeStep, null>({
  perform: async (context, { snapshotId, volumeId }) => {
    if (await isCopy(context, asId(volumeId), snapshotId)) await removeVolume(context, asId(volumeId));
    return null;
  },
});

/** Whether the volume is there and is a copy of this snapshot's: no other is ever touched. */
async function isCopy({ cloud, signal }: StepContext, id: VolumeId, snapshotId: string): Promise<boolean> {
  return (await cloud.cinder.volumes.find(id, signal))?.metadata[MOUNT_KEY] === snapshotId;
}
