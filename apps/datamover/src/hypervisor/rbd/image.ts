import { Fault, hasCode } from "@cairn/kernel";
import { fieldsOf, listOf, numberField, optionalText, textField } from "../../host/json.ts";
import type { RbdImage } from "../image-node.ts";
import type { Stretch } from "../port.ts";
import { readDiff } from "./diff.ts";
import type { RbdTool } from "./tool.ts";

/** A snapshot of ours, `cairn-<snapshot id>`: no other one is ever touched. */
const OURS = /^cairn-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What an image is. */
export interface ImageFacts {
  /** Stays the same when it is renamed or lies in the trash. */
  readonly id: string;
  readonly features: readonly string[];
}

/** One of its snapshots. */
export interface ImageSnapshot {
  readonly name: string;
  readonly sizeBytes: number;
}

/** An image by its name, or by its id when the name may have changed. */
export type ImageRef = Pick<RbdImage, "pool"> & ({ readonly image: string } | { readonly id: string });

/** Whether a snapshot carries our mark. */
export function isOurs(name: string): boolean {
  return OURS.test(name);
}

/** What the image is; Fault `disk-unreadable` when it is not there. */
export async function imageFacts(tool: RbdTool, ref: ImageRef, signal: AbortSignal): Promise<ImageFacts> {
  const text = await tool.ask(["info", ...imageWords(ref), "--format", "json"], signal);
  if (text === undefined) throw new Fault("disk-unreadable", `image ${nameOf(ref)} is not there`, "later");
  const answer = fieldsOf(JSON.parse(text));
  return { id: textField(answer, "id", FROM), features: textsOf(answer["features"]) };
}

const FROM = "what rbd says of an image";

/** What is wrong with the object map of a snapshot, in Ceph's words; undefined when there is no snapshot. */
export async function snapshotFlags(
  tool: RbdTool,
  ref: ImageRef,
  snapshot: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const words = ["info", ...imageWords(ref), "--snap", snapshot, "--format", "json"];
  const text = await tool.ask(words, signal);
  return text === undefined ? undefined : textsOf(fieldsOf(JSON.parse(text))["flags"]);
}

/** All snapshots, whosesoever they are; undefined when there is no image. */
export async function listSnapshots(
  tool: RbdTool,
  ref: ImageRef,
  signal: AbortSignal,
): Promise<readonly ImageSnapshot[] | undefined> {
  const text = await tool.ask(["snap", "ls", ...imageWords(ref), "--format", "json"], signal);
  if (text === undefined) return undefined;
  return listOf(JSON.parse(text)).map((each) => ({
    name: optionalText(each, "name") ?? "",
    sizeBytes: numberField(each, "size", FROM),
  }));
}

/** Makes a snapshot of ours. QEMU, which has the image's lock, flushes what it holds and does it. */
export async function makeSnapshot(
  tool: RbdTool,
  ref: ImageRef,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const words = ["snap", "create", ...imageWords(ref), "--snap", name, "--no-progress"];
  if ((await tool.ask(words, signal)) === undefined)
    throw new Fault("disk-unreadable", `image ${nameOf(ref)} is not there`, "later");
}

/** Removes a snapshot of ours. Absent is removed. */
export async function removeSnapshot(
  tool: RbdTool,
  ref: ImageRef,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  if (!isOurs(name)) return;
  await tool.ask(["snap", "rm", ...imageWords(ref), "--snap", name, "--no-progress"], signal);
}

/** What differs between two snapshots, in whole objects. */
export async function listChanges(
  tool: RbdTool,
  ref: ImageRef,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal,
): Promise<readonly Stretch[]> {
  const words = ["diff", "--whole-object", "--from-snap", from, ...imageWords(ref), "--snap", to];
  const text = await tool.ask([...words, "--format", "json"], signal);
  if (text === undefined) throw new Fault("point-lost", `a snapshot of ${nameOf(ref)} has gone`, "later");
  return readDiff(text);
}

/**
 * Deletes an image from the trash if it is there, has no snapshot, and its time there is over: Cinder puts a
 * volume there that cannot be deleted because it has a snapshot, and does not come back for it
 * (cinder/volume/drivers/rbd.py, `_try_remove_volume`). Tells whether it did.
 */
export async function deleteFromTrash(
  tool: RbdTool,
  { pool, id }: { readonly pool: string; readonly id: string },
  signal: AbortSignal,
): Promise<boolean> {
  const text = (await tool.ask(["trash", "ls", "--pool", pool, "--format", "json"], signal)) ?? "[]";
  if (!listOf(JSON.parse(text)).some((each) => optionalText(each, "id") === id)) return false;
  const left = await listSnapshots(tool, { pool, id }, signal);
  if (left === undefined || left.length > 0) return false;
  try {
    await tool.ask(["trash", "rm", "--pool", pool, "--image-id", id, "--no-progress"], signal);
    return true;
  } catch (cause) {
    // It has a clone, or Cinder deletes later (`enable_deferred_deletion`), and then does it itself.
    if (hasCode(cause, "rbd-failed")) return false;
    throw cause;
  }
}

function imageWords(ref: ImageRef): readonly string[] {
  return ["--pool", ref.pool, ...("id" in ref ? ["--image-id", ref.id] : ["--image", ref.image])];
}

function nameOf(ref: ImageRef): string {
  return `${ref.pool}/${"id" in ref ? ref.id : ref.image}`;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
