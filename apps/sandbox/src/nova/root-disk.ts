import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Fault, GiB } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { imagePath } from "../glance/images.ts";
import type { NewDisk } from "../hosts/hypervisors.ts";
import { convertImage, createOverlay, growImage, imageInfo } from "../hosts/qemu-img.ts";
import { sentence } from "../http/answer.ts";
import type { ServerRow } from "../state/compute-rows.ts";

/**
 * The image as a raw file that instances of this host share, made on first use and named as Nova names
 * it.
 */
async function baseOf(cloud: Cloud, host: string, imageId: string): Promise<string> {
  const base = join(cloud.hypervisors.baseFolder(host), createHash("sha1").update(imageId).digest("hex"));
  await cloud.hypervisors.exclusive(base, async () => {
    if (existsSync(base)) return;
    const image = cloud.state.images.find(imageId);
    if (image === undefined) throw new Fault("image-gone", `Image ${imageId} could not be found.`, "never");
    const from = { path: imagePath(cloud, imageId), format: image.disk_format ?? "raw" };
    await convertImage(from, { path: `${base}.part`, format: "raw" }, cloud.tasks.signal);
    renameSync(`${base}.part`, base);
  });
  return base;
}

/** Makes the local root disk: an overlay over `_base`, or a raw copy of it, as the host is configured. */
export async function makeRootDisk(
  cloud: Cloud,
  server: ServerRow,
  host: string,
  imageId: string,
): Promise<NewDisk> {
  const base = await baseOf(cloud, host, imageId);
  const { virtualBytes } = await imageInfo(base, "raw");
  const flavorBytes = server.flavor.disk * GiB;
  if (flavorBytes > 0 && flavorBytes < virtualBytes)
    throw new Fault(
      "flavor-too-small",
      sentence(
        `Flavor's disk is too small for requested image. Flavor disk is ${flavorBytes}`,
        `bytes, image is ${virtualBytes} bytes.`,
      ),
      "never",
    );
  const sizeBytes = Math.max(flavorBytes, virtualBytes);
  const folder = cloud.hypervisors.folder(host, server.id);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "disk");
  const format = cloud.state.hosts.get(host).images_type;
  if (format === "qcow2") {
    await createOverlay(path, base, sizeBytes);
  } else {
    await convertImage({ path: base, format: "raw" }, { path, format: "raw" }, cloud.tasks.signal);
    if (sizeBytes > virtualBytes) await growImage({ path, format: "raw" }, sizeBytes);
  }
  return { device: "vda", path, format };
}
