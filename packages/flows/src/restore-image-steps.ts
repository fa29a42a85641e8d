import { type ImageAccess, type OrderOutcome, sealImageAccess } from "@cairn/contract";
import type { WriteByImageStep } from "@cairn/domain";
import { asId, assert, Fault, GiB, hasCode, type VolumeId } from "@cairn/kernel";
import type { Image, Volume } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import { IMAGE_COPY_WAIT_MS, IMAGE_WAIT_MS } from "./limits.ts";
import { repositoryOfSnapshot, writingId } from "./restore-source.ts";
import type { AttachRefusal, VolumeOutput, WriteOutput, WriteVolumeOutput } from "./restore-volume-steps.ts";
import { expectOutcome } from "./snapshot-steps.ts";
import type { StepContext } from "./step.ts";
import { ensureVolume, findMarkedVolume, markOf, removeVolume } from "./volume-making.ts";

/** What `write-by-image` gives: the volume that holds the disk, by whichever way it was written. */
export interface WriteByImageOutput extends WriteOutput, VolumeOutput {
  readonly warnings: readonly string[];
}

/**
 * The way of a disk whose volume no host can have: a datamover streams it into an image as long as the
 * volume, Cinder makes the volume of that, the image goes. The blank volume, which was only tried, is deleted
 * when the image is whole and before the new one is made: the project's quota and the storage need to hold
 * one of the two. A step that is performed again goes on behind what is there: volume, image, order.
 */
export const writeByImageStep = defineStep<WriteByImageStep, WriteByImageOutput>({
  perform: async (context, parameters) => {
    const { volumeStep, writeStep, volume, disk, what } = parameters;
    const { volumeId: blankId } = context.output(volumeStep) as VolumeOutput;
    const { refusal } = context.output(writeStep) as WriteVolumeOutput;
    if (refusal === undefined) return { volumeId: blankId, sizeBytes: 0, writtenBytes: 0, warnings: [] };
    const isMade = (await findMarkedVolume(context, volume.name)) !== undefined;
    const image = isMade
      ? (await findImages(context)).at(0)
      : await filledImage(context, parameters, refusal);
    await removeVolume(context, blankId);
    const source = { imageId: image?.id ?? "", withinMs: IMAGE_COPY_WAIT_MS };
    const volumeId = await ensureVolume(context, volume, source);
    await describeVolume(context, parameters, volumeId);
    const kept = image === undefined ? [] : await removeImage(context, image, what);
    const why = `${what} was restored through an image in Glance, as no host could attach its volume`;
    const warnings = [`${why}: ${refusal.why}`, ...kept];
    return { volumeId, sizeBytes: disk.sizeBytes, writtenBytes: volume.sizeGiB * GiB, warnings };
  },
  undo: async (context, { writeStep, volume }, output) => {
    if ((context.output(writeStep) as WriteVolumeOutput).refusal === undefined) return;
    const madeId = output?.volumeId ?? (await findMarkedVolume(context, volume.name))?.id;
    if (madeId !== undefined) await removeVolume(context, madeId);
    for (const image of await findImages(context)) {
      await removed(context.cloud.glance.images.delete(image.id, context.signal));
    }
  },
});

/** The image with the whole disk in it, proven by Glance's own sum over what it stored. */
async function filledImage(
  context: StepContext,
  { host, disk, volume: { sizeGiB } }: WriteByImageStep,
  { isEncrypted }: AttachRefusal,
): Promise<Image> {
  const { id: imageId } = await ensureImage(context);
  const sizeBytes = imageBytes({ sizeGiB, isEncrypted }, disk);
  const sealedAccess = await sealedAccessOf(context, imageId);
  const outcome = await context.order(
    asId(host),
    {
      kind: "write-disk",
      restoreId: writingId(context.run),
      ...disk,
      destination: { kind: "image", imageId, sizeBytes, sealedAccess },
      mode: "whole",
    },
    await repositoryOfSnapshot(context),
  );
  const limit = { withinMs: IMAGE_WAIT_MS, signal: context.signal };
  const image = await context.cloud.glance.images.waitFor(imageId, "active", limit);
  assert(image !== undefined, "an active image is there");
  assertSame(image, sizeBytes, expectOutcome(outcome, "written"));
  return image;
}

const SECTOR_BYTES = 512;

/**
 * How long the image of a disk is: as long as the volume, because nobody knows what the rest of a fresh
 * volume reads as. Not so an encrypted one: its cipher's header takes some of the room, and no guest sees it.
 */
export function imageBytes(
  { sizeGiB, isEncrypted }: Pick<Volume, "sizeGiB" | "isEncrypted">,
  { sizeBytes }: Pick<WriteByImageStep["disk"], "sizeBytes">,
): number {
  return isEncrypted ? Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES : sizeGiB * GiB;
}

function assertSame(image: Image, sizeBytes: number, outcome: OrderOutcome & { kind: "written" }): void {
  const { id, hash } = image;
  const isLong = image.sizeBytes === sizeBytes;
  // Glance before Rocky has no such sum, and an operator may choose another one: then its length must do.
  const isSame = hash?.algorithm !== "sha512" || hash.value === outcome.sha512;
  if (isLong && isSame) return;
  const what = `filling image ${id} with ${sizeBytes} bytes`;
  throw new Fault("image-mismatch", `${what}: Glance has stored other ones`, "later");
}

/** Images of this step, of whichever attempt. */
async function findImages(context: StepContext): Promise<readonly Image[]> {
  const filter = { name: markOf(context), isHidden: true };
  return context.cloud.glance.images.list(filter, context.signal);
}

/**
 * The image of this attempt. One that an earlier attempt left is of no use: Glance takes no second upload for
 * an image that got some of its bytes, and nobody knows which.
 */
async function ensureImage(context: StepContext): Promise<Image> {
  const { images } = context.cloud.glance;
  const attempt = `attempt-${context.step.attempt}`;
  const found = await findImages(context);
  for (const image of found) {
    if (!image.tags.includes(attempt)) await removed(images.delete(image.id, context.signal));
  }
  return (
    found.find((image) => image.tags.includes(attempt)) ??
    (await images.create(
      {
        name: markOf(context),
        diskFormat: "raw",
        containerFormat: "bare",
        visibility: "private",
        isHidden: true,
        tags: [attempt],
      },
      context.signal,
    ))
  );
}

/** Where the image takes its bytes, and the run's own token, which ends by itself. */
async function sealedAccessOf({ cloud, masterKey, signal }: StepContext, imageId: string): Promise<string> {
  const { authorities, isInsecure } = cloud.tls ?? {};
  const access: ImageAccess = {
    url: await cloud.glance.images.dataAddress(imageId, signal),
    token: (await cloud.token(signal)).value.reveal(),
    ...(authorities === undefined ? {} : { authorities }),
    ...(isInsecure === undefined ? {} : { isInsecure }),
  };
  return sealImageAccess(access, imageId, masterKey.reveal());
}

/** A volume that is made of an image is bootable and knows that image; it shall be as it was instead. */
async function describeVolume(
  { cloud, signal }: StepContext,
  { isBootable, imageMetadata }: WriteByImageStep,
  id: VolumeId,
): Promise<void> {
  const { volumes } = cloud.cinder;
  const now = await volumes.get(id, signal);
  for (const key of Object.keys(now.imageMetadata)) {
    if (!(key in imageMetadata)) await removed(volumes.deleteImageMetadata(id, key, signal));
  }
  await volumes.setBootable(id, isBootable, signal);
  if (Object.keys(imageMetadata).length > 0) await volumes.setImageMetadata(id, imageMetadata, signal);
}

/** Storage that makes volumes as clones of images keeps an image as long as it has a clone. */
async function removeImage({ cloud, signal }: StepContext, image: Image, what: string): Promise<string[]> {
  try {
    await removed(cloud.glance.images.delete(image.id, signal));
    return [];
  } catch (cause) {
    if (!hasCode(cause, "openstack-conflict")) throw cause;
    return [`${what} is a clone of the hidden image ${image.name} (${image.id}), which stays as long as it`];
  }
}
