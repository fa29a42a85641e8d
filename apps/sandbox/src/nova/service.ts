import { ApiError, type Call, ok, type Route, route, type Service } from "../http/answer.ts";
import { type Microversions, negotiateMicroversion, novaFault } from "../http/nova-faults.ts";
import { aboutRoutes } from "./about.ts";
import { flavorRoutes } from "./flavors.ts";
import { interfaceRoutes } from "./interfaces.ts";
import { keypairRoutes } from "./keypairs.ts";
import { quotaRoutes } from "./quota.ts";
import { serverActionRoutes } from "./server-actions.ts";
import { serverGroupRoutes } from "./server-groups.ts";
import { serverMetadataRoutes } from "./server-metadata.ts";
import { serverRoutes } from "./servers.ts";
import { volumeAttachmentRoutes } from "./volume-attachments.ts";

/** Zed's Nova speaks 2.1 to 2.93. */
const VERSIONS: Microversions = {
  service: "compute",
  major: 2,
  minorMin: 1,
  minorMax: 93,
  legacyHeader: "X-OpenStack-Nova-API-Version",
};

/** The address of old clients: the same without microversions. */
const legacyVersion = (call: Call): object => ({
  id: "v2.0",
  status: "SUPPORTED",
  version: "",
  min_version: "",
  updated: "2011-01-21T11:33:21Z",
  links: [{ rel: "self", href: `${call.cloud.baseUrl()}/compute/v2/` }],
});

const version = (call: Call): object => ({
  id: "v2.1",
  status: "CURRENT",
  version: "2.93",
  min_version: "2.1",
  updated: "2013-07-23T11:33:21Z",
  links: [{ rel: "self", href: `${call.cloud.baseUrl()}/compute/v2.1/` }],
});

const versioned = (each: Route): Route => ({ ...each, url: `/v2.1${each.url}` });

/** The sandbox's Nova. */
export const nova: Service = {
  name: "nova",
  prefix: "/compute",
  routes: [
    route("GET ", "", "open", (call) => ok({ versions: [legacyVersion(call), version(call)] })),
    route("GET /v2.1", "", "open", (call) => ok({ version: version(call) })),
    ...[
      ...serverRoutes,
      ...serverActionRoutes,
      ...volumeAttachmentRoutes,
      ...interfaceRoutes,
      ...serverMetadataRoutes,
      ...flavorRoutes,
      ...keypairRoutes,
      ...serverGroupRoutes,
      ...quotaRoutes,
      ...aboutRoutes,
    ].map(versioned),
  ],
  negotiate: (headers) => negotiateMicroversion(VERSIONS, headers),
  admit: (call) => {
    if (call.actor.userId !== "" && call.actor.projectId === "")
      throw new ApiError(403, "Policy doesn't allow this without a project to be performed.");
  },
  refusal: (route) => new ApiError(403, `Policy doesn't allow ${route.rule} to be performed.`),
  render: (error) => novaFault(error, "computeFault"),
  requestIdHeaders: ["x-compute-request-id", "x-openstack-request-id"],
};
