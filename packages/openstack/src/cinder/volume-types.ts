import { type Fields, theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface VolumeType {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly isPublic: boolean;
  /** Those that policy shows us. */
  readonly extraSpecs: Readonly<Record<string, string>>;
  readonly raw: JsonObject;
}

export interface VolumeTypes {
  list(signal?: AbortSignal): Promise<readonly VolumeType[]>;
  find(id: string, signal?: AbortSignal): Promise<VolumeType | undefined>;
  /** What Cinder takes when a volume names none. */
  findDefault(signal?: AbortSignal): Promise<VolumeType | undefined>;
}

/** The calls about volume types. */
export function volumeTypes(client: ServiceClient): VolumeTypes {
  const find = async (id: string, doing: string, signal?: AbortSignal): Promise<VolumeType | undefined> => {
    const answer = await client.find({ doing, path: ["types", id], signal });
    return answer === undefined ? undefined : theOnly(answer, "volume_type", readType);
  };
  return {
    list: async (signal) =>
      client.list({
        doing: "listing volume types",
        path: ["types"],
        // "Public or not" for an admin; others get what they may use in any case.
        query: { is_public: "None" },
        field: "volume_types",
        read: readType,
        signal,
      }),
    find: async (id, signal) => find(id, `reading volume type ${id}`, signal),
    findDefault: async (signal) => find("default", "reading the default volume type", signal),
  };
}

function readType(fields: Fields): VolumeType {
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    description: fields.optionalString("description"),
    isPublic:
      fields.optionalBoolean("is_public") ??
      fields.optionalBoolean("os-volume-type-access:is_public") ??
      true,
    extraSpecs: fields.texts("extra_specs"),
    raw: fields.raw,
  };
}
