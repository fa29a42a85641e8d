import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { KiB } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { imageInfo } from "../hosts/qemu-img.ts";
import { type Answer, ApiError, type Call, noContent, param, type Route, route } from "../http/answer.ts";
import { streamOf } from "../http/serve.ts";
import { plainTime } from "../state/moments.ts";
import type { ImageRow } from "../state/storage-rows.ts";
import { imagePath, ownImage, visibleImage } from "./images.ts";

interface Stored {
  readonly sizeBytes: number;
  readonly md5: string;
  readonly sha512: string;
}

const ZEROES = Buffer.alloc(64 * KiB);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROES.length) {
    const part = bytes.subarray(at, at + ZEROES.length);
    if (!part.equals(ZEROES.subarray(0, part.length))) return false;
  }
  return true;
}

/** Writes the stream to the file, leaving holes where whole pieces are zero. */
async function store(stream: Readable, path: string): Promise<Stored> {
  const md5 = createHash("md5");
  const sha512 = createHash("sha512");
  const handle = await open(path, "w");
  let sizeBytes = 0;
  try {
    for await (const piece of stream) {
      const bytes = piece as Buffer;
      md5.update(bytes);
      sha512.update(bytes);
      if (!isZero(bytes)) await handle.write(bytes, 0, bytes.length, sizeBytes);
      sizeBytes += bytes.length;
    }
    await handle.truncate(sizeBytes);
  } finally {
    await handle.close();
  }
  return { sizeBytes, md5: md5.digest("hex"), sha512: sha512.digest("hex") };
}

async function upload(call: Call): Promise<Answer> {
  const { cloud } = call;
  const row = ownImage(call, "upload_image");
  const stream = streamOf(call.body);
  if (row.disk_format === null || row.container_format === null)
    throw new ApiError(400, "Properties disk_format, container_format must be set prior to saving data.");
  if (row.status !== "queued")
    throw new ApiError(409, `Image status transition from ${row.status} to saving is not allowed`);
  cloud.state.images.patch(row.id, { status: "saving" });
  const path = imagePath(cloud, row.id);
  mkdirSync(dirname(path), { recursive: true });
  try {
    const stored = await store(stream, `${path}.part`);
    renameSync(`${path}.part`, path);
    await activate(cloud, row, stored);
  } catch (error) {
    rmSync(`${path}.part`, { force: true });
    // A broken upload leaves the image queued, so that it can be sent again.
    if (cloud.state.images.find(row.id) !== undefined) cloud.state.images.patch(row.id, { status: "queued" });
    throw error;
  }
  return noContent;
}

async function activate(cloud: Cloud, row: ImageRow, stored: Stored): Promise<void> {
  const format = row.disk_format ?? "raw";
  const isDisk = format === "raw" || format === "qcow2";
  const virtual =
    isDisk && stored.sizeBytes > 0 ? await imageInfo(imagePath(cloud, row.id), format) : undefined;
  if (cloud.state.images.find(row.id) === undefined)
    throw new ApiError(410, "Image was deleted while it was uploaded.");
  cloud.state.images.patch(row.id, {
    status: "active",
    size: stored.sizeBytes,
    virtual_size: virtual?.virtualBytes ?? null,
    checksum: stored.md5,
    os_hash_value: stored.sha512,
    updated_at: plainTime(cloud.clock.now()),
  });
}

function download(call: Call): Answer {
  const row = visibleImage(call, param(call, "id"));
  if (row.status === "deactivated")
    throw new ApiError(403, "The requested image has been deactivated. Image data download is forbidden.");
  if (row.status !== "active" || row.size === null) return noContent;
  const headers = {
    "Content-Length": String(row.size),
    ...(row.checksum === null ? {} : { "Content-MD5": row.checksum }),
  };
  return { status: 200, body: createReadStream(imagePath(call.cloud, row.id)), headers };
}

function switchTo(status: "active" | "deactivated"): (call: Call) => Answer {
  return (call) => {
    const row = ownImage(call, status === "active" ? "reactivate" : "deactivate");
    if (row.status !== "active" && row.status !== "deactivated")
      throw new ApiError(403, `Not allowed to change an image in status '${row.status}'`);
    call.cloud.state.images.patch(row.id, { status });
    return noContent;
  };
}

/** The data of images, and switching them off and on. */
export const dataRoutes: readonly Route[] = [
  route("PUT /v2/images/:id/file", "upload_image", "member", upload),
  route("GET /v2/images/:id/file", "download_image", "reader", download),
  route("POST /v2/images/:id/actions/deactivate", "deactivate", "admin", switchTo("deactivated")),
  route("POST /v2/images/:id/actions/reactivate", "reactivate", "admin", switchTo("active")),
];
