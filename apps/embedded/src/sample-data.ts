import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { MiB } from "@cairn/kernel";
import { collectRealFiles, makeFileSystem } from "./file-system.ts";

const run = promisify(execFile);

/** Disk images that the demo's instances are made of. */
export interface SampleImages {
  /** A qcow2 image with an ext4 file system, to boot from. */
  readonly system: string;
  /** Raw images with ext4 file systems, to be written into volumes. */
  readonly data: readonly [string, string];
}

const SYSTEM_BYTES = 192 * MiB;
const DATA_BYTES = 96 * MiB;

/** Makes the images in a folder from files of this machine. */
export async function makeSampleImages(folder: string, signal: AbortSignal): Promise<SampleImages> {
  const files = await collectRealFiles(220 * MiB, signal);
  const bytesOf = (index: number): number => files.slice(0, index).reduce((sum, file) => sum + file.bytes, 0);
  const cut = (bytes: number): number => {
    const index = files.findIndex((_, at) => bytesOf(at) >= bytes);
    return index === -1 ? files.length : index;
  };
  const [first, second] = [cut(110 * MiB), cut(160 * MiB)];
  const raw = join(folder, "system.raw");
  const system = join(folder, "system.qcow2");
  const data: [string, string] = [join(folder, "data-1.raw"), join(folder, "data-2.raw")];
  await makeFileSystem(raw, SYSTEM_BYTES, files.slice(0, first), signal);
  await makeFileSystem(data[0], DATA_BYTES, files.slice(first, second), signal);
  await makeFileSystem(data[1], DATA_BYTES, files.slice(second), signal);
  await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, system], { signal });
  return { system, data };
}
