import type { InstanceId, VolumeId } from "@cairn/kernel";

/** That a volume is a disk of an instance, as Nova sees it. */
export interface VolumeAttachment {
  readonly volumeId: VolumeId;
  readonly instanceId: InstanceId;
  /** `/dev/vdb`. */
  readonly device: string | undefined;
  readonly tag: string | undefined;
  readonly deleteOnTermination: boolean;
}

export interface VolumeAttachmentCreation {
  readonly volumeId: VolumeId;
  readonly device?: string;
  readonly tag?: string;
  readonly deleteOnTermination?: boolean;
}

export interface VolumeAttachments {
  list(instanceId: InstanceId, signal?: AbortSignal): Promise<readonly VolumeAttachment[]>;
  find(
    instanceId: InstanceId,
    volumeId: VolumeId,
    signal?: AbortSignal,
  ): Promise<VolumeAttachment | undefined>;
  /** Returns as soon as Nova accepted; the volume becomes `in-use` later. */
  attach(
    instanceId: InstanceId,
    attachment: VolumeAttachmentCreation,
    signal?: AbortSignal,
  ): Promise<VolumeAttachment>;
  /** Returns as soon as Nova accepted; the volume becomes `available` later; absent is detached. */
  detach(instanceId: InstanceId, volumeId: VolumeId, signal?: AbortSignal): Promise<void>;
}
