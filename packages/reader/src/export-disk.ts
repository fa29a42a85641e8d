import { Rejection } from "@cairn/kernel";
import type { CommittedDisk, RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";
import {
  type BlockDestination,
  fileDestination,
  openTransfer,
  RESTORE_WORKERS,
  type TransferProgress,
} from "@cairn/transfer";
import { makeFile, type OutputFile } from "./output-file.ts";
import { createQcow2 } from "./qcow2-file.ts";

export type ExportFormat = "raw" | "qcow2";

export interface ExportRequest {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly disk: CommittedDisk;
  readonly format: ExportFormat;
  readonly output: OutputFile;
  /** Worker threads; 3 unless told. */
  readonly workers?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
  readonly signal: AbortSignal;
}

export interface ExportedDisk {
  readonly path: string;
  readonly format: ExportFormat;
  readonly sizeBytes: number;
  /** Bytes of data; the rest of the disk is zeroes, which take no room. */
  readonly writtenBytes: number;
}

/**
 * Writes a disk of a snapshot to a file. Every chunk is authenticated first; damage is a Fault that names
 * disk and offset, and leaves no file. Rejections and Faults of `makeFile` and `writeDisk`.
 */
export async function exportDisk(request: ExportRequest): Promise<ExportedDisk> {
  const { disk, format, output } = request;
  const written = await makeFile(output, async (path) =>
    format === "raw" ? writeRaw(request, path) : writeQcow2(request, path),
  );
  return { path: output.path, format, sizeBytes: disk.sizeBytes, writtenBytes: written };
}

async function writeRaw(request: ExportRequest, path: string): Promise<number> {
  const { sizeBytes } = request.disk;
  await using destination = await fileDestination({ path, sizeBytes, kind: "new", durable: true });
  return await writeTo(request, destination);
}

async function writeQcow2(request: ExportRequest, path: string): Promise<number> {
  await using destination = await createQcow2(path, request.disk.sizeBytes);
  const written = await writeTo(request, destination);
  await destination.finish();
  return written;
}

async function writeTo(request: ExportRequest, destination: BlockDestination): Promise<number> {
  const { store, handle, disk, workers = RESTORE_WORKERS, onProgress, signal } = request;
  const transfer = await openTransfer({
    store,
    ...handle,
    indexSegments: [],
    workers,
    signal,
  });
  try {
    const { writtenBytes } = await transfer.writeDisk({
      root: disk.root,
      disk: disk.diskId,
      destination,
      mode: "whole",
      ...(onProgress === undefined ? {} : { onProgress }),
      signal,
    });
    return writtenBytes;
  } finally {
    await transfer.close();
  }
}

/**
 * The disk that a person means: by its id, its device (`vda`, `/dev/vda`), or `instance:device`. With none
 * given, the only one. Rejections say which there are.
 */
export function chooseDisk(
  disks: readonly CommittedDisk[],
  wanted: string | undefined,
  instanceNames: ReadonlyMap<string, string>,
): CommittedDisk {
  const found = wanted === undefined ? disks : disks.filter((disk) => isCalled(disk, wanted, instanceNames));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const names = disks.map((disk) => diskName(disk, disks, instanceNames)).join(", ");
  const message =
    wanted === undefined
      ? `The snapshot has ${disks.length} disks.`
      : `${found.length === 0 ? "No disk" : "More than one disk"} of the snapshot is called ${wanted}.`;
  throw new Rejection(message, {
    status: found.length === 0 && wanted !== undefined ? 404 : 400,
    field: "--disk",
    value: wanted,
    remedy: disks.length === 0 ? "It has no disks at all." : `Choose one of ${names}.`,
  });
}

function isCalled(disk: CommittedDisk, wanted: string, instanceNames: ReadonlyMap<string, string>): boolean {
  if (disk.diskId === wanted || bare(disk.device) === bare(wanted)) return true;
  const at = wanted.lastIndexOf(":");
  if (at < 0) return false;
  const instance = wanted.slice(0, at);
  const isInstance = disk.instanceId === instance || instanceNames.get(disk.instanceId) === instance;
  return isInstance && bare(disk.device) === bare(wanted.slice(at + 1));
}

function bare(device: string): string {
  return device.replace(/^\/dev\//, "");
}

/** The shortest name that means this disk alone: `vda`, `web-1:vda`, or its id. */
export function diskName(
  disk: CommittedDisk,
  disks: readonly CommittedDisk[],
  instanceNames: ReadonlyMap<string, string>,
): string {
  const choices = [
    bare(disk.device),
    `${instanceNames.get(disk.instanceId) ?? disk.instanceId}:${bare(disk.device)}`,
  ];
  const alone = choices.find(
    (name) => disks.filter((each) => isCalled(each, name, instanceNames)).length === 1,
  );
  return alone ?? disk.diskId;
}
