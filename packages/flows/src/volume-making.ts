import { type CreateVolumeStep, RUN_MARK_KEY, runMark } from "@cairn/domain";
import { describeFault, Fault, hasCode, type VolumeId } from "@cairn/kernel";
import type { Volume } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { VOLUME_WAIT_MS } from "./limits.ts";
import type { StepContext } from "./step.ts";

/** The mark of what this step makes. */
export function markOf(context: StepContext): string {
  return runMark(context.run.id, context.step.key);
}

/** What a volume is made of, and how long that may take; nothing: of zeroes, or of whatever was there. */
export interface VolumeSource {
  readonly imageId: string;
  readonly withinMs: number;
}

/** A volume that is marked in its metadata as this step's: made, or found again; waits until it is made. */
export async function ensureVolume(
  context: StepContext,
  wanted: CreateVolumeStep,
  source?: VolumeSource,
): Promise<VolumeId> {
  const { name, description, sizeGiB, volumeType, availabilityZone } = wanted;
  const found =
    (await findMarkedVolume(context, name)) ??
    (await context.cloud.cinder.volumes.create(
      {
        name,
        sizeGiB,
        ...(description === null ? {} : { description }),
        ...(volumeType === null ? {} : { volumeType }),
        ...(availabilityZone === null ? {} : { availabilityZone }),
        ...(source === undefined ? {} : { imageId: source.imageId }),
        metadata: { ...wanted.metadata, [RUN_MARK_KEY]: markOf(context) },
      },
      context.signal,
    ));
  await whenMade(context, { wanted, withinMs: source?.withinMs ?? VOLUME_WAIT_MS }, found.id);
  return found.id;
}

/**
 * Waits for a new volume. Of one that cannot be made, Cinder tells the reason elsewhere than in its status.
 */
async function whenMade(
  context: StepContext,
  { wanted, withinMs }: { readonly wanted: CreateVolumeStep; readonly withinMs: number },
  id: VolumeId,
): Promise<void> {
  const { cinder } = context.cloud;
  const { signal } = context;
  try {
    await cinder.volumes.waitFor(id, "available", { withinMs, signal });
  } catch (cause) {
    if (!hasCode(cause, "openstack-broken")) throw cause;
    const said = await cinder.messages.list(id, signal).catch((fault: unknown) => {
      context.log.info("flow.no-message", { volume: id, fault: describeFault(fault) });
      return [];
    });
    const { name, sizeGiB, volumeType } = wanted;
    const which = `volume ${name} of ${sizeGiB} GiB and type ${volumeType ?? "default"}`;
    const why = said[0] === undefined ? "Cinder gives no reason" : `Cinder says "${said[0].text}"`;
    const remedy = "choose another volume type, or have its storage looked at";
    throw new Fault("volume-not-made", `making ${which}: ${why}; ${remedy}`, "after-operator", cause);
  }
}

/** The volume of this name that this step made, if it is there. */
export async function findMarkedVolume(context: StepContext, name: string): Promise<Volume | undefined> {
  const mark = markOf(context);
  const candidates = await context.cloud.cinder.volumes.list(name === "" ? {} : { name }, context.signal);
  return candidates.find((volume) => volume.metadata[RUN_MARK_KEY] === mark);
}

/**
 * Deletes a volume and waits until it is gone; first until whoever is busy with it lets go. Where Cinder
 * fails to delete it (its storage is full, or away) it can be tried again, which only an administrator may
 * ask for.
 */
export async function removeVolume(context: StepContext, volumeId: VolumeId): Promise<void> {
  const { admin, cloud, signal } = context;
  const { volumes } = cloud.cinder;
  const found = await volumes.find(volumeId, signal);
  // The instance that used it is being deleted by now; Cinder deletes no volume that is in use.
  if (isBusy(found)) await released(context, volumeId);
  if (found?.status === "error_deleting") await removed(admin.cinder.volumes.forceDelete(volumeId, signal));
  // A deletion that was asked for before a crash goes on by itself.
  else if (found?.status !== "deleting") await removed(volumes.delete(volumeId, signal));
  try {
    await volumes.waitFor(volumeId, "absent", { withinMs: VOLUME_WAIT_MS, signal });
  } catch (cause) {
    if (!hasCode(cause, "openstack-broken")) throw cause;
    throw new Fault(
      "volume-undeletable",
      `deleting volume ${volumeId}, at which Cinder failed`,
      "later",
      cause,
    );
  }
}

const BUSY = ["in-use", "detaching", "attaching", "reserved", "creating", "downloading"];

function isBusy(volume: Volume | undefined): boolean {
  return volume !== undefined && BUSY.includes(volume.status);
}

/**
 * A volume that goes away together with its instance, or that is broken, ends the wait as well: it can go.
 */
export async function released(context: StepContext, id: VolumeId): Promise<void> {
  const { cloud, signal } = context;
  try {
    await cloud.cinder.volumes.waitFor(id, "available", { withinMs: VOLUME_WAIT_MS, signal });
  } catch (cause) {
    const volume = await cloud.cinder.volumes.find(id, signal);
    if (volume !== undefined && volume.status !== "error") throw cause;
  }
}
