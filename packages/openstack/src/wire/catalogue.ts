import { Fault } from "@cairn/kernel";
import type { EndpointInterface } from "../credentials.ts";
import type { CatalogueService } from "../keystone/tokens.ts";

/**
 * The services that the clients here and the catalogue know by one name, whatever the catalogue calls them.
 */
export type ServiceType =
  | "identity"
  | "compute"
  | "volume"
  | "image"
  | "network"
  | "key-manager"
  | "placement"
  | "workloads";

/**
 * The types under which a catalogue may have a service, best first (OpenStack's service types authority:
 * `block-storage` has the aliases volumev3, volumev2, volume and block-store, the others have none). Cinder
 * was `volumev3` long before it was `block-storage`; `volume` and `volumev2` often mean versions 1 and 2 of a
 * service that speaks version 3 as well. Some installers register ours as `workloadmgr`.
 */
const TYPES: Readonly<Record<ServiceType, readonly string[]>> = {
  identity: ["identity"],
  compute: ["compute"],
  volume: ["volumev3", "block-storage", "block-store", "volume", "volumev2"],
  image: ["image"],
  network: ["network"],
  "key-manager": ["key-manager"],
  placement: ["placement"],
  workloads: ["workloads", "workloadmgr"],
};

export interface Place {
  readonly region: string | undefined;
  readonly interface: EndpointInterface;
}

/** The address of a service, without a slash at its end. */
export function findEndpoint(
  catalogue: readonly CatalogueService[],
  service: ServiceType,
  place: Place,
): string {
  for (const type of TYPES[service]) {
    const url = catalogue
      .filter((each) => each.type === type)
      .flatMap((each) => each.endpoints)
      .find((each) => each.interface === place.interface && isIn(place.region, each.region))?.url;
    if (url !== undefined) return url.replace(/\/+$/, "");
  }
  const region = place.region === undefined ? "any region" : `region ${place.region}`;
  throw new Fault(
    "openstack-no-endpoint",
    `finding the ${place.interface} address of service ${service} in ${region} of the catalogue`,
    "after-operator",
  );
}

function isIn(wanted: string | undefined, region: string | undefined): boolean {
  return wanted === undefined || wanted === region;
}

/** The major version that the clients here speak, as its address and as version documents name it. */
interface Major {
  readonly path: string;
  readonly id: RegExp;
}

/** A service whose addresses have a version that we know. */
export type VersionedService = Exclude<ServiceType, "workloads" | "placement">;

/** Cinder names its versions v3.0, Glance each minor version (v2.15), Nova v2.1, Keystone v3.14. */
export const MAJORS: Readonly<Record<VersionedService, Major>> = {
  identity: { path: "v3", id: /^v3(?:\.\d+)?$/ },
  compute: { path: "v2.1", id: /^v2\.1$/ },
  volume: { path: "v3", id: /^v3(?:\.\d+)?$/ },
  image: { path: "v2", id: /^v2(?:\.\d+)?$/ },
  network: { path: "v2.0", id: /^v2(?:\.\d+)?$/ },
  "key-manager": { path: "v1", id: /^v1(?:\.\d+)?$/ },
};

/** An address of the catalogue, taken apart. */
export interface Address {
  /** Without version, project and slash at its end: where the service lists its versions. */
  readonly base: string;
  /** Whether the catalogue names a version; old ones have the project after it. */
  readonly isVersioned: boolean;
}

/** `http://c:8776/v3/p1` → `http://c:8776`. A version is the last part of the path, or the last but one. */
export function takeApart(endpoint: string): Address {
  const url = endpoint.replace(/\/+$/, "");
  // Not into the host: `https://v3/…` is no version.
  const version = /^(https?:\/\/[^/]+(?:\/.*?)?)\/v\d+(?:\.\d+)?(?:\/[^/]+)?$/.exec(url);
  return { base: version?.[1] ?? url, isVersioned: version !== null };
}
