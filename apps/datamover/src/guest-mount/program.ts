import { readFile } from "node:fs/promises";
import { GUEST_NAME, type MountedDisk, type MountInGuest, type UnmountInGuest } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import type { GuestProgram } from "../hypervisor/port.ts";

const SCRIPT = new URL("copies.sh", import.meta.url);
/** How long a guest may take to see a disk that was attached. */
const WAIT_S = 30;
/** Recovering the journal of a large file system takes a while; a guest that writes a lot, to unmount. */
const MOUNT_LIMIT_MS = 180_000;
const UNMOUNT_LIMIT_MS = 90_000;
/** All that a virtio disk tells of its serial (VIRTIO_BLK_ID_BYTES). */
const SERIAL_LENGTH = 20;
/**
 * The agent of some distributions has mounts of its own, which nobody else in the guest sees. `sh` reads the
 * script after this.
 */
const AMONG_ALL =
  'if [ "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" ] && ' +
  "nsenter -t 1 -m true 2>/dev/null; then exec nsenter -t 1 -m /bin/sh; fi; exec /bin/sh";

/** Where a guest has the file systems of a snapshot. */
export function baseOf(snapshotId: string): string {
  return `/mnt/cairn/${snapshotId}`;
}

/** How a guest knows a copy. */
export function serialOf({ volumeId }: Pick<MountedDisk, "volumeId">): string {
  return volumeId.slice(0, SERIAL_LENGTH);
}

/** What mounts the copies of the order. Fault `bad-order` for names that are not `GUEST_NAME`. */
export async function mountProgram({ snapshotId, disks }: MountInGuest): Promise<GuestProgram> {
  const copies = disks.map((disk) => {
    return [serialOf(disk), disk.folder, disk.device].map((each) => plain(each)).join(":");
  });
  return program("mount", snapshotId, { CAIRN_COPIES: copies.join(" ") }, MOUNT_LIMIT_MS);
}

/** What unmounts them. Fault `bad-order`, too. */
export async function unmountProgram({ snapshotId }: UnmountInGuest): Promise<GuestProgram> {
  return program("unmount", snapshotId, {}, UNMOUNT_LIMIT_MS);
}

/** Names reach the script as variables, never as a part of it. */
async function program(
  task: "mount" | "unmount",
  snapshotId: string,
  variables: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<GuestProgram> {
  return {
    path: "/bin/sh",
    words: ["-c", AMONG_ALL],
    environment: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C",
      CAIRN_TASK: task,
      CAIRN_BASE: baseOf(plain(snapshotId)),
      CAIRN_WAIT_S: String(WAIT_S),
      ...variables,
    },
    input: await readFile(SCRIPT, "utf8"),
    limitMs,
  };
}

function plain(name: string): string {
  if (GUEST_NAME.test(name)) return name;
  throw new Fault("bad-order", `using ${JSON.stringify(name)} as a name in a guest`, "never");
}
