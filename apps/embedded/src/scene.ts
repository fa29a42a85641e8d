import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type BootedInstance,
  bootInstance,
  copyDisk,
  type Embedded,
  isDiskIdentical,
  type SampleInstance,
  uploadImage,
} from "@cairn/embedded";
import { KiB, MiB } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { makeSampleImages } from "./sample-data.ts";

/** A disk of the demo: whose, and under which device. */
export interface SceneDisk {
  readonly instance: string;
  readonly instanceId: string;
  readonly device: string;
}

/** The demo's project: its instances by name. */
export interface Scene {
  readonly instances: readonly BootedInstance[];
  readonly imageFolder: string;
}

const FLAVOR = "m1.nano";
const WRITES_PER_DISK = 6;

function sampleInstances(imageId: string): readonly SampleInstance[] {
  const image = { kind: "image", imageId } as const;
  const here = { flavor: FLAVOR, network: "private" };
  const data = (name: string, volumeType: string) => ({ name, sizeGiB: 1, volumeType });
  return [
    { ...here, name: "web", zone: "az1", boot: image, volumes: [] },
    {
      ...here,
      name: "database",
      zone: "az1",
      boot: image,
      volumes: [data("database-tables", "nfs-qcow2"), data("database-journal", "nfs-raw")],
    },
    {
      ...here,
      name: "shop",
      zone: "az1",
      boot: { kind: "volume", imageId, sizeGiB: 1, volumeType: "nfs-qcow2" },
      volumes: [],
    },
    { ...here, name: "legacy", zone: "az2", boot: image, volumes: [] },
  ];
}

/** Boots the demo's instances and gives the data volumes their file systems. */
export async function setScene(
  embedded: Embedded,
  cloud: Cloud,
  imageFolder: string,
  signal: AbortSignal,
): Promise<Scene> {
  const images = await makeSampleImages(imageFolder, signal);
  const image = { name: "ext4-system", file: images.system, diskFormat: "qcow2" } as const;
  const imageId = await uploadImage(cloud, image, signal);
  const instances = await Promise.all(
    sampleInstances(imageId).map((instance) => bootInstance(cloud, instance, signal)),
  );
  const database = instances.find((instance) => instance.name === "database");
  if (database !== undefined) {
    await embedded.sandbox.write(database.id, "vdb", 0, await readFile(images.data[0]));
    await embedded.sandbox.write(database.id, "vdc", 0, await readFile(images.data[1]));
  }
  return { instances, imageFolder };
}

/** Every disk of these instances. */
export async function disksOf(
  embedded: Embedded,
  instances: readonly { readonly id: string; readonly name: string }[],
): Promise<SceneDisk[]> {
  const disks: SceneDisk[] = [];
  for (const { id, name } of instances) {
    const domain = await embedded.sandbox.domain(id);
    for (const { device } of domain.disks) disks.push({ instance: name, instanceId: id, device });
  }
  return disks;
}

/** Writes random pieces into a disk as its guest would, while it runs. Returns the bytes written. */
export async function writeLikeAGuest(
  embedded: Embedded,
  disk: SceneDisk,
  rangeBytes: number,
): Promise<number> {
  let written = 0;
  for (let index = 0; index < WRITES_PER_DISK; index += 1) {
    const bytes = randomBytes(index % 2 === 0 ? 64 * KiB : 4 * KiB);
    const slots = Math.floor(rangeBytes / (64 * KiB));
    const offset = (randomBytes(4).readUInt32BE() % slots) * 64 * KiB;
    await embedded.sandbox.write(disk.instanceId, disk.device, offset, bytes);
    written += bytes.length;
  }
  return written;
}

/** The part of every disk of the demo that holds data. */
export const DATA_RANGE_BYTES = 96 * MiB;

function copyFile(scene: Scene, disk: { instance: string; device: string }): string {
  return join(scene.imageFolder, `${disk.instance}-${disk.device}.copy`);
}

/** Keeps copies of disks as they are now, to compare restored ones with. */
export async function keepCopies(
  embedded: Embedded,
  scene: Scene,
  disks: readonly SceneDisk[],
): Promise<void> {
  for (const disk of disks) {
    await copyDisk(embedded.sandbox, disk, copyFile(scene, disk));
  }
}

/** Compares a disk byte for byte with the copy of the disk that it was restored from. */
export async function isIdentical(
  embedded: Embedded,
  scene: Scene,
  disk: SceneDisk,
  original: { readonly instance: string; readonly device: string },
): Promise<boolean> {
  return isDiskIdentical(embedded.sandbox, disk, copyFile(scene, original));
}
