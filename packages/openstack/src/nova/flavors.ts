import type { JsonObject } from "../wire/json.ts";

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
