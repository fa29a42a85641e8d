import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { bootInstance, uploadImage } from "@cairn/embedded";
import { MiB } from "@cairn/kernel";
import { makeWorkload, takeSnapshot } from "./job.ts";
import type { Tree } from "./tree.ts";

const DISK_BYTES = 24 * MiB;
/** What the file /etc/hosts of the instance `ledger` says. */
export const HOSTS = "127.0.0.1 localhost\n10.0.0.5 ledger\n";
/** To search or to read files a machine is started and looks into the disk. */
export const READ_MS = 120_000;

/** A snapshot with files in it, and its workload. */
export interface FilesWorld {
  readonly workload: string;
  readonly snapshot: string;
}

/** Makes the instance `ledger`, whose disk has files, in the workload `books`, and takes a snapshot of it. */
export async function makeFilesWorld(tree: Tree): Promise<FilesWorld> {
  const file = await makeDisk(tree);
  const imageId = await uploadImage(tree.cloud, { name: "files", file, diskFormat: "raw" }, tree.signal);
  const boot = { kind: "image", imageId } as const;
  const wanted = { name: "ledger", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes: [] };
  const ledger = await bootInstance(tree.cloud, wanted, tree.signal);
  const workload = await makeWorkload(tree, "books", [ledger.id]);
  return { workload, snapshot: (await takeSnapshot(tree, workload)).id };
}

/** An ext4 file system without partitions. */
async function makeDisk({ folder }: Tree): Promise<string> {
  const root = join(folder, "root");
  await mkdir(join(root, "etc"), { recursive: true });
  await writeFile(join(root, "etc/hosts"), HOSTS);
  await writeFile(join(root, "etc/hostname"), "ledger\n");
  const file = join(folder, "files.raw");
  const size = `${String(DISK_BYTES / 1024)}k`;
  await promisify(execFile)("mke2fs", ["-q", "-t", "ext4", "-d", root, file, size]);
  return file;
}
