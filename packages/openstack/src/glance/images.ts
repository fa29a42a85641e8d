import { asId, type ProjectId } from "@cairn/kernel";
import { Fields } from "../wire/decode.ts";
import type { Answer } from "../wire/exchange.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import { hasReached, UNTOLD } from "../wire/microversion.ts";
import type { ServiceClient } from "../wire/service-client.ts";
import { type Verdict, type WaitLimit, waitUntil } from "../wire/waiting.ts";

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
  /** Of all bytes that are stored (Rocky and newer), by the algorithm that the operator chose. */
  readonly hash: { readonly algorithm: string; readonly value: string } | undefined;
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
  /** Where the bytes of an image are PUT, for who uploads them in our stead. */
  dataAddress(id: string, signal?: AbortSignal): Promise<string>;
  /** The bytes in order. Stopping to iterate closes the connection. */
  download(id: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  patch(id: string, changes: readonly ImageChange[], signal?: AbortSignal): Promise<Image>;
  /** Absent is deleted; 409 while an instance or volume uses it, 403 when it is protected. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
  waitFor(id: string, goal: ImageGoal, limit: WaitLimit): Promise<Image | undefined>;
}

/** The calls about images. Unlike its neighbours Glance wraps an image in nothing. */
export function images(client: ServiceClient): Images {
  const find = async (id: string, signal?: AbortSignal): Promise<Image | undefined> => {
    const answer = await client.find({ doing: `reading image ${id}`, path: ["images", id], signal });
    return answer === undefined ? undefined : decode(answer);
  };
  return {
    find,
    ...moving(client),
    list: async (filter, signal) =>
      client.list({
        doing: "listing images",
        path: ["images"],
        query: {
          name: filter?.name,
          visibility: filter?.visibility,
          os_hidden: await hiding(client, filter?.isHidden, signal),
          limit: PAGE_LIMIT,
        },
        field: "images",
        read: readImage,
        signal,
      }),
    get: async (id, signal) =>
      decode(await client.get({ doing: `reading image ${id}`, path: ["images", id], signal })),
    create: async (image, signal) => {
      const isHidden = await hiding(client, image.isHidden, signal);
      const body = { ...encode(image), ...(isHidden === undefined ? {} : { os_hidden: isHidden }) };
      return decode(
        await client.post({ doing: `creating image ${image.name}`, path: ["images"], body, signal }),
      );
    },
    patch: async (id, changes, signal) => {
      const isAboutHiding = (each: ImageChange): boolean => /^\/?os_hidden$/.test(each.path);
      const canHide = await hiding(client, changes.some(isAboutHiding) || undefined, signal);
      const known = canHide === undefined ? changes.filter((each) => !isAboutHiding(each)) : changes;
      const body = known.map((each) => ({
        ...each,
        path: each.path.startsWith("/") ? each.path : `/${each.path}`,
      }));
      const headers = { "content-type": "application/openstack-images-v2.1-json-patch" };
      const doing = `changing image ${id}`;
      return decode(await client.patch({ doing, path: ["images", id], body, headers, signal }));
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting image ${id}`, path: ["images", id], signal });
    },
    waitFor: async (id, goal, limit) =>
      waitUntil<Image>({
        doing: `waiting for image ${id} to become ${goal}`,
        clock: client.clock,
        limit,
        observe: async (signal) => find(id, signal),
        judge: (image) => judgeImage(image?.status, goal),
        describe: (image) => image?.status ?? "gone",
      }),
  };
}

/** Rocky: hidden images. In an older Glance `os_hidden` is any property, so it is never sent there. */
const WITH_HIDDEN = "2.7";

/** What was wanted, if this Glance can do it. */
async function hiding(
  client: ServiceClient,
  wanted: boolean | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean | undefined> {
  if (wanted === undefined) return undefined;
  const version = await client.version({ doing: "asking whether glance can hide images", signal });
  // A Glance that cannot be asked, behind a proxy, is taken for one of these days.
  return version === UNTOLD.most || hasReached(version, WITH_HIDDEN) ? wanted : undefined;
}

/** Glance gives 25 at once unless asked for more, and never more than 1000 (`api_limit_max`). */
const PAGE_LIMIT = 500;

function moving(client: ServiceClient): Pick<Images, "upload" | "download" | "dataAddress"> {
  return {
    dataAddress: async (id, signal) =>
      client.address({ doing: `locating image ${id}`, path: ["images", id, "file"], signal }),
    upload: async (id, bytes, signal) => {
      await client.upload({ doing: `uploading image ${id}`, path: ["images", id, "file"], signal }, bytes);
    },
    download: (id, signal) =>
      client.download({ doing: `downloading image ${id}`, path: ["images", id, "file"], signal }),
  };
}

/** Whether an image in this status is where it shall get to (glance/domain/__init__.py, ImageStatus). */
export function judgeImage(status: string | undefined, goal: ImageGoal): Verdict {
  if (status === undefined || status === "deleted") return goal === "absent" ? "reached" : "broken";
  if (goal === "absent") return "pending";
  if (status === "active") return "reached";
  return PENDING.includes(status) ? "pending" : "broken";
}

const PENDING = ["queued", "saving", "uploading", "importing"];

function encode(image: ImageCreation): JsonObject {
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    ...(image.visibility === undefined ? {} : { visibility: image.visibility }),
    ...(image.minDiskGiB === undefined ? {} : { min_disk: image.minDiskGiB }),
    ...(image.minRamMiB === undefined ? {} : { min_ram: image.minRamMiB }),
    ...(image.tags === undefined ? {} : { tags: image.tags }),
  };
}

/**
 * The fields of Glance's own schema (glance/api/v2/images.py, `_get_base_properties`); all others are
 * properties.
 */
const OWN_FIELDS = new Set([
  "id",
  "name",
  "status",
  "visibility",
  "protected",
  "os_hidden",
  "checksum",
  "os_hash_algo",
  "os_hash_value",
  "owner",
  "size",
  "virtual_size",
  "container_format",
  "disk_format",
  "created_at",
  "updated_at",
  "tags",
  "direct_url",
  "min_ram",
  "min_disk",
  "self",
  "file",
  "stores",
  "schema",
  "locations",
]);

function decode(answer: Answer): Image {
  return readImage(new Fields(answer.body, "image"));
}

function readImage(fields: Fields): Image {
  const owner = fields.optionalString("owner");
  return {
    id: fields.string("id"),
    name: fields.text("name"),
    status: fields.string("status"),
    visibility: fields.text("visibility"),
    owner: owner === undefined ? undefined : asId<"project">(owner),
    sizeBytes: fields.optionalInteger("size"),
    virtualSizeBytes: fields.optionalInteger("virtual_size"),
    diskFormat: fields.optionalString("disk_format"),
    containerFormat: fields.optionalString("container_format"),
    minDiskGiB: fields.optionalInteger("min_disk") ?? 0,
    minRamMiB: fields.optionalInteger("min_ram") ?? 0,
    checksum: fields.optionalString("checksum"),
    hash: readHash(fields),
    isProtected: fields.optionalBoolean("protected") ?? false,
    isHidden: fields.optionalBoolean("os_hidden") ?? false,
    tags: fields.strings("tags"),
    properties: readProperties(fields),
    createdAt: fields.text("created_at"),
    raw: fields.raw,
  };
}

function readHash(fields: Fields): Image["hash"] {
  const algorithm = fields.optionalString("os_hash_algo");
  const value = fields.optionalString("os_hash_value");
  return algorithm === undefined || value === undefined ? undefined : { algorithm, value };
}

function readProperties(fields: Fields): Readonly<Record<string, string>> {
  const properties = Object.entries(fields.raw).flatMap(([name, value]): [string, string][] =>
    OWN_FIELDS.has(name) || typeof value !== "string" ? [] : [[name, value]],
  );
  return Object.fromEntries(properties);
}
