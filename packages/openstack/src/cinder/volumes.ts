import type { InstanceId, ProjectId, VolumeId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";
import type { WaitLimit } from "../wire/waiting.ts";

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
  /** Adds and overwrites; other keys stay. */
  setMetadata(id: VolumeId, entries: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void>;
  deleteMetadata(id: VolumeId, key: string, signal?: AbortSignal): Promise<void>;
  setBootable(id: VolumeId, isBootable: boolean, signal?: AbortSignal): Promise<void>;
  setImageMetadata(
    id: VolumeId,
    entries: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** The volume once it got there; undefined for the goal `absent`. */
  waitFor(id: VolumeId, goal: VolumeGoal, limit: WaitLimit): Promise<Volume | undefined>;
}
