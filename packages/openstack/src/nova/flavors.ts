import { type Fields, theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
  readonly ephemeralGiB: number;
  readonly swapMiB: number;
  readonly isPublic: boolean;
  readonly isDisabled: boolean;
  /** Empty too when policy hides them from us. */
  readonly extraSpecs: Readonly<Record<string, string>>;
  readonly raw: JsonObject;
}

export interface FlavorCreation {
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
  readonly ephemeralGiB: number;
  readonly swapMiB: number;
  readonly isPublic: boolean;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface Flavors {
  /** Those that the project may use; an admin sees private ones too. */
  list(signal?: AbortSignal): Promise<readonly Flavor[]>;
  find(id: string, signal?: AbortSignal): Promise<Flavor | undefined>;
  get(id: string, signal?: AbortSignal): Promise<Flavor>;
  /** Admin only. Extra specs are set in a second request; a failure between leaves a flavor without them. */
  create(flavor: FlavorCreation, signal?: AbortSignal): Promise<Flavor>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about flavors. */
export function flavors(client: ServiceClient): Flavors {
  const reading = (id: string, signal: AbortSignal | undefined) => ({
    doing: `reading flavor ${id}`,
    path: ["flavors", id],
    signal,
  });
  const get = async (id: string, signal?: AbortSignal): Promise<Flavor> =>
    theOnly(await client.get(reading(id, signal)), "flavor", readFlavor);
  return {
    get,
    list: async (signal) =>
      client.list({
        doing: "listing flavors",
        path: ["flavors", "detail"],
        // Means "public or not" to an admin and nothing to others (nova/api/openstack/compute/flavors.py).
        query: { is_public: "None" },
        field: "flavors",
        read: readFlavor,
        signal,
      }),
    find: async (id, signal) => {
      const answer = await client.find(reading(id, signal));
      return answer === undefined ? undefined : theOnly(answer, "flavor", readFlavor);
    },
    create: async (flavor, signal) => {
      const doing = `creating flavor ${flavor.name}`;
      const answer = await client.post({
        doing,
        path: ["flavors"],
        body: { flavor: encode(flavor) },
        signal,
      });
      const id = theOnly(answer, "flavor", (fields) => fields.string("id"));
      if (Object.keys(flavor.extraSpecs).length > 0) {
        const body = { extra_specs: { ...flavor.extraSpecs } };
        await client.post({ doing, path: ["flavors", id, "os-extra_specs"], body, signal });
      }
      return get(id, signal);
    },
    delete: async (id, signal) => {
      await client.remove({ ...reading(id, signal), doing: `deleting flavor ${id}` });
    },
  };
}

function encode(flavor: FlavorCreation): JsonObject {
  return {
    name: flavor.name,
    vcpus: flavor.vcpus,
    ram: flavor.ramMiB,
    disk: flavor.diskGiB,
    swap: flavor.swapMiB,
    "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeralGiB,
    "os-flavor-access:is_public": flavor.isPublic,
  };
}

function readFlavor(fields: Fields): Flavor {
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    description: fields.optionalString("description"),
    vcpus: fields.integer("vcpus"),
    ramMiB: fields.integer("ram"),
    diskGiB: fields.integer("disk"),
    ephemeralGiB: fields.optionalInteger("OS-FLV-EXT-DATA:ephemeral") ?? 0,
    // Before microversion 2.75 no swap is an empty text.
    swapMiB: fields.optionalInteger("swap") ?? 0,
    isPublic: fields.optionalBoolean("os-flavor-access:is_public") ?? true,
    isDisabled: fields.optionalBoolean("OS-FLV-DISABLED:disabled") ?? false,
    extraSpecs: fields.texts("extra_specs"),
    raw: fields.raw,
  };
}
