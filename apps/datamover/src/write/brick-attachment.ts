import { readFile, realpath, stat, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { describeFault, Fault, hasCode } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { type Fields, fieldsOf, optionalText } from "../host/json.ts";
import type { OsBrick } from "../host/os-brick.ts";
import type { Scratch } from "../host/scratch.ts";
import { fileNode } from "../hypervisor/image-node.ts";
import type { DiskImage } from "../hypervisor/port.ts";

/** Folders of scratch that tell of volumes which os-brick connects. */
const NOTES = /^b-[a-z0-9]+$/;
const NOTE = "connection.json";

/** What attaching by os-brick works with. */
export interface BrickPlace {
  readonly osBrick: OsBrick;
  readonly scratch: Scratch;
  /** Below it lie volumes that are files; everything else is a device. */
  readonly attachmentsFolder: string;
  readonly log: Log;
}

/** A volume that os-brick connected; disposing disconnects it. */
export interface BrickAttachment extends AsyncDisposable {
  readonly image: DiskImage;
}

/**
 * Connects a volume through os-brick. What is connected stands in a note before it is: a datamover that is
 * killed leaves the note, and its successor disconnects. Faults: those of os-brick, `attachment-outside`.
 */
export async function attachByBrick(
  place: BrickPlace,
  connection: Fields,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<BrickAttachment> {
  const { osBrick, scratch, attachmentsFolder } = place;
  const noteName = `b-${name}`;
  const note = join(await scratch.open(noteName), NOTE);
  await keep(note, { connection, device: {} });
  let device: Fields = {};
  const disconnect = async (): Promise<void> => {
    if (await disconnected(place, { connection, device })) await scratch.remove(noteName);
  };
  try {
    device = await osBrick.connect(connection, signal);
    await keep(note, { connection, device });
    const image = await deviceImage(device, connection, attachmentsFolder);
    return { image, [Symbol.asyncDispose]: disconnect };
  } catch (cause) {
    // A connection that failed half-way may have logged in somewhere.
    await disconnect();
    throw cause;
  }
}

/** Disconnects what dead datamovers of this scratch folder left; gives how many there were. */
export async function disconnectOrphans(place: Omit<BrickPlace, "attachmentsFolder">): Promise<number> {
  const names = await place.scratch.list(NOTES);
  for (const name of names) {
    const left = await readNote(join(place.scratch.folderOf(name), NOTE));
    if (left === undefined || (await disconnected(place, left))) await place.scratch.remove(name);
  }
  return names.length;
}

interface Connected {
  readonly connection: Fields;
  readonly device: Fields;
}

/**
 * All that was written has been flushed by now, or is of no use: so what refuses to go in peace goes by
 * force. When even that fails, the note stays for the next start.
 */
async function disconnected(
  { osBrick, log }: Pick<BrickPlace, "osBrick" | "log">,
  { connection, device }: Connected,
): Promise<boolean> {
  for (const isForced of [false, true]) {
    try {
      await osBrick.disconnect(connection, device, isForced);
      return true;
    } catch (cause) {
      log.warn("os-brick.not-disconnected", { isForced, reason: describeFault(cause) });
    }
  }
  return false;
}

/** For our own user alone: a connection may hold the password of an initiator (CHAP). */
async function keep(path: string, connected: Connected): Promise<void> {
  await writeFile(path, JSON.stringify(connected), { mode: 0o600, flush: true });
}

/** A note that was never whole was written before anything was connected. */
async function readNote(path: string): Promise<Connected | undefined> {
  try {
    const note = fieldsOf(JSON.parse(await readFile(path, "utf8")));
    return { connection: fieldsOf(note["connection"]), device: fieldsOf(note["device"]) };
  } catch (cause) {
    if (cause instanceof SyntaxError || hasCode(cause, "ENOENT")) return undefined;
    throw cause;
  }
}

/** A device, or a file below the folder of attachments: whatever Cinder says, nothing else is written. */
async function deviceImage(device: Fields, connection: Fields, folder: string): Promise<DiskImage> {
  const named = optionalText(device, "path");
  if (named === undefined) throw new Fault("attachment-failed", "attaching: os-brick names no path", "later");
  const path = await realPath(named);
  const about = await stat(path);
  if (about.isBlockDevice() && path.startsWith("/dev/")) {
    // By the name that os-brick gave: it says which volume that is.
    return { path: named, format: "raw", storage: { driver: "host_device", filename: named } };
  }
  if (!about.isFile() || !path.startsWith(`${await realPath(folder)}${sep}`)) {
    const what = `attaching ${named}, which is no device and not in ${folder}`;
    throw new Fault("attachment-outside", what, "never");
  }
  return {
    path,
    format: optionalText(connection, "format") === "qcow2" ? "qcow2" : "raw",
    ...fileNode(path),
  };
}

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new Fault("attachment-failed", `attaching: finding ${path}`, "later", cause);
  }
}
