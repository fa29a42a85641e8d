import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Fault } from "@cairn/kernel";

/** A file of the console as it goes out. */
export interface Page {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
  /** Its name changes with its content, so a browser may keep it for ever. */
  readonly isLasting: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const LASTING = /^assets\//;
const compress = promisify(gzip);

/**
 * Every file of the built console, by its path below the folder. They are a few, small, and read once: what
 * is not among them cannot be asked for. Refuses a folder without an `index.html`.
 */
export async function readPages(folder: string): Promise<ReadonlyMap<string, Page>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pages = new Map<string, Page>();
  for (const file of files) {
    const contentType = TYPES[extname(file)];
    if (contentType === undefined) continue;
    const bytes = await readFile(file);
    const path = relative(folder, file).split(sep).join("/");
    pages.set(path, {
      contentType,
      bytes,
      gzipped: await compress(bytes, { level: 9 }),
      etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      isLasting: LASTING.test(path),
    });
  }
  if (pages.has("index.html")) return pages;
  const doing = `reading the console from ${folder}, which has no index.html`;
  throw new Fault("console-not-built", doing, "after-operator");
}
