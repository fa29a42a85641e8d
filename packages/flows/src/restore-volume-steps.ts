import { type CreateVolumeStep, RUN_MARK_KEY, runMark, type WriteVolumeStep } from "@cairn/domain";
import { asId, assert, describeFault, Fault, hasCode, type VolumeId } from "@cairn/kernel";
import type { Attachment, JsonObject, Volume } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import { VOLUME_WAIT_MS } from "./limits.ts";
import { repositoryOfSnapshot } from "./restore-source.ts";
import { expectOutcome } from "./snapshot-steps.ts";
import type { StepContext } from "./step.ts";

/** What `create-volume` gives. */
export interface VolumeOutput {
  readonly volumeId: VolumeId;
}

/** What the steps that write disks give. */
export interface WriteOutput {
  readonly sizeBytes: number;
  readonly writtenBytes: number;
}

/** Makes a volume, marked in its metadata until the restore is finished, so that it is found again. */
export const createVolumeStep = defineStep<CreateVolumeStep, VolumeOutput>({
  perform: async (context, parameters) => {
    const { cloud, signal } = context;
    const { name, description, sizeGiB, volumeType, availabilityZone } = parameters;
    const found =
      (await findMarkedVolume(context, name)) ??
      (await cloud.cinder.volumes.create(
        {
          name,
          sizeGiB,
          ...(description === null ? {} : { description }),
          ...(volumeType === null ? {} : { volumeType }),
          ...(availabilityZone === null ? {} : { availabilityZone }),
          metadata: { ...parameters.metadata, [RUN_MARK_KEY]: markOf(context) },
        },
        signal,
      ));
    await whenMade(context, parameters, found.id);
    return { volumeId: found.id };
  },
  undo: async (context, { name }, output) => {
    const { cloud, signal } = context;
    const { volumes } = cloud.cinder;
    const volumeId = output?.volumeId ?? (await findMarkedVolume(context, name))?.id;
    if (volumeId === undefined) return;
    const limit = { withinMs: VOLUME_WAIT_MS, signal };
    // The instance that used it is being deleted by now; Cinder deletes no volume that is in use.
    if (isBusy(await volumes.find(volumeId, signal))) await released(context, volumeId);
    await removed(volumes.delete(volumeId, signal));
    await volumes.waitFor(volumeId, "absent", limit);
  },
});

/**
 * Waits for a new volume. Of one that cannot be made, Cinder tells the reason elsewhere than in its status.
 */
async function whenMade(context: StepContext, parameters: CreateVolumeStep, id: VolumeId): Promise<void> {
  const { cinder } = context.cloud;
  const { signal } = context;
  try {
    await cinder.volumes.waitFor(id, "available", { withinMs: VOLUME_WAIT_MS, signal });
  } catch (cause) {
    if (!hasCode(cause, "openstack-broken")) throw cause;
    const said = await cinder.messages.list(id, signal).catch((fault: unknown) => {
      context.log.info("flow.no-message", { volume: id, fault: describeFault(fault) });
      return [];
    });
    const { name, sizeGiB, volumeType } = parameters;
    const which = `volume ${name} of ${sizeGiB} GiB and type ${volumeType ?? "default"}`;
    const why = said[0] === undefined ? "Cinder gives no reason" : `Cinder says "${said[0].text}"`;
    const remedy = "choose another volume type, or have its storage looked at";
    throw new Fault("volume-not-made", `making ${which}: ${why}; ${remedy}`, "after-operator", cause);
  }
}

/** The mark of what this step makes. */
export function markOf(context: StepContext): string {
  return runMark(context.run.id, context.step.key);
}

async function findMarkedVolume(context: StepContext, name: string): Promise<Volume | undefined> {
  const mark = markOf(context);
  const candidates = await context.cloud.cinder.volumes.list(name === "" ? {} : { name }, context.signal);
  return candidates.find((volume) => volume.metadata[RUN_MARK_KEY] === mark);
}

function isBusy(volume: Volume | undefined): boolean {
  return (
    volume !== undefined &&
    ["in-use", "detaching", "attaching", "reserved", "creating"].includes(volume.status)
  );
}

/**
 * A volume that goes away together with its instance, or that is broken, ends the wait as well: it can go.
 */
async function released(context: StepContext, id: VolumeId): Promise<void> {
  const { cloud, signal } = context;
  try {
    await cloud.cinder.volumes.waitFor(id, "available", { withinMs: VOLUME_WAIT_MS, signal });
  } catch (cause) {
    const volume = await cloud.cinder.volumes.find(id, signal);
    if (volume !== undefined && volume.status !== "error") throw cause;
  }
}

/**
 * Connects the volume to a datamover's host, has it written and disconnects it. An attachment that is there
 * already is the one of an earlier try: nobody else knows of the volume.
 */
export const writeVolumeStep = defineStep<WriteVolumeStep, WriteOutput>({
  perform: async (context, parameters) => {
    const { cloud, signal } = context;
    const { volumeId } = context.output(parameters.volumeStep) as VolumeOutput;
    const attachment = await ensureAttachment(context, volumeId, parameters.host);
    const written = await writeAttached(context, parameters, attachment);
    await removed(cloud.cinder.attachments.delete(attachment.id, signal));
    await cloud.cinder.volumes.waitFor(volumeId, "available", { withinMs: VOLUME_WAIT_MS, signal });
    if (parameters.isBootable) await cloud.cinder.volumes.setBootable(volumeId, true, signal);
    if (Object.keys(parameters.imageMetadata).length > 0) {
      await cloud.cinder.volumes.setImageMetadata(volumeId, parameters.imageMetadata, signal);
    }
    return written;
  },
  undo: async (context, { volumeStep }) => {
    const { cloud, signal } = context;
    const { volumeId } = context.output(volumeStep) as VolumeOutput;
    if ((await cloud.cinder.volumes.find(volumeId, signal)) === undefined) return;
    for (const attachment of await cloud.cinder.attachments.list({ volumeId }, signal)) {
      await removed(cloud.cinder.attachments.delete(attachment.id, signal));
    }
  },
});

async function ensureAttachment(context: StepContext, volumeId: VolumeId, host: string): Promise<Attachment> {
  const { cloud, signal, run } = context;
  const { restoreId } = run.subject;
  assert(restoreId !== undefined, "a restore run names its restore");
  const connector = connectorOf(host);
  const [listed] = await cloud.cinder.attachments.list({ volumeId }, signal);
  // A list shows no connection; only the attachment itself does.
  const found = listed === undefined ? undefined : await cloud.cinder.attachments.find(listed.id, signal);
  const attachment =
    found === undefined
      ? await cloud.cinder.attachments.create(
          { volumeId, instanceId: restoreId, connector, mode: "rw" },
          signal,
        )
      : found.connectionInfo === undefined
        ? await cloud.cinder.attachments.update(found.id, connector, signal)
        : found;
  if (attachment.status === "attaching") await cloud.cinder.attachments.complete(attachment.id, signal);
  return attachment;
}

/** What os-brick would say of the host: the least that drivers of shared files look at. */
function connectorOf(host: string): JsonObject {
  return { host, platform: "x86_64", os_type: "linux", multipath: false, do_local_attach: false };
}

async function writeAttached(
  context: StepContext,
  { host, disk }: WriteVolumeStep,
  attachment: Attachment,
): Promise<WriteOutput> {
  const { restoreId } = context.run.subject;
  if (attachment.connectionInfo === undefined || restoreId === undefined) {
    throw new Fault("no-connection", `connecting volume ${attachment.volumeId} to host ${host}`, "later");
  }
  const { diskId, root, sizeBytes } = disk;
  const outcome = await context.order(
    asId(host),
    {
      kind: "write-disk",
      restoreId,
      diskId,
      root,
      sizeBytes,
      destination: {
        kind: "attached",
        volumeId: attachment.volumeId,
        connectionInfo: attachment.connectionInfo,
      },
      // A fresh volume reads as zeroes nowhere for certain: thick storage may show what was there before.
      mode: "whole",
    },
    await repositoryOfSnapshot(context),
  );
  return { sizeBytes, writtenBytes: expectOutcome(outcome, "written").writtenBytes };
}
