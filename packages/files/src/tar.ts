import type { FoundFile } from "@cairn/domain";

const BLOCK = 512;
const NAME_BYTES_MAX = 100;
const KIND_BITS = 0o170000;
const TYPES: Readonly<Record<number, string>> = {
  0o100000: "0",
  0o120000: "2",
  0o040000: "5",
  0o010000: "6",
};

/**
 * The head of an entry of a tar archive (POSIX "ustar", with GNU's long names and sizes), before the bytes of
 * a file. Devices and sockets have none: they would be of no use elsewhere, and a danger.
 */
export function tarEntry(file: FoundFile, name: string): Buffer | undefined {
  const type = TYPES[file.mode & KIND_BITS];
  if (type === undefined) return undefined;
  const path = type === "5" ? `${name}/` : name;
  const sizeBytes = type === "0" ? file.sizeBytes : 0;
  const target = type === "2" ? (file.target ?? "") : "";
  const entry = { path, target, type, sizeBytes, file };
  return Buffer.concat([...longText("L", path), ...longText("K", target), header(entry)]);
}

/** What follows the bytes of a file. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK - (sizeBytes % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** GNU's way for names and targets that have no room: an entry before the entry. */
function longText(type: "L" | "K", text: string): Buffer[] {
  const bytes = Buffer.from(`${text}\0`);
  if (bytes.length <= NAME_BYTES_MAX) return [];
  const sizeBytes = bytes.length;
  const head = header({ path: "././@LongLink", target: "", type, sizeBytes, file: undefined });
  return [head, bytes, tarPadding(sizeBytes)];
}

interface Entry {
  readonly path: string;
  readonly target: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly file: FoundFile | undefined;
}

function header({ path, target, type, sizeBytes, file }: Entry): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, NAME_BYTES_MAX);
  writeNumber(block, { at: 100, width: 8, value: (file?.mode ?? 0o644) & 0o7777 });
  writeNumber(block, { at: 108, width: 8, value: file?.uid ?? 0 });
  writeNumber(block, { at: 116, width: 8, value: file?.gid ?? 0 });
  writeNumber(block, { at: 124, width: 12, value: sizeBytes });
  writeNumber(block, { at: 136, width: 12, value: Math.max(0, file?.modifiedAt ?? 0) });
  block.write("        ", 148);
  block.write(type, 156);
  block.write(target, 157, NAME_BYTES_MAX);
  block.write("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** Octal digits, or, where they have no room, the number itself behind a byte 0x80. */
function writeNumber(
  block: Buffer,
  { at, width, value }: { readonly at: number; readonly width: number; readonly value: number },
): void {
  const digits = value.toString(8);
  if (digits.length < width) {
    block.write(`${digits.padStart(width - 1, "0")}\0`, at);
    return;
  }
  block.fill(0, at, at + width);
  block[at] = 0x80;
  block.writeBigUInt64BE(BigInt(value), at + width - 8);
}
