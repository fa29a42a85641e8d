import type { FoundFile } from "@cairn/domain";
import type { Frame } from "./frames.ts";

/** A disk, partition or logical volume. */
export interface VolumeFacts {
  /** `vda1`, `vdb`, `group/volume`. */
  readonly label: string;
  /** `ext4`, `xfs`, `swap`, `unknown` … */
  readonly format: string;
  /**
   * `readable`: it could be mounted, and was not wanted. `other`: nothing that can be mounted. `damaged`: it
   * should have been possible.
   */
  readonly state: "mounted" | "readable" | "damaged" | "other";
}

/** What comes back of a request, in its order: a volume comes before its files. */
export type Answer =
  | { readonly kind: "volume"; readonly volume: VolumeFacts }
  | { readonly kind: "file"; readonly file: FoundFile }
  /** Bytes of the file before. */
  | { readonly kind: "data"; readonly bytes: Buffer }
  /** What was asked for is a folder; its files follow. */
  | { readonly kind: "folder" }
  | { readonly kind: "absent" }
  /** There is more than was told. */
  | { readonly kind: "more" }
  /** A file could not be read to its end. */
  | { readonly kind: "broken"; readonly path: string };

const STATES = ["mounted", "readable", "damaged", "other"] as const;

/** The typed form of a frame, or nothing when it makes no sense. */
export function parseAnswer({ word, payload }: Frame): Answer | undefined {
  switch (word) {
    case "volume":
      return parseVolume(fieldsOf(payload));
    case "file":
      return parseFile(fieldsOf(payload));
    case "data":
      return { kind: "data", bytes: payload };
    case "broken":
      return { kind: "broken", path: showName(payload) };
    case "folder":
    case "absent":
    case "more":
      return { kind: word };
    default:
      return undefined;
  }
}

function fieldsOf(payload: Buffer): string[] {
  const fields: string[] = [];
  let from = 0;
  for (let at = payload.indexOf(0); at >= 0; at = payload.indexOf(0, from)) {
    fields.push(showName(payload.subarray(from, at)));
    from = at + 1;
  }
  return [...fields, showName(payload.subarray(from))];
}

function parseVolume([label = "", format = "", state]: readonly string[]): Answer | undefined {
  const known = STATES.find((each) => each === state);
  if (known === undefined || label === "") return undefined;
  return { kind: "volume", volume: { label, format, state: known } };
}

function parseFile([path = "", ...fields]: readonly string[]): Answer | undefined {
  const numbers = fields.slice(0, 9).map(Number);
  if (numbers.length < 9 || !path.startsWith("/")) return undefined;
  if (!numbers.every((each) => Number.isSafeInteger(each))) return undefined;
  const [mode = 0, sizeBytes = 0, uid = 0, gid = 0, links = 0, ...rest] = numbers;
  const [accessedAt = 0, modifiedAt = 0, changedAt = 0, inode = 0] = rest;
  const target = fields[9] ?? "";
  const file = { path, mode, sizeBytes, uid, gid, links, inode, accessedAt, modifiedAt, changedAt };
  return { kind: "file", file: target === "" ? file : { ...file, target } };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A name for people: UTF-8 where it is that, else its odd bytes as `\xNN`. */
export function showName(bytes: Buffer): string {
  try {
    return strict.decode(bytes);
  } catch {
    // Names are bytes; not all are text.
    return Array.from(bytes, (byte) =>
      byte >= 0x80 ? `\\x${byte.toString(16)}` : String.fromCharCode(byte),
    ).join("");
  }
}
