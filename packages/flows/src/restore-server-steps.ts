import {
  type CreateServerStep,
  type FinishServerStep,
  type NicReference,
  type PlaceholderImageStep,
  RUN_MARK_KEY,
} from "@cairn/domain";
import { describeFault, Fault, hasCode, type InstanceId } from "@cairn/kernel";
import type { BlockDevice, Image, Server } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { ORIGINAL_IMAGE_ID, ORIGINAL_IMAGE_NAME } from "./capture.ts";
import { defineStep } from "./define-step.ts";
import { IMAGE_WAIT_MS, SERVER_WAIT_MS } from "./limits.ts";
import { placeholderImage } from "./placeholder-image.ts";
import type { FlavorOutput, ServerGroupOutput } from "./restore-compute-steps.ts";
import type { FloatingIpOutput } from "./restore-floating-ip-steps.ts";
import type { PortOutput } from "./restore-network-steps.ts";
import type { VolumeOutput } from "./restore-volume-steps.ts";
import type { StepContext } from "./step.ts";
import { markOf, released } from "./volume-making.ts";

/** What `create-placeholder-image` gives. */
export interface ImageOutput {
  readonly imageId: string;
}

/**
 * Makes the placeholder that an instance with a local root disk is born from. It carries the properties of
 * the original, because Nova takes the instance's devices from them, and stays, hidden, as long as Nova
 * refers to it. It turns itself off; the guest's time to shut down is not shortened, because Nova would keep
 * the short time for the instance's whole life.
 */
export const createPlaceholderImageStep = defineStep<PlaceholderImageStep, ImageOutput>({
  perform: async (context, { image, virtualSizeBytes }) => {
    const { images } = context.cloud.glance;
    const { signal } = context;
    const found = await findImage(context);
    // One that a crash left half uploaded is of no use, and Glance takes no second upload for it.
    const isUsable = found?.status === "active" || found?.status === "queued";
    if (found !== undefined && !isUsable) await removed(images.delete(found.id, signal));
    const record =
      found !== undefined && isUsable
        ? found
        : await images.create(
            {
              name: markOf(context),
              diskFormat: "qcow2",
              containerFormat: "bare",
              visibility: "private",
              isHidden: true,
              properties: {
                ...image.properties,
                [ORIGINAL_IMAGE_ID]: image.id,
                ...(image.name === null ? {} : { [ORIGINAL_IMAGE_NAME]: image.name }),
              },
            },
            signal,
          );
    if (record.status === "queued")
      await images.upload(record.id, once(placeholderImage(virtualSizeBytes)), signal);
    await images.waitFor(record.id, "active", { withinMs: IMAGE_WAIT_MS, signal });
    return { imageId: record.id };
  },
  undo: async (context, _parameters, output) => {
    const imageId = output?.imageId ?? (await findImage(context))?.id;
    if (imageId !== undefined) await removed(context.cloud.glance.images.delete(imageId, context.signal));
  },
});

async function findImage(context: StepContext): Promise<Image | undefined> {
  const filter = { name: markOf(context), isHidden: true };
  const [found] = await context.cloud.glance.images.list(filter, context.signal);
  return found;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** What `create-server` gives. */
export interface ServerOutput {
  readonly instanceId: InstanceId;
}

/**
 * A build fails for a reason that has gone a minute later, such as a message bus that was away; or for one
 * that stays, which the second attempt shows.
 */
const BUILDS_MAX = 2;

/**
 * Makes the instance under its final name, because the guest learns its host name from it at the first boot;
 * the run's mark is in its metadata until the restore is finished.
 */
export const createServerStep = defineStep<CreateServerStep, ServerOutput>({
  perform: async (context, parameters) => {
    for (let attempt = 1; ; attempt += 1) {
      const found = await findMarkedServer(context, parameters.name);
      const instanceId = found?.id ?? (await create(context, parameters));
      try {
        await whenBuilt(context, parameters, instanceId);
        return { instanceId };
      } catch (cause) {
        if (attempt >= BUILDS_MAX || !isAnotherBuildWorth(cause, parameters)) throw cause;
        context.log.warn("flow.instance-built-again", { instance: instanceId, fault: describeFault(cause) });
        await removeServer(context, instanceId);
        await volumesReleased(context, parameters);
      }
    }
  },
  undo: async (context, { name }, output) => {
    const instanceId = output?.instanceId ?? (await findMarkedServer(context, name))?.id;
    if (instanceId !== undefined) await removeServer(context, instanceId);
  },
});

/** Nova deletes what goes with an instance even of one that it could not build: these have their bytes. */
function isAnotherBuildWorth(cause: unknown, { volumes }: CreateServerStep): boolean {
  return hasCode(cause, "openstack-broken") && volumes.every((volume) => !volume.deleteOnTermination);
}

async function removeServer({ cloud, signal }: StepContext, id: InstanceId): Promise<void> {
  const { servers } = cloud.nova;
  await removed(servers.delete(id, signal));
  await servers.waitFor(id, "absent", { withinMs: SERVER_WAIT_MS, signal });
}

async function volumesReleased(context: StepContext, { volumes }: CreateServerStep): Promise<void> {
  for (const { volumeStep } of volumes)
    await released(context, (context.output(volumeStep) as VolumeOutput).volumeId);
}

/** Nova's one sentence for every reason why an instance has no host (nova/exception.py, NoValidHost). */
const NO_HOST = /No valid host was found|Exceeded maximum number of retries/;

async function whenBuilt(context: StepContext, parameters: CreateServerStep, id: InstanceId): Promise<void> {
  const limit = { withinMs: SERVER_WAIT_MS, signal: context.signal };
  try {
    // A placeholder turns itself off.
    await context.cloud.nova.servers.waitFor(id, "built", limit);
  } catch (cause) {
    if (!hasCode(cause, "openstack-broken") || !NO_HOST.test(describeFault(cause))) throw cause;
    const zone = parameters.availabilityZone;
    const where = zone === null ? "" : ` in availability zone ${zone}`;
    throw new Fault(
      "no-host",
      `making instance ${parameters.name}: no compute node${where} is up, has room and suits it; try again ` +
        "when one does, or restore selectively with another flavor or zone",
      "after-operator",
      cause,
    );
  }
}

async function findMarkedServer(context: StepContext, name: string): Promise<Server | undefined> {
  const mark = markOf(context);
  const candidates = await context.cloud.nova.servers.list({ name }, context.signal);
  return candidates.find((server) => server.metadata[RUN_MARK_KEY] === mark);
}

async function create(context: StepContext, parameters: CreateServerStep): Promise<InstanceId> {
  const { description, imageStep, availabilityZone, keyName, userData, tags } = parameters;
  const serverGroupId = serverGroupOf(context, parameters);
  const imageId = imageStep === null ? undefined : (context.output(imageStep) as ImageOutput).imageId;
  return context.cloud.nova.servers.create(
    {
      name: parameters.name,
      flavorId: flavorOf(context, parameters),
      networks: parameters.nics.length === 0 ? "none" : parameters.nics.map((nic) => nicOf(context, nic)),
      blockDevices: blockDevices(context, parameters, imageId),
      metadata: { ...parameters.metadata, [RUN_MARK_KEY]: markOf(context) },
      hasConfigDrive: parameters.hasConfigDrive,
      ...(imageId === undefined ? {} : { imageId }),
      ...(description === null ? {} : { description }),
      ...(availabilityZone === null ? {} : { availabilityZone }),
      ...(keyName === null ? {} : { keyName }),
      ...(userData === null ? {} : { userData }),
      ...(tags.length === 0 ? {} : { tags }),
      ...(serverGroupId === undefined ? {} : { serverGroupId }),
    },
    context.signal,
  );
}

function flavorOf(context: StepContext, { flavorId, flavorStep }: CreateServerStep): string {
  if (flavorStep === null || flavorStep === undefined) return flavorId;
  return (context.output(flavorStep) as FlavorOutput).flavorId;
}

function serverGroupOf(context: StepContext, { serverGroup }: CreateServerStep): string | undefined {
  if (serverGroup === null || serverGroup === undefined) return undefined;
  if (serverGroup.kind === "existing") return serverGroup.id;
  return (context.output(serverGroup.serverGroupStep) as ServerGroupOutput).serverGroupId;
}

function nicOf(context: StepContext, nic: NicReference): { readonly portId: string } {
  if (nic.kind === "existing") return { portId: nic.portId };
  return { portId: (context.output(nic.portStep) as PortOutput).portId };
}

/**
 * In the order of the captured devices: Nova's libvirt driver names them by it, whatever name is asked for.
 */
function blockDevices(
  context: StepContext,
  { volumes }: CreateServerStep,
  imageId: string | undefined,
): BlockDevice[] {
  const root: BlockDevice[] =
    imageId === undefined
      ? []
      : [{ source: "image", id: imageId, destination: "local", bootIndex: 0, deleteOnTermination: true }];
  const attached = volumes.map(
    ({ volumeStep, device, isRoot, deleteOnTermination }): BlockDevice => ({
      source: "volume",
      id: (context.output(volumeStep) as VolumeOutput).volumeId,
      destination: "volume",
      bootIndex: isRoot ? 0 : -1,
      deleteOnTermination,
      deviceName: `/dev/${device}`,
    }),
  );
  return [...root, ...attached];
}

/** What `finish-server` gives: the instance as the restore's row shows it. */
export interface FinishOutput {
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly originalId: string;
}

/**
 * Looks whether the instance is well, gives its ports their names and takes the run's marks away. Undone
 * together with what it finishes: every step before it knows its thing by id.
 */
export const finishServerStep = defineStep<FinishServerStep, FinishOutput>({
  perform: async (context, { serverStep, originalId, name, volumeSteps, ports, floatingIps = [] }) => {
    const { cloud, signal } = context;
    const { instanceId } = context.output(serverStep) as ServerOutput;
    const server = await cloud.nova.servers.get(instanceId, signal);
    if (server.status !== "ACTIVE") {
      throw new Fault("instance-unwell", `finishing instance ${name}: it is ${server.status}`, "never");
    }
    for (const { portStep, name: portName } of ports) {
      const { portId } = context.output(portStep) as PortOutput;
      await cloud.neutron.ports.update(portId, { name: portName }, signal);
    }
    for (const { floatingIpStep, description } of floatingIps) {
      const { floatingIpId, isMade } = context.output(floatingIpStep) as FloatingIpOutput;
      if (floatingIpId === null || !isMade) continue;
      await cloud.neutron.floatingIps.update(floatingIpId, { description }, signal);
    }
    for (const volumeStep of volumeSteps) {
      const { volumeId } = context.output(volumeStep) as VolumeOutput;
      await removed(cloud.cinder.volumes.deleteMetadata(volumeId, RUN_MARK_KEY, signal));
    }
    await removed(cloud.nova.servers.deleteMetadata(instanceId, RUN_MARK_KEY, signal));
    return { instanceId, name, originalId };
  },
});
