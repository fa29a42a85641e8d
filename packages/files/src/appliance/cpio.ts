/** What lies in the first file system of a machine. */
export type CpioEntry =
  | { readonly kind: "folder"; readonly name: string }
  | { readonly kind: "file"; readonly name: string; readonly bytes: Uint8Array };

const FOLDER_MODE = 0o040755;
const FILE_MODE = 0o100755;
const TRAILER = "TRAILER!!!";

/**
 * An archive as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst, "newc"):
 * thirteen numbers of eight hex digits, the name, the bytes, each padded to four. All belongs to root.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) =>
    entry.kind === "folder"
      ? entryParts({ inode: index + 1, mode: FOLDER_MODE, name: entry.name, bytes: new Uint8Array() })
      : entryParts({ inode: index + 1, mode: FILE_MODE, name: entry.name, bytes: entry.bytes }),
  );
  return Buffer.concat([
    ...parts,
    ...entryParts({ inode: 0, mode: 0, name: TRAILER, bytes: new Uint8Array() }),
  ]);
}

interface Header {
  readonly inode: number;
  readonly mode: number;
  readonly name: string;
  readonly bytes: Uint8Array;
}

function entryParts({ inode, mode, name, bytes }: Header): Uint8Array[] {
  const called = Buffer.from(`${name}\0`);
  const numbers = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, called.length, 0];
  const head = Buffer.from(`070701${numbers.map((each) => each.toString(16).padStart(8, "0")).join("")}`);
  return [head, called, padding(head.length + called.length), bytes, padding(bytes.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
