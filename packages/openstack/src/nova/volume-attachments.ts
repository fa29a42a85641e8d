import { asId, type InstanceId, type VolumeId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

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

/** The calls about the volumes of an instance (Nova's `os-volume_attachments`). */
export function volumeAttachments(client: ServiceClient): VolumeAttachments {
  const path = (id: InstanceId): readonly string[] => ["servers", id, "os-volume_attachments"];
  return {
    list: async (instanceId, signal) =>
      client.list({
        doing: `listing the volumes of instance ${instanceId}`,
        path: path(instanceId),
        field: "volumeAttachments",
        read: readAttachment,
        signal,
      }),
    find: async (instanceId, volumeId, signal) => {
      const doing = `reading the attachment of volume ${volumeId} to instance ${instanceId}`;
      const answer = await client.find({ doing, path: [...path(instanceId), volumeId], signal });
      return answer === undefined ? undefined : theOnly(answer, "volumeAttachment", readAttachment);
    },
    attach: async (instanceId, attachment, signal) => {
      const { volumeId, device, tag, deleteOnTermination } = attachment;
      const answer = await client.post({
        doing: `attaching volume ${volumeId} to instance ${instanceId}`,
        path: path(instanceId),
        body: {
          volumeAttachment: {
            volumeId,
            ...(device === undefined ? {} : { device }),
            ...(tag === undefined ? {} : { tag }),
            ...(deleteOnTermination === true ? { delete_on_termination: true } : {}),
          },
        },
        ...(deleteOnTermination === true ? { versions: WITH_TERMINATION } : {}),
        signal,
      });
      return theOnly(answer, "volumeAttachment", readAttachment);
    },
    detach: async (instanceId, volumeId, signal) => {
      const doing = `detaching volume ${volumeId} from instance ${instanceId}`;
      await client.remove({ doing, path: [...path(instanceId), volumeId], signal });
    },
  };
}

/** Train: `delete_on_termination` in requests and answers; an older Nova never deletes what was attached. */
const WITH_TERMINATION = { least: "2.79", most: "2.79" };

function readAttachment(fields: Fields): VolumeAttachment {
  return {
    volumeId: asId<"volume">(fields.string("volumeId")),
    instanceId: asId<"instance">(fields.string("serverId")),
    device: fields.optionalString("device"),
    tag: fields.optionalString("tag"),
    deleteOnTermination: fields.optionalBoolean("delete_on_termination") ?? false,
  };
}
