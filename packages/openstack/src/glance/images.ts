import type { ProjectId } from "@cairn/kernel";
import type { Json, JsonObject } from "../wire/json.ts";
import type { WaitLimit } from "../wire/waiting.ts";

export interface Image {
  readonly id: string;
  readonly name: string;
  /** queued, saving, active, deactivated, killed, deleted, … */
  readonly status: string;
  readonly visibility: string;
  readonly owner: ProjectId | undefined;
  /** Bytes that are stored; undefined before the upload. */
  readonly sizeBytes: number | undefined;
  /** Bytes that a guest sees, when Glance knows. */
  readonly virtualSizeBytes: number | undefined;
  readonly diskFormat: string | undefined;
  readonly containerFormat: string | undefined;
  readonly minDiskGiB: number;
  readonly minRamMiB: number;
  readonly checksum: string | undefined;
  readonly isProtected: boolean;
  readonly isHidden: boolean;
  readonly tags: readonly string[];
  /** Everything that Glance's own schema does not name: `hw_disk_bus`, `os_require_quiesce`, … */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAt: string;
  /** The answer as it came, for capture by value. */
  readonly raw: JsonObject;
}

export interface ImageCreation {
  readonly name: string;
  readonly diskFormat: string;
  readonly containerFormat: string;
  readonly visibility?: "private" | "shared" | "community" | "public";
  readonly minDiskGiB?: number;
  readonly minRamMiB?: number;
  readonly isHidden?: boolean;
  readonly tags?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
}

/** A step of a JSON patch; the path names a property, with or without the leading slash. */
export type ImageChange =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

export interface ImageFilter {
  readonly name?: string;
  readonly visibility?: string;
  /** Hidden images are left out of a list unless it asks for them, and then it has only them. */
  readonly isHidden?: boolean;
}

export type ImageGoal = "active" | "absent";

export interface Images {
  list(filter?: ImageFilter, signal?: AbortSignal): Promise<readonly Image[]>;
  find(id: string, signal?: AbortSignal): Promise<Image | undefined>;
  get(id: string, signal?: AbortSignal): Promise<Image>;
  /** Makes the record, in status `queued`; `upload` gives it bytes. */
  create(image: ImageCreation, signal?: AbortSignal): Promise<Image>;
  upload(id: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** The bytes in order. Stopping to iterate closes the connection. */
  download(id: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  patch(id: string, changes: readonly ImageChange[], signal?: AbortSignal): Promise<Image>;
  /** Absent is deleted; 409 while an instance or volume uses it, 403 when it is protected. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
  waitFor(id: string, goal: ImageGoal, limit: WaitLimit): Promise<Image | undefined>;
}
