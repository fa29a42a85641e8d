import { visibleVolume } from "../cinder/volume-body.ts";
import type { VolumeSource } from "../cinder/volume-files.ts";
import { volumeTypeId } from "../cinder/volumes.ts";
import { ApiError, type Call, sentence } from "../http/answer.ts";
import { booleanAt, type Json, jsonOf, listAt, numberAt, textAt } from "../http/reading.ts";
import type { VolumeRow } from "../state/storage-rows.ts";

/** A disk that a new server shall have. */
export interface WantedDisk {
  readonly from:
    | { readonly kind: "local-image" }
    | { readonly kind: "volume"; readonly volumeId: string }
    | {
        readonly kind: "new-volume";
        readonly source: VolumeSource;
        readonly sizeGiB: number;
        readonly typeId: string;
      };
  readonly bootIndex: number | null;
  readonly deleteOnTermination: boolean;
  readonly tag: string | null;
}

const invalid = (reason: string): ApiError => new ApiError(400, `Block Device Mapping is Invalid: ${reason}`);

const badSequence = (): ApiError =>
  invalid("Boot sequence for the instance and image/block device mapping combination is not valid.");

/** The disks that `imageRef` and `block_device_mapping_v2` ask for, the boot disk first. */
export function wantedDisks(call: Call, asked: Json): readonly WantedDisk[] {
  const imageRef = textAt(asked, "imageRef") ?? "";
  const mappings = (listAt(asked, "block_device_mapping_v2") ?? []).map((each) => jsonOf(each));
  const disks = mappings.map((mapping) => parseMapping(call, mapping, imageRef));
  const hasBoot = disks.some((disk) => disk.bootIndex === 0);
  if (disks.filter((disk) => disk.bootIndex === 0).length > 1) throw badSequence();
  const all =
    hasBoot || imageRef === ""
      ? disks
      : [
          { from: { kind: "local-image" }, bootIndex: 0, deleteOnTermination: true, tag: null } as WantedDisk,
          ...disks.filter((disk) => disk.from.kind !== "local-image"),
        ];
  if (!all.some((disk) => disk.bootIndex === 0)) {
    if (mappings.length > 0) throw badSequence();
    throw new ApiError(400, "Invalid imageRef provided.");
  }
  return all.toSorted((a, b) => (a.bootIndex === 0 ? 0 : 1) - (b.bootIndex === 0 ? 0 : 1));
}

function parseMapping(call: Call, mapping: Json, imageRef: string): WantedDisk {
  const boot = mapping["boot_index"] === null ? -1 : (numberAt(mapping, "boot_index") ?? -1);
  return {
    from: parseSource(call, mapping, imageRef),
    bootIndex: boot < 0 ? null : boot,
    deleteOnTermination: booleanAt(mapping, "delete_on_termination") ?? false,
    tag: textAt(mapping, "tag") ?? null,
  };
}

function parseSource(call: Call, mapping: Json, imageRef: string): WantedDisk["from"] {
  const kind =
    textAt(mapping, "source_type") ?? (textAt(mapping, "volume_id") === undefined ? "blank" : "volume");
  const uuid = textAt(mapping, "uuid") ?? textAt(mapping, "volume_id") ?? "";
  const destination =
    textAt(mapping, "destination_type") ?? (kind === "image" || kind === "blank" ? "local" : "volume");
  const size = numberAt(mapping, "volume_size");
  switch (kind) {
    case "volume":
      freeVolume(call, uuid);
      return { kind: "volume", volumeId: uuid };
    case "image":
      if (destination === "local") {
        if (uuid !== imageRef) throw invalid("Mapping image to local is not supported.");
        return { kind: "local-image" };
      }
      if (size === undefined)
        throw invalid("Images with destination_type 'volume' need to have a non-zero size specified");
      return newVolume(call, mapping, {
        source: { kind: "image", imageId: visibleImageId(call, uuid) },
        sizeGiB: size,
      });
    case "snapshot": {
      const snapshot = call.cloud.state.snapshots.find(uuid);
      if (snapshot === undefined || snapshot.project_id !== call.actor.projectId)
        throw invalid(`failed to get snapshot ${uuid}.`);
      const sizeGiB = size ?? snapshot.size;
      return newVolume(call, mapping, { source: { kind: "snapshot", snapshotId: uuid }, sizeGiB });
    }
    case "blank":
      if (destination !== "volume") throw invalid("local blank disks are not part of this cloud.");
      if (size === undefined)
        throw invalid("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size");
      return newVolume(call, mapping, { source: { kind: "blank" }, sizeGiB: size });
    default:
      throw new ApiError(
        400,
        sentence(
          `Invalid input for field/attribute source_type. Value: ${kind}. '${kind}' is not`,
          "one of ['volume', 'image', 'snapshot', 'blank']",
        ),
      );
  }
}

function newVolume(
  call: Call,
  mapping: Json,
  wanted: { readonly source: VolumeSource; readonly sizeGiB: number },
): WantedDisk["from"] {
  return { kind: "new-volume", ...wanted, typeId: volumeTypeId(call.cloud, textAt(mapping, "volume_type")) };
}

function visibleImageId(call: Call, id: string): string {
  const image = call.cloud.state.images.find(id);
  const isOpen = image?.visibility === "public" || image?.visibility === "community";
  if (image === undefined || !(isOpen || call.actor.isAdmin || image.owner === call.actor.projectId))
    throw invalid(`failed to get image ${id}.`);
  return id;
}

function freeVolume(call: Call, id: string): VolumeRow {
  const row = call.cloud.state.volumes.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw invalid(`failed to get volume ${id}.`);
  if (row.status !== "available")
    throw new ApiError(
      400,
      `Invalid volume: volume '${id}' status must be 'available'. Currently in '${row.status}'`,
    );
  return visibleVolume(call, id);
}
