import { asId, type VolumeId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** A volume snapshot of Cinder's, not one of ours. */
export interface VolumeSnapshot {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly volumeId: VolumeId;
  readonly sizeGiB: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface VolumeSnapshots {
  list(
    filter?: { readonly volumeId?: VolumeId; readonly name?: string },
    signal?: AbortSignal,
  ): Promise<readonly VolumeSnapshot[]>;
  find(id: string, signal?: AbortSignal): Promise<VolumeSnapshot | undefined>;
  /** Works on volumes in use too (`force`). */
  create(
    snapshot: { readonly volumeId: VolumeId; readonly name: string },
    signal?: AbortSignal,
  ): Promise<VolumeSnapshot>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about volume snapshots. */
export function volumeSnapshots(client: ServiceClient): VolumeSnapshots {
  return {
    list: async (filter, signal) =>
      client.list({
        doing: "listing volume snapshots",
        path: ["snapshots", "detail"],
        query: { volume_id: filter?.volumeId, name: filter?.name },
        field: "snapshots",
        read: readSnapshot,
        signal,
      }),
    find: async (id, signal) => {
      const answer = await client.find({
        doing: `reading volume snapshot ${id}`,
        path: ["snapshots", id],
        signal,
      });
      return answer === undefined ? undefined : theOnly(answer, "snapshot", readSnapshot);
    },
    create: async ({ volumeId, name }, signal) => {
      const answer = await client.post({
        doing: `creating a snapshot of volume ${volumeId}`,
        path: ["snapshots"],
        body: { snapshot: { volume_id: volumeId, name, force: true } },
        signal,
      });
      return theOnly(answer, "snapshot", readSnapshot);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting volume snapshot ${id}`, path: ["snapshots", id], signal });
    },
  };
}

function readSnapshot(fields: Fields): VolumeSnapshot {
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    status: fields.string("status"),
    volumeId: asId<"volume">(fields.string("volume_id")),
    sizeGiB: fields.integer("size"),
    metadata: fields.texts("metadata"),
  };
}
