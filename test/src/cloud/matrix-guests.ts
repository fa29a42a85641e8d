import { type BootedInstance, bootInstance, openGuests } from "@cairn/embedded";
import type { InstanceId } from "@cairn/kernel";
import type { CloudTree } from "./short-tree.ts";

/*
 * Two instances whose disks are of every kind: a qcow2 root that Nova made of an image, a volume that is a
 * file, an RBD volume, and an RBD volume to boot from. Each file system bears the name of its disk's kind, as
 * devices of a restored guest may be in another order.
 */

export type DiskKind = "qcow2-root" | "file-volume" | "rbd-volume" | "rbd-boot-volume" | "file-boot-volume";

export interface MatrixDisk {
  readonly kind: DiskKind;
  readonly folder: string;
  /** Of the file system; undefined for a root. */
  readonly label: string | undefined;
}

/** An instance of the matrix, as it is now. */
export interface MatrixInstance {
  readonly name: string;
  readonly id: InstanceId;
  readonly disks: readonly MatrixDisk[];
}

/** SHA-256 by path, by kind of disk. */
export type Contents = Readonly<Record<string, string>>;

const BOOT_MS = 240_000;
const FILE_KIB = 900;

export interface MadeMatrix {
  readonly instances: readonly MatrixInstance[];
  readonly booted: readonly BootedInstance[];
}

/** Boots both instances and makes file systems on their volumes. */
export async function makeMatrix(tree: CloudTree, prefix: string, hasCeph: boolean): Promise<MadeMatrix> {
  const { imageId, signal } = tree;
  const here = { network: "priv", zone: "nova" };
  const types = hasCeph ? ["nfs", "ceph"] : ["nfs"];
  const volumes = types.map((volumeType) => ({ name: `${prefix}-${volumeType}`, sizeGiB: 1, volumeType }));
  const volumeType = hasCeph ? "ceph" : "nfs";
  const boot = { kind: "volume", imageId, sizeGiB: 1, volumeType } as const;
  const [image, volume] = await Promise.all([
    bootInstance(
      tree.cloud,
      { ...here, name: `${prefix}-image`, flavor: "t1.disk", boot: { kind: "image", imageId }, volumes },
      signal,
    ),
    bootInstance(tree.cloud, { ...here, name: `${prefix}-volume`, flavor: "t1", boot, volumes: [] }, signal),
  ]);
  const root = { folder: "/data/matrix", label: undefined };
  const labelled = (kind: DiskKind): MatrixDisk => ({ kind, folder: `/mnt/${kind}`, label: kind });
  const first: MatrixInstance = {
    name: image.name,
    id: image.id,
    disks: [
      { kind: "qcow2-root", ...root },
      labelled("file-volume"),
      ...(hasCeph ? [labelled("rbd-volume")] : []),
    ],
  };
  const second: MatrixInstance = {
    name: volume.name,
    id: volume.id,
    disks: [{ kind: hasCeph ? "rbd-boot-volume" : "file-boot-volume", ...root }],
  };
  const devices = ["vdb", "vdc"];
  const making = first.disks
    .filter(({ label }) => label !== undefined)
    .map(({ label }, index) => `mkfs.ext4 -q -F -L ${label ?? ""} /dev/${devices[index] ?? ""}`);
  await inGuest(tree, first.id, making.join(" && "));
  return { instances: [first, second], booted: [image, volume] };
}

/** Writes a file of random bytes to every disk; all are on the disks when it resolves. */
export async function writeMatrix(
  tree: CloudTree,
  instances: readonly MatrixInstance[],
  file: string,
): Promise<void> {
  for (const { id, disks } of instances) {
    const writes = disks.map(
      (disk) => `${mounting(disk)}
dd if=/dev/urandom of=${disk.folder}/${file} bs=1024 count=${FILE_KIB} 2>/dev/null || exit 1`,
    );
    await inGuest(tree, id, `${writes.join("\n")}\nsync`);
  }
}

/** Overwrites the beginning of every file, as ransomware would. */
export async function spoilMatrix(tree: CloudTree, instances: readonly MatrixInstance[]): Promise<void> {
  for (const { id, disks } of instances) {
    const spoils = disks.map(
      (disk) => `${mounting(disk)}
for file in ${disk.folder}/*; do
  [ ! -f $file ] || dd if=/dev/urandom of=$file bs=65536 count=2 conv=notrunc 2>/dev/null || exit 1
done`,
    );
    await inGuest(tree, id, `${spoils.join("\n")}\nsync`);
  }
}

/** Every file of the matrix, `kind file` to its hash, read from the disks and not from a guest's memory. */
export async function readMatrix(tree: CloudTree, instances: readonly MatrixInstance[]): Promise<Contents> {
  const found: Record<string, string> = {};
  for (const { id, disks } of instances) {
    for (const disk of disks) {
      const script = `${mounting(disk)}
echo 3 >/proc/sys/vm/drop_caches
cd ${disk.folder} && find . -type f | sort | xargs sha256sum`;
      const lines = (await inGuest(tree, id, script)).trim().split("\n");
      for (const [hash = "", path = ""] of lines.map((line) => line.split(/\s+/)))
        found[`${disk.kind} ${path}`] = hash;
    }
  }
  return found;
}

/** By its label, wherever the disk is. */
function mounting({ folder, label }: MatrixDisk): string {
  if (label === undefined) return `mkdir -p ${folder} || exit 1`;
  const device = `$(blkid | grep 'LABEL="${label}"' | cut -d: -f1)`;
  return `mkdir -p ${folder}
grep -q " ${folder} " /proc/mounts || mount -t ext4 ${device} ${folder} || exit 1`;
}

async function inGuest(tree: CloudTree, id: InstanceId, script: string): Promise<string> {
  using guests = await openGuests(tree.place.libvirtSocket, tree.signal);
  const guest = await guests.of(id, { withinMs: BOOT_MS, signal: tree.signal });
  return await guest.run(script, tree.signal);
}
