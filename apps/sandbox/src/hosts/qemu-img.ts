import { execFile } from "node:child_process";
import { Fault, MiB } from "@cairn/kernel";
import { isJson, jsonOf } from "../http/reading.ts";

/** Long enough for a sparse terabyte on a busy machine. */
const COMMAND_MS_MAX = 300_000;

/** Runs a program to its end and gives what it printed; a Fault carries its complaint. */
export function runCommand(
  program: string,
  parameters: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const done = Promise.withResolvers<string>();
  const options = {
    timeout: COMMAND_MS_MAX,
    maxBuffer: 64 * MiB,
    ...(signal === undefined ? {} : { signal }),
  };
  execFile(program, [...parameters], options, (error, stdout, stderr) => {
    if (error === null) done.resolve(stdout);
    else
      done.reject(
        new Fault("command-failed", `${program} ${parameters[0] ?? ""}: ${stderr.trim()}`, "never", error),
      );
  });
  return done.promise;
}

export interface ImageInfo {
  readonly format: string;
  readonly virtualBytes: number;
  readonly bitmaps: readonly { readonly name: string; readonly flags: readonly string[] }[];
  readonly backingFile: string | undefined;
}

/** What `qemu-img info` says; without a format it is probed. Works beside a running QEMU. */
export async function imageInfo(path: string, format?: string): Promise<ImageInfo> {
  const text = await runCommand("qemu-img", [
    "info",
    "-U",
    "--output=json",
    ...(format === undefined ? [] : ["-f", format]),
    path,
  ]);
  const info = jsonOf(JSON.parse(text));
  const data = jsonOf(jsonOf(info["format-specific"])["data"]);
  const bitmaps = Array.isArray(data["bitmaps"]) ? data["bitmaps"].filter(isJson) : [];
  return {
    format: String(info["format"]),
    virtualBytes: Number(info["virtual-size"]),
    bitmaps: bitmaps.map((each) => ({
      name: String(each["name"]),
      flags: Array.isArray(each["flags"]) ? each["flags"].map(String) : [],
    })),
    backingFile: typeof info["backing-filename"] === "string" ? info["backing-filename"] : undefined,
  };
}

export interface ImageFile {
  readonly path: string;
  readonly format: string;
}

/** Copies an image's whole present content, sparse; the source may be in use by a running QEMU. */
export async function convertImage(from: ImageFile, to: ImageFile, signal?: AbortSignal): Promise<void> {
  await runCommand(
    "qemu-img",
    ["convert", "-U", "-f", from.format, "-O", to.format, from.path, to.path],
    signal,
  );
}

export async function createImage(file: ImageFile, sizeBytes: number): Promise<void> {
  await runCommand("qemu-img", ["create", "-q", "-f", file.format, file.path, String(sizeBytes)]);
}

/** A qcow2 file over a raw one, as Nova makes the root disk of an instance over `_base`. */
export async function createOverlay(path: string, basePath: string, sizeBytes: number): Promise<void> {
  await runCommand("qemu-img", [
    "create",
    "-q",
    "-f",
    "qcow2",
    "-F",
    "raw",
    "-b",
    basePath,
    path,
    String(sizeBytes),
  ]);
}

export async function growImage(file: ImageFile, sizeBytes: number): Promise<void> {
  await runCommand("qemu-img", ["resize", "-q", "-f", file.format, file.path, String(sizeBytes)]);
}

export interface MappedExtent {
  readonly offset: number;
  readonly length: number;
  readonly data: boolean;
}

/** Where a raw file holds data, ascending and without gaps. */
export async function mapRaw(path: string): Promise<MappedExtent[]> {
  const parsed: unknown = JSON.parse(
    await runCommand("qemu-img", ["map", "-f", "raw", "--output=json", path]),
  );
  if (!Array.isArray(parsed)) return [];
  return parsed.filter(isJson).map((each) => ({
    offset: Number(each["start"]),
    length: Number(each["length"]),
    data: each["data"] === true && each["zero"] !== true,
  }));
}
