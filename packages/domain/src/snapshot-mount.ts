/*
 * A mounted snapshot: copies of its disks, as volumes of the project, attached to an instance of the project
 * whose guest has mounted their file systems.
 */

/** The key of a copy's metadata that says of which snapshot it is: nothing without it is ever deleted. */
export const MOUNT_KEY = "cairn_mount";

/** Where guests have the file systems of a snapshot, below which each instance of it has a folder. */
export function mountRoot(snapshotId: string): string {
  return `/mnt/cairn/${snapshotId}`;
}

const FOLDER_CHARACTERS_MAX = 255;

/** The folder of an instance: its name and id, in letters that no shell and no file system minds. */
export function mountFolder({ id, name }: { readonly id: string; readonly name: string }): string {
  const suffix = `_${plain(id)}`;
  return `${plain(name).slice(0, FOLDER_CHARACTERS_MAX - suffix.length)}${suffix}`;
}

function plain(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/gu, "_");
}

const DEVICE_CHARACTERS_MAX = 32;

/** What a disk is called in its folder: its device; an odd one is freed of what no file name should have. */
export function mountDevice(device: string): string {
  const letters = device.replaceAll(/[^A-Za-z0-9]/gu, "").slice(0, DEVICE_CHARACTERS_MAX);
  return letters === "" ? "disk" : letters;
}

/** An address of an instance, as Nova tells it. */
export interface MountAddress {
  readonly address: string;
  readonly version: 4 | 6;
  readonly kind: "fixed" | "floating" | undefined;
}

/**
 * Where a person finds what is mounted: over SFTP, which every guest with SSH serves, at the address that
 * reaches furthest. Empty for an instance without an address.
 */
export function mountUrl(addresses: readonly MountAddress[], snapshotId: string): string {
  const [best] = addresses.toSorted((left, right) => rank(left) - rank(right));
  if (best === undefined) return "";
  const host = best.version === 6 ? `[${best.address}]` : best.address;
  return `sftp://${host}${mountRoot(snapshotId)}`;
}

function rank({ kind, version }: MountAddress): number {
  return (kind === "floating" ? 0 : 2) + (version === 4 ? 0 : 1);
}

/** A copy of a disk that is attached to the mount instance. */
export interface MountedCopy {
  readonly volumeId: string;
  /** Of the disk that it is a copy of. */
  readonly diskId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  readonly device: string;
}

/** A file system of a copy, where the guest has it. */
export interface MountedFileSystem {
  readonly volumeId: string;
  readonly path: string;
  readonly fileSystem: string;
}
