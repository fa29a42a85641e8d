import type { ProjectId } from "@cairn/kernel";
import { Fields, theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import { hasReached } from "../wire/microversion.ts";
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
  /** Lets a project use a private flavor; admin only, 409 when it may already. */
  grant(id: string, projectId: ProjectId, signal?: AbortSignal): Promise<void>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about flavors. */
export function flavors(client: ServiceClient): Flavors {
  const reading = (id: string, signal: AbortSignal | undefined) => ({
    doing: `reading flavor ${id}`,
    path: ["flavors", id],
    signal,
  });
  const find = async (id: string, signal?: AbortSignal): Promise<Flavor | undefined> => {
    const answer = await client.find(reading(id, signal));
    if (answer === undefined) return undefined;
    return withExtraSpecs(client, theOnly(answer, "flavor", readFlavor), signal);
  };
  const get = async (id: string, signal?: AbortSignal): Promise<Flavor> => {
    const answer = await client.get(reading(id, signal));
    return withExtraSpecs(client, theOnly(answer, "flavor", readFlavor), signal);
  };
  return {
    find,
    get,
    list: async (signal) => {
      const listed = await client.list({
        doing: "listing flavors",
        path: ["flavors", "detail"],
        // Means "public or not" to an admin and nothing to others (nova/api/openstack/compute/flavors.py).
        query: { is_public: "None" },
        field: "flavors",
        read: readFlavor,
        signal,
      });
      const whole: Flavor[] = [];
      for (const flavor of listed) whole.push(await withExtraSpecs(client, flavor, signal));
      return whole;
    },
    create: async (flavor, signal) => {
      const doing = `creating flavor ${flavor.name}`;
      const body = { flavor: encode(flavor) };
      const answer = await client.post({ doing, path: ["flavors"], body, signal });
      const id = theOnly(answer, "flavor", (fields) => fields.string("id"));
      if (Object.keys(flavor.extraSpecs).length > 0) {
        const specs = { extra_specs: { ...flavor.extraSpecs } };
        await client.post({ doing, path: ["flavors", id, "os-extra_specs"], body: specs, signal });
      }
      return get(id, signal);
    },
    grant: async (id, projectId, signal) => {
      const doing = `letting project ${projectId} use flavor ${id}`;
      const body = { addTenantAccess: { tenant: projectId } };
      await client.post({ doing, path: ["flavors", id, "action"], body, signal });
    },
    delete: async (id, signal) => {
      await client.remove({ ...reading(id, signal), doing: `deleting flavor ${id}` });
    },
  };
}

/** Rocky: a flavor has its extra specs in it; before, each flavor's must be asked for. */
const WITH_EXTRA_SPECS = "2.61";

async function withExtraSpecs(client: ServiceClient, flavor: Flavor, signal?: AbortSignal): Promise<Flavor> {
  const doing = `reading the extra specs of flavor ${flavor.id}`;
  if (hasReached(await client.version({ doing, signal }), WITH_EXTRA_SPECS)) return flavor;
  const answer = await client.find({ doing, path: ["flavors", flavor.id, "os-extra_specs"], signal });
  if (answer === undefined) return flavor;
  return { ...flavor, extraSpecs: new Fields(answer.body, "extra specs").texts("extra_specs") };
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
