import type { JsonObject } from "../wire/json.ts";

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
