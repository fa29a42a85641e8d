import { directoryStore } from "./directory.ts";
import { s3Store } from "./s3.ts";
import type { S3Options } from "./s3-link.ts";
import type { Store } from "./store.ts";
import type { TargetAddress } from "./target.ts";

/**
 * Opens a target. Nothing is asked of it yet. A store needs no closing: connections are shared by all
 * stores of the process, and idle ones do not keep it alive.
 */
export function openStore(target: TargetAddress, options: S3Options = {}): Store {
  switch (target.kind) {
    case "directory":
      return directoryStore(target.path, target.marker);
    case "s3":
      return s3Store(target, options);
  }
}
