import type { Guest } from "@cairn/embedded";

/** Files by path, with their SHA-256 as the guest computes it. */
export type Files = Readonly<Record<string, string>>;

/** A folder on the root disk, and where the first extra disk is mounted. */
export const FOLDERS = ["/data", "/mnt/vdb"] as const;
const FILE_KIB = 600;

/** Makes a file system on the extra disk, and the folders to write in. */
export async function prepareFolders(guest: Guest, signal: AbortSignal): Promise<void> {
  await guest.run("mkdir -p /data /mnt/vdb && mkfs.ext4 -q -F /dev/vdb", signal);
  await mountFolders(guest, signal);
}

/** Mounts the extra disk where it is not. */
export async function mountFolders(guest: Guest, signal: AbortSignal): Promise<void> {
  const mount = "mkdir -p /mnt/vdb && mount -t ext4 /dev/vdb /mnt/vdb";
  await guest.run(`grep -q " /mnt/vdb " /proc/mounts || { ${mount}; }`, signal);
}

/** Writes a file of random bytes into each folder; it is on the disks when this resolves. */
export async function writeFiles(guest: Guest, name: string, signal: AbortSignal): Promise<void> {
  for (const folder of FOLDERS) {
    const write = `dd if=/dev/urandom of=${folder}/${name} bs=1024 count=${String(FILE_KIB)} 2>/dev/null`;
    await guest.run(`${write} && sync`, signal);
  }
}

/** Every file in the folders, read from the disks and not from the guest's memory. */
export async function readFiles(guest: Guest, signal: AbortSignal): Promise<Files> {
  const find = `find ${FOLDERS.join(" ")} -type f | sort | xargs sha256sum`;
  const text = await guest.run(`echo 3 > /proc/sys/vm/drop_caches; ${find}`, signal);
  return Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/).toReversed() as [string, string]),
  );
}
