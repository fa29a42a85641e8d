import { UNATTACHABLE_CODES } from "@cairn/contract";
import { findDatamover } from "@cairn/database";
import type { CreateVolumeStep, WriteVolumeStep } from "@cairn/domain";
import { asId, describeFault, Fault, hasCode, type VolumeId } from "@cairn/kernel";
import type { Attachment, JsonObject } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import { VOLUME_WAIT_MS } from "./limits.ts";
import { listLiveDatamovers } from "./observe-members.ts";
import { repositoryOfSnapshot, writingId } from "./restore-source.ts";
import { expectOutcome } from "./snapshot-steps.ts";
import type { StepContext } from "./step.ts";
import { ensureVolume, findMarkedVolume, removeVolume } from "./volume-making.ts";

/** What `create-volume` gives. */
export interface VolumeOutput {
  readonly volumeId: VolumeId;
}

/** What the steps that write disks give. */
export interface WriteOutput {
  readonly sizeBytes: number;
  readonly writtenBytes: number;
}

/** What `write-volume` gives: nothing was written where the volume could not be had as a disk. */
export interface WriteVolumeOutput extends WriteOutput {
  readonly refusal?: AttachRefusal;
}

/** Why no host could attach a volume, and what it takes to make another one in its place. */
export interface AttachRefusal {
  readonly why: string;
  readonly isEncrypted: boolean;
}

/** Makes a volume, marked in its metadata until the restore is finished, so that it is found again. */
export const createVolumeStep = defineStep<CreateVolumeStep, VolumeOutput>({
  perform: async (context, parameters) => ({ volumeId: await ensureVolume(context, parameters) }),
  undo: async (context, { name }, output) => {
    const volumeId = output?.volumeId ?? (await findMarkedVolume(context, name))?.id;
    if (volumeId !== undefined) await removeVolume(context, volumeId);
  },
});

/**
 * Connects the volume to a datamover's host, has it written and disconnects it. An attachment that is there
 * already is the one of an earlier try: nobody else knows of the volume. Where no host can have it, that is
 * no failure but the output: the next step takes another way.
 */
export const writeVolumeStep = defineStep<WriteVolumeStep, WriteVolumeOutput>({
  perform: async (context, parameters) => {
    const { volumeStep, isBootable, imageMetadata } = parameters;
    const { cloud, signal } = context;
    const { volumeId } = context.output(volumeStep) as VolumeOutput;
    const written = await writeOrRefuse(context, parameters, volumeId);
    await detach(context, volumeId);
    await cloud.cinder.volumes.waitFor(volumeId, "available", { withinMs: VOLUME_WAIT_MS, signal });
    if (written.refusal !== undefined) return written;
    if (isBootable) await cloud.cinder.volumes.setBootable(volumeId, true, signal);
    if (Object.keys(imageMetadata).length > 0) {
      await cloud.cinder.volumes.setImageMetadata(volumeId, imageMetadata, signal);
    }
    return written;
  },
  undo: async (context, { volumeStep }) => {
    const { volumeId } = context.output(volumeStep) as VolumeOutput;
    if ((await context.cloud.cinder.volumes.find(volumeId, context.signal)) === undefined) return;
    await detach(context, volumeId);
  },
});

async function writeOrRefuse(
  context: StepContext,
  parameters: WriteVolumeStep,
  volumeId: VolumeId,
): Promise<WriteVolumeOutput> {
  try {
    const attachment = await ensureAttachment(context, volumeId, parameters.host);
    return await writeAttached(context, parameters, attachment);
  } catch (cause) {
    if (!isRefusal(context, cause) || parameters.byImageStep === undefined) throw cause;
    const why = describeFault(cause);
    context.log.warn("flow.volume-unattachable", { volume: volumeId, host: parameters.host, why });
    const other = hasCode(cause, "os-brick-missing")
      ? await hostWithOsBrick(context, parameters.host)
      : undefined;
    if (other === undefined) {
      const { isEncrypted } = await context.cloud.cinder.volumes.get(volumeId, context.signal);
      return { sizeBytes: 0, writtenBytes: 0, refusal: { why, isEncrypted } };
    }
    await detach(context, volumeId);
    return writeOrRefuse(context, { ...parameters, host: other }, volumeId);
  }
}

/** The first host, in order, that has what `lacking` lacks; none for one that says it has it. */
async function hostWithOsBrick(context: StepContext, lacking: string): Promise<string | undefined> {
  const live = await listLiveDatamovers(context);
  const having = live.find(({ connector }) => connector !== null)?.host;
  const isOurs = live.find(({ host }) => host === lacking)?.connector !== null;
  return isOurs ? undefined : having;
}

/**
 * Cinder had no connection for the host (`connection-refused`), or the host could do nothing with it. What
 * may pass, an exception in Cinder's driver or a portal that did not answer, is first tried again: the other
 * way is a long one.
 */
function isRefusal({ step }: StepContext, cause: unknown): boolean {
  if (PASSING_CODES.some((code) => hasCode(cause, code))) return step.attempt >= ATTEMPTS_BEFORE_REFUSED;
  return [CONNECTION_REFUSED, ...UNATTACHABLE_CODES].some((code) => hasCode(cause, code));
}

const CONNECTION_REFUSED = "connection-refused";
const CONNECTION_FAILED = "connection-failed";
const PASSING_CODES = [CONNECTION_FAILED, "attachment-failed"];
const ATTEMPTS_BEFORE_REFUSED = 3;

async function detach({ cloud, signal }: StepContext, volumeId: VolumeId): Promise<void> {
  for (const attachment of await cloud.cinder.attachments.list({ volumeId }, signal)) {
    await removed(cloud.cinder.attachments.delete(attachment.id, signal));
  }
}

async function ensureAttachment(context: StepContext, volumeId: VolumeId, host: string): Promise<Attachment> {
  const { cloud, signal } = context;
  const [listed] = await cloud.cinder.attachments.list({ volumeId }, signal);
  // A list shows no connection; only the attachment itself does.
  const found = listed === undefined ? undefined : await cloud.cinder.attachments.find(listed.id, signal);
  const attachment =
    found?.connectionInfo === undefined ? await connect(context, { volumeId, host, found }) : found;
  if (attachment.status === "attaching") await cloud.cinder.attachments.complete(attachment.id, signal);
  return attachment;
}

interface Wanted {
  readonly volumeId: VolumeId;
  readonly host: string;
  /** A reservation of an earlier try. */
  readonly found: Attachment | undefined;
}

async function connect(context: StepContext, { volumeId, host, found }: Wanted): Promise<Attachment> {
  const { cloud, signal, run } = context;
  const { attachments } = cloud.cinder;
  const connector = await connectorOf(context, host);
  try {
    if (found !== undefined) return await attachments.update(found.id, connector, signal);
    return await attachments.create({ volumeId, instanceId: writingId(run), connector, mode: "rw" }, signal);
  } catch (cause) {
    const what = `connecting volume ${volumeId} to host ${host}`;
    // What comes out of a driver is 500 (cinder/api/v3/attachments.py: "Unable to create attachment for
    // volume"), a connector that it refuses and a storage that is away alike; newer releases say 400.
    if (hasCode(cause, "openstack-bad-request")) throw new Fault(CONNECTION_REFUSED, what, "never", cause);
    if (!hasCode(cause, "openstack-failed")) throw cause;
    // The attachment is there all the same, in an error, and would be in the way of the next attempt.
    await detach(context, volumeId);
    throw new Fault(CONNECTION_FAILED, what, "later", cause);
  }
}

/**
 * What os-brick says of the host, or the least that drivers of shared files look at. `host` is Nova's name of
 * it in any case: drivers know a host by it, and another name for the same initiator would be another host.
 */
async function connectorOf({ database }: StepContext, host: string): Promise<JsonObject> {
  const said = await findDatamover(database.handle, asId(host));
  const least = { platform: "x86_64", os_type: "linux", multipath: false, do_local_attach: false };
  return { ...least, ...(said?.connector as JsonObject | undefined), host };
}

async function writeAttached(
  context: StepContext,
  { host, disk }: WriteVolumeStep,
  attachment: Attachment,
): Promise<WriteOutput> {
  if (attachment.connectionInfo === undefined) {
    throw new Fault("no-connection", `connecting volume ${attachment.volumeId} to host ${host}`, "later");
  }
  const { diskId, root, sizeBytes } = disk;
  const outcome = await context.order(
    asId(host),
    {
      kind: "write-disk",
      restoreId: writingId(context.run),
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
