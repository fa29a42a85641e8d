import type { InstanceId, ProjectId, VolumeId } from "@cairn/kernel";
import { theOnly } from "../wire/decode.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { type WaitLimit, waitUntil } from "../wire/waiting.ts";
import { encodeCreation, readVolume } from "./volume-codec.ts";
import { judgeVolume } from "./volume-goals.ts";

export interface Volume {
  readonly id: VolumeId;
  readonly name: string;
  readonly description: string | undefined;
  /** Cinder's word: available, in-use, creating, error, … */
  readonly status: string;
  readonly sizeGiB: number;
  /** The type's name. */
  readonly volumeType: string | undefined;
  readonly availabilityZone: string | undefined;
  readonly isBootable: boolean;
  readonly isEncrypted: boolean;
  readonly isMultiattach: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** `volume_image_metadata`: what the volume inherited from the image that it was made of. */
  readonly imageMetadata: Readonly<Record<string, string>>;
  readonly attachments: readonly {
    readonly attachmentId: string;
    readonly instanceId: InstanceId | undefined;
    readonly device: string | undefined;
    readonly hostName: string | undefined;
  }[];
  readonly snapshotId: string | undefined;
  readonly sourceVolumeId: VolumeId | undefined;
  /** `host@backend#pool`; admin only. */
  readonly host: string | undefined;
  readonly projectId: ProjectId | undefined;
  readonly createdAt: string;
  /** The answer as it came, for capture by value. */
  readonly raw: JsonObject;
}

export interface VolumeCreation {
  readonly name: string;
  readonly description?: string;
  readonly sizeGiB: number;
  readonly volumeType?: string;
  readonly availabilityZone?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly imageId?: string;
  readonly snapshotId?: string;
}

export interface VolumeFilter {
  readonly name?: string;
  readonly status?: string;
  readonly allProjects?: boolean;
}

/** Where a volume shall get to. `absent` is reached when Cinder does not know it any more. */
export type VolumeGoal = "available" | "in-use" | "absent";

export interface Volumes {
  list(filter?: VolumeFilter, signal?: AbortSignal): Promise<readonly Volume[]>;
  find(id: VolumeId, signal?: AbortSignal): Promise<Volume | undefined>;
  get(id: VolumeId, signal?: AbortSignal): Promise<Volume>;
  /** Returns as soon as Cinder accepted, in status `creating`. */
  create(volume: VolumeCreation, signal?: AbortSignal): Promise<Volume>;
  update(
    id: VolumeId,
    change: { readonly name?: string; readonly description?: string },
    signal?: AbortSignal,
  ): Promise<Volume>;
  /** Returns as soon as Cinder accepted; absent is deleted; 400 when it is in use. */
  delete(id: VolumeId, signal?: AbortSignal): Promise<void>;
  /**
   * For administrators by default policy: whatever its status, such as `error_deleting`; absent is deleted.
   */
  forceDelete(id: VolumeId, signal?: AbortSignal): Promise<void>;
  /** Adds and overwrites; other keys stay. */
  setMetadata(id: VolumeId, entries: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void>;
  deleteMetadata(id: VolumeId, key: string, signal?: AbortSignal): Promise<void>;
  setBootable(id: VolumeId, isBootable: boolean, signal?: AbortSignal): Promise<void>;
  setImageMetadata(
    id: VolumeId,
    entries: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Takes one entry of the image metadata away. */
  deleteImageMetadata(id: VolumeId, key: string, signal?: AbortSignal): Promise<void>;
  /** The volume once it got there; undefined for the goal `absent`. */
  waitFor(id: VolumeId, goal: VolumeGoal, limit: WaitLimit): Promise<Volume | undefined>;
}

/** The calls about volumes. */
export function volumes(client: ServiceClient): Volumes {
  const find = async (id: VolumeId, signal?: AbortSignal): Promise<Volume | undefined> => {
    const answer = await client.find({ doing: `reading volume ${id}`, path: ["volumes", id], signal });
    return answer === undefined ? undefined : theOnly(answer, "volume", readVolume);
  };
  return {
    find,
    ...changing(client),
    list: async (filter, signal) =>
      client.list({
        doing: "listing volumes",
        path: ["volumes", "detail"],
        query: {
          name: filter?.name,
          status: filter?.status,
          all_tenants: filter?.allProjects === true ? 1 : undefined,
        },
        field: "volumes",
        read: readVolume,
        signal,
      }),
    get: async (id, signal) => {
      const answer = await client.get({ doing: `reading volume ${id}`, path: ["volumes", id], signal });
      return theOnly(answer, "volume", readVolume);
    },
    create: async (volume, signal) => {
      const body = { volume: encodeCreation(volume) };
      const answer = await client.post({
        doing: `creating volume ${volume.name}`,
        path: ["volumes"],
        body,
        signal,
      });
      return theOnly(answer, "volume", readVolume);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting volume ${id}`, path: ["volumes", id], signal });
    },
    waitFor: async (id, goal, limit) =>
      waitUntil<Volume>({
        doing: `waiting for volume ${id} to become ${goal}`,
        clock: client.clock,
        limit,
        observe: async (signal) => find(id, signal),
        judge: (volume) => judgeVolume(volume?.status, goal),
        describe: (volume) => volume?.status ?? "gone",
      }),
  };
}

type Changing =
  | "forceDelete"
  | "update"
  | "setMetadata"
  | "deleteMetadata"
  | "setBootable"
  | "setImageMetadata"
  | "deleteImageMetadata";

function changing(client: ServiceClient): Pick<Volumes, Changing> {
  const act = async (
    doing: string,
    id: VolumeId,
    action: JsonObject,
    signal?: AbortSignal,
  ): Promise<void> => {
    await client.post({ doing, path: ["volumes", id, "action"], body: action, signal });
  };
  return {
    update: async (id, change, signal) => {
      const volume: Json = { ...change };
      const answer = await client.put({
        doing: `changing volume ${id}`,
        path: ["volumes", id],
        body: { volume },
        signal,
      });
      return theOnly(answer, "volume", readVolume);
    },
    setMetadata: async (id, entries, signal) => {
      const body = { metadata: { ...entries } };
      const doing = `setting metadata of volume ${id}`;
      await client.post({ doing, path: ["volumes", id, "metadata"], body, signal });
    },
    deleteMetadata: async (id, key, signal) => {
      const doing = `removing metadata ${key} of volume ${id}`;
      await client.remove({ doing, path: ["volumes", id, "metadata", key], signal });
    },
    forceDelete: async (id, signal) => {
      await act(`deleting volume ${id} by force`, id, { "os-force_delete": null }, signal);
    },
    setBootable: async (id, isBootable, signal) => {
      const action = { "os-set_bootable": { bootable: isBootable } };
      await act(`setting whether volume ${id} is bootable`, id, action, signal);
    },
    setImageMetadata: async (id, entries, signal) => {
      const action = { "os-set_image_metadata": { metadata: { ...entries } } };
      await act(`setting image metadata of volume ${id}`, id, action, signal);
    },
    deleteImageMetadata: async (id, key, signal) => {
      const action = { "os-unset_image_metadata": { key } };
      await act(`removing image metadata ${key} of volume ${id}`, id, action, signal);
    },
  };
}
