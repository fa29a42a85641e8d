import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { hasCode } from "@cairn/kernel";
import type { ConfigFile } from "./config/file.ts";

/** Written beside and renamed: a reader sees the former text or the new one. */
export function writeWhole(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const next = `${path}.next`;
  writeFileSync(next, text, { mode });
  // The mask of the caller must not take away what other users of the cloud need to read.
  chmodSync(next, mode);
  renameSync(next, path);
}

/** Says whether something changed. */
export function writeConfig({ path, text, mode }: ConfigFile): boolean {
  if (readIfThere(path) === text) return false;
  writeWhole(path, text, mode);
  return true;
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw cause;
  }
}

/** Folders that all users of the machine may enter: MariaDB, RabbitMQ and QEMU are not root. */
export function makeFolders(paths: readonly string[]): void {
  for (const path of paths) {
    if (existsSync(path)) continue;
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
  }
}
