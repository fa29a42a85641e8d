import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { SandboxHooks } from "./sandbox-hooks.ts";

const run = promisify(execFile);

/** A disk of an instance in the sandbox. */
export interface DiskPlace {
  readonly instanceId: string;
  readonly device: string;
}

/**
 * The file of a disk, with everything in it that the guest wrote: the hook that reads a sector flushes QEMU
 * first. Nobody may write meanwhile.
 */
async function flushedFile(sandbox: SandboxHooks, { instanceId, device }: DiskPlace) {
  await sandbox.read(instanceId, device, 0, 512);
  const { disks } = await sandbox.domain(instanceId);
  const disk = disks.find((each) => each.device === device);
  if (disk === undefined) throw new Error(`instance ${instanceId} has no disk ${device}`);
  return disk;
}

/** Keeps the present content of a disk in a sparse raw file. */
export async function copyDisk(sandbox: SandboxHooks, place: DiskPlace, file: string): Promise<void> {
  const disk = await flushedFile(sandbox, place);
  await run("qemu-img", ["convert", "-U", "-f", disk.format, "-O", "raw", disk.path, file]);
}

/**
 * Whether a disk holds, byte for byte, what was kept of it (or of the disk that it was restored from), in the
 * same size.
 */
export async function isDiskIdentical(
  sandbox: SandboxHooks,
  place: DiskPlace,
  file: string,
): Promise<boolean> {
  return areIdentical(await flushedFile(sandbox, place), file);
}

/**
 * Whether an image that nobody writes to holds what a raw file does, in the same size. `qemu-img compare` is
 * the judge: it shares no code with what moved the bytes.
 */
export async function areIdentical(
  image: { readonly path: string; readonly format: string },
  file: string,
): Promise<boolean> {
  const images = ["-f", image.format, "-F", "raw", image.path, file];
  try {
    const { stdout } = await run("qemu-img", ["compare", "-U", ...images]);
    return stdout.includes("Images are identical") && !stdout.includes("size mismatch");
  } catch (cause) {
    // qemu-img(1): exit code 1 says that the images differ, 2 and above that it could not compare.
    if (cause instanceof Error && "code" in cause && cause.code === 1) return false;
    throw cause;
  }
}
