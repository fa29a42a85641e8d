import { asId, Fault } from "@cairn/kernel";
import type {
  Attachment,
  Cinder,
  Glance,
  Image,
  ImageCreation,
  JsonObject,
  Volume,
  VolumeCreation,
} from "@cairn/openstack";
import { type CloudState, find, freshId, PROJECT } from "./fake-state.ts";

/** The parts of Cinder that flows use. */
export function fakeCinder(state: CloudState): Cinder {
  const set: SetVolume = (id, fields) => {
    state.volumes.set(id, { ...find(state.volumes, id), ...fields });
  };
  const volumes = {
    list: async (filter: { name?: string } = {}) =>
      [...state.volumes.values()].filter((each) => filter.name === undefined || each.name === filter.name),
    find: async (id: string) => state.volumes.get(id),
    get: async (id: string) => find(state.volumes, id),
    create: async (wanted: VolumeCreation) => {
      const image = wanted.imageId === undefined ? undefined : find(state.images, wanted.imageId);
      const volume = { ...newVolume(freshId(state), wanted), ...inherited(image) };
      state.volumes.set(volume.id, volume);
      return volume;
    },
    delete: async (id: string) => {
      const { status } = find(state.volumes, id);
      if (status !== "available")
        throw new Fault("openstack-conflict", `deleting volume ${id}: ${status}`, "later");
      set(id, { status: "deleting" });
    },
    forceDelete: async (id: string) => set(id, { status: "deleting" }),
    deleteMetadata: async (id: string, key: string) => {
      const { [key]: gone, ...metadata } = find(state.volumes, id).metadata;
      if (gone === undefined) throw new Fault("openstack-not-found", `deleting metadata ${key}`, "never");
      set(id, { metadata });
    },
    ...describing(state, set),
    waitFor: async (id: string, goal: string) => {
      const before = state.volumes.get(id)?.status;
      if (before === "creating") set(id, { status: "available" });
      if (before === "deleting") state.volumes.delete(id);
      const volume = state.volumes.get(id);
      if (goal === "absent" ? volume === undefined : volume?.status === goal) return volume;
      const status = volume?.status ?? "gone";
      throw new Fault(
        "openstack-timeout",
        `waiting for volume ${id} to be ${goal}: it is ${status}`,
        "later",
      );
    },
  };
  const cinder = {
    volumes,
    volumeTypes: { list: async () => state.volumeTypes },
    attachments: fakeAttachments(state, set),
    pools: { list: refusePools },
    quotas: {
      get: async () => ({
        volumes: { max: undefined, used: 0 },
        snapshots: { max: undefined, used: 0 },
        gigabytes: { max: undefined, used: 0 },
        byType: {},
      }),
    },
  };
  return cinder as unknown as Cinder;
}

type SetVolume = (id: string, fields: Partial<Volume>) => void;

function describing(state: CloudState, set: SetVolume) {
  return {
    setBootable: async (id: string, isBootable: boolean) => set(id, { isBootable }),
    setImageMetadata: async (id: string, added: Record<string, string>) =>
      set(id, { imageMetadata: { ...find(state.volumes, id).imageMetadata, ...added } }),
    deleteImageMetadata: async (id: string, key: string) => {
      const { [key]: gone, ...imageMetadata } = find(state.volumes, id).imageMetadata;
      if (gone === undefined) throw new Fault("openstack-not-found", `deleting metadata ${key}`, "never");
      set(id, { imageMetadata });
    },
  };
}

/** As for everybody who is no administrator. */
async function refusePools(): Promise<never> {
  throw new Fault("openstack-forbidden", "listing the storage pools", "never");
}

function fakeAttachments(state: CloudState, set: SetVolume) {
  const connectionOf = ({ volumeType }: Volume, { host = "", initiator = "" }: JsonObject): JsonObject => {
    const isOpaque = volumeType !== undefined && state.opaqueTypes.includes(volumeType);
    return { driver_volume_type: isOpaque ? "opaque" : "nfs", host, initiator };
  };
  return {
    // A list shows no connection, as Cinder's summary view.
    list: async ({ volumeId }: { volumeId?: string } = {}) =>
      [...state.attachments.values()]
        .filter((each) => volumeId === undefined || each.volumeId === volumeId)
        .map((each) => ({ ...each, connectionInfo: undefined })),
    find: async (id: string) => state.attachments.get(id),
    create: async (wanted: { volumeId: string; instanceId: string; connector: JsonObject }) => {
      const { status } = find(state.volumes, wanted.volumeId);
      if (status !== "available")
        throw new Fault("openstack-conflict", `attaching a volume ${status}`, "later");
      const attachment: Attachment = {
        id: freshId(state),
        volumeId: asId(wanted.volumeId),
        instanceId: wanted.instanceId,
        status: "attaching",
        mode: "rw",
        connectionInfo: connectionOf(find(state.volumes, wanted.volumeId), wanted.connector),
      };
      state.attachments.set(attachment.id, attachment);
      set(wanted.volumeId, { status: "attaching" });
      return attachment;
    },
    update: async (id: string) => find(state.attachments, id),
    complete: async (id: string) => {
      const attachment = find(state.attachments, id);
      if (attachment.status !== "attaching")
        throw new Fault("openstack-bad-request", `completing ${id}`, "never");
      state.attachments.set(id, { ...attachment, status: "attached" });
      set(attachment.volumeId, { status: "in-use" });
    },
    delete: async (id: string) => {
      const { volumeId } = find(state.attachments, id);
      state.attachments.delete(id);
      set(volumeId, { status: "available" });
    },
  };
}

function newVolume(id: string, wanted: VolumeCreation): Volume {
  return {
    id: asId(id),
    name: wanted.name,
    description: wanted.description,
    status: "creating",
    sizeGiB: wanted.sizeGiB,
    volumeType: wanted.volumeType,
    availabilityZone: wanted.availabilityZone,
    isBootable: false,
    isEncrypted: false,
    isMultiattach: false,
    metadata: wanted.metadata ?? {},
    imageMetadata: {},
    attachments: [],
    snapshotId: undefined,
    sourceVolumeId: undefined,
    host: undefined,
    projectId: asId(PROJECT),
    createdAt: "",
    raw: {},
  };
}

/** A volume made of an image is bootable, and knows which image it was. */
function inherited(image: Image | undefined): Partial<Volume> {
  if (image === undefined) return {};
  const { id, name, checksum } = image;
  if (image.status !== "active")
    throw new Fault("openstack-bad-request", `making a volume of image ${id}`, "never");
  const known = { image_id: id, image_name: name, checksum: checksum ?? "" };
  return { isBootable: true, imageMetadata: { ...image.properties, ...known } };
}

/** The parts of Glance that flows use. */
export function fakeGlance(state: CloudState): Glance {
  const images = {
    list: async ({ name, isHidden }: { name?: string; isHidden?: boolean }) =>
      [...state.images.values()].filter(
        (each) => each.isHidden === (isHidden ?? false) && (name === undefined || each.name === name),
      ),
    find: async (id: string) => state.images.get(id),
    create: async (wanted: ImageCreation) => {
      const image = newImage(freshId(state), wanted);
      state.images.set(image.id, image);
      return image;
    },
    upload: async (id: string, bytes: AsyncIterable<Uint8Array>) => {
      let sizeBytes = 0;
      for await (const part of bytes) sizeBytes += part.length;
      state.images.set(id, { ...find(state.images, id), status: "active", sizeBytes });
    },
    dataAddress: async (id: string) => `http://glance/v2/images/${id}/file`,
    delete: async (id: string) => {
      find(state.images, id);
      state.images.delete(id);
    },
    waitFor: async (id: string) => {
      const image = find(state.images, id);
      if (image.status !== "active") throw new Fault("openstack-timeout", `waiting for image ${id}`, "later");
      return image;
    },
  };
  return { images, usage: { get: async () => ({}) } } as unknown as Glance;
}

function newImage(id: string, wanted: ImageCreation): Image {
  return {
    id,
    name: wanted.name,
    status: "queued",
    visibility: "private",
    owner: asId(PROJECT),
    sizeBytes: undefined,
    virtualSizeBytes: undefined,
    diskFormat: wanted.diskFormat,
    containerFormat: wanted.containerFormat,
    minDiskGiB: 0,
    minRamMiB: 0,
    checksum: undefined,
    hash: undefined,
    isProtected: false,
    isHidden: wanted.isHidden ?? false,
    tags: wanted.tags ?? [],
    properties: wanted.properties ?? {},
    createdAt: "",
    raw: {},
  };
}
