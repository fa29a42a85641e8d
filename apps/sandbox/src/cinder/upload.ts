import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { describeFault, newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { imagePath } from "../glance/images.ts";
import { convertImage, imageInfo } from "../hosts/qemu-img.ts";
import { type Answer, accepted, type Call } from "../http/answer.ts";
import { booleanAt, type Json, requiredText, textAt } from "../http/reading.ts";
import { plainTime } from "../state/moments.ts";
import type { ImageRow, VolumeRow } from "../state/storage-rows.ts";
import { invalidVolume, patchVolume } from "./volume-body.ts";
import { flushVolume, volumeFile } from "./volume-files.ts";

/** `os-volume_upload_image`: an image in Glance out of a volume. */
export function uploadVolume(call: Call, volume: VolumeRow, asked: Json): Answer {
  const { cloud, actor } = call;
  const force = booleanAt(asked, "force") ?? false;
  if (volume.status !== "available" && !(force && volume.status === "in-use"))
    throw invalidVolume(
      `Volume ${volume.id} status must be available, but current status is: ${volume.status}.`,
    );
  const now = plainTime(cloud.clock.now());
  const format = textAt(asked, "disk_format") ?? "raw";
  const image = cloud.state.images.put({
    id: newId<"image">(),
    name: requiredText(asked, "image_name"),
    status: "queued",
    visibility: "shared",
    owner: actor.projectId,
    disk_format: format,
    container_format: "bare",
    min_disk: 0,
    min_ram: 0,
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_value: null,
    os_hidden: false,
    protected: false,
    tags: [],
    properties: {},
    created_at: now,
    updated_at: now,
  });
  patchVolume(cloud, volume.id, { status: "uploading" });
  cloud.tasks.start(`volume ${volume.id} becomes image ${image.id}`, (signal) =>
    finish(cloud, volume, image, signal),
  );
  const body = {
    id: volume.id,
    status: "uploading",
    size: volume.size,
    image_id: image.id,
    image_name: image.name,
    container_format: "bare",
    disk_format: format,
    display_description: volume.description,
    updated_at: now,
  };
  return accepted({ "os-volume_upload_image": body });
}

async function finish(cloud: Cloud, volume: VolumeRow, image: ImageRow, signal: AbortSignal): Promise<void> {
  await cloud.clock.sleep(cloud.settings.transitionMs, signal);
  const format = image.disk_format ?? "raw";
  const path = imagePath(cloud, image.id);
  try {
    mkdirSync(dirname(path), { recursive: true });
    await flushVolume(cloud, volume.id);
    await convertImage(volumeFile(cloud, volume), { path, format }, signal);
    const { virtualBytes } = await imageInfo(path, format);
    const fields = { status: "active", size: statSync(path).size, virtual_size: virtualBytes } as const;
    cloud.state.images.patch(image.id, fields);
  } catch (error) {
    cloud.log("upload.failed", { volume: volume.id, error: describeFault(error) });
    cloud.state.images.patch(image.id, { status: "killed" });
  }
  patchVolume(cloud, volume.id, { status: volume.status });
}
