import { Fault, unreachable } from "@cairn/kernel";
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
  | "workloads";

/**
 * The types under which a catalogue may have a service, best first (OpenStack's service types authority;
 * Cinder was `volumev3` long before it was `block-storage`, and its bare `volume` often still means version 1
 * or 2).
 */
const TYPES: Readonly<Record<ServiceType, readonly string[]>> = {
  identity: ["identity"],
  compute: ["compute"],
  volume: ["volumev3", "block-storage", "block-store", "volume"],
  image: ["image"],
  network: ["network"],
  "key-manager": ["key-manager"],
  workloads: ["workloads"],
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

/** The address to which the paths of a service's clients are added. */
export function serviceRoot(service: ServiceType, endpoint: string, projectId: string | undefined): string {
  switch (service) {
    case "identity":
      return `${endpoint.replace(/\/v(?:3|2\.0)$/, "")}/v3`;
    case "compute":
      // Old catalogues carry the project after the version; Nova reads it from the token.
      return `${endpoint.replace(/\/v2(?:\.1)?(?:\/[^/]+)?$/, "")}/v2.1`;
    case "volume":
      // Cinder before 3.67 wants the project in the address, whether the catalogue has it or not.
      return `${volumeVersionRoot(endpoint)}${projectId === undefined ? "" : `/${projectId}`}`;
    case "image":
      return `${endpoint.replace(/\/v[12](?:\.\d+)?$/, "")}/v2`;
    case "network":
      return `${endpoint.replace(/\/v2\.0$/, "")}/v2.0`;
    case "key-manager":
      return `${endpoint.replace(/\/v1$/, "")}/v1`;
    case "workloads":
      return endpoint;
    default:
      return unreachable(service);
  }
}

/** Where the service tells which microversions it speaks. */
export function versionRoot(service: "compute" | "volume", endpoint: string): string {
  return service === "compute" ? serviceRoot("compute", endpoint, undefined) : volumeVersionRoot(endpoint);
}

function volumeVersionRoot(endpoint: string): string {
  return `${endpoint.replace(/\/v[123](?:\/[^/]+)?$/, "")}/v3`;
}
