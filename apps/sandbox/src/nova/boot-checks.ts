import { GiB } from "@cairn/kernel";
import { ApiError, type Call, sentence } from "../http/answer.ts";
import type { FlavorRow } from "../state/compute-rows.ts";
import type { ImageRow } from "../state/storage-rows.ts";

/** The flavor that a server asks for, by id or by the link of older clients. */
export function flavorFor(call: Call, reference: string): FlavorRow {
  const id = reference.split("/").at(-1) ?? "";
  const flavor = call.cloud.state.flavors.find(id);
  if (flavor === undefined) throw new ApiError(400, `Flavor ${id} could not be found.`);
  return flavor;
}

/** What Nova's API checks between image and flavor before it answers. */
export function checkImage(call: Call, imageId: string, flavor: FlavorRow): ImageRow {
  const image = call.cloud.state.images.find(imageId);
  const isOpen = image?.visibility === "public" || image?.visibility === "community";
  if (image === undefined || !(isOpen || call.actor.isAdmin || image.owner === call.actor.projectId))
    throw new ApiError(400, "Can not find requested image");
  if (image.status !== "active") throw new ApiError(400, `Image ${imageId} is not active.`);
  if (flavor.ram < image.min_ram)
    throw new ApiError(400, "Flavor's memory is too small for requested image.");
  checkDisk(image, flavor);
  return image;
}

function checkDisk(image: ImageRow, flavor: FlavorRow): void {
  const flavorBytes = flavor.disk * GiB;
  if (flavorBytes === 0) return;
  const sizeBytes = image.size ?? 0;
  if (flavorBytes < sizeBytes)
    throw new ApiError(
      400,
      sentence(
        `Flavor's disk is too small for requested image. Flavor disk is ${flavorBytes}`,
        `bytes, image is ${sizeBytes} bytes.`,
      ),
    );
  const leastBytes = image.min_disk * GiB;
  if (flavorBytes < leastBytes)
    throw new ApiError(
      400,
      sentence(
        "Flavor's disk is smaller than the minimum size specified in image metadata.",
        `Flavor disk is ${flavorBytes} bytes, minimum size is ${leastBytes} bytes.`,
      ),
    );
}
