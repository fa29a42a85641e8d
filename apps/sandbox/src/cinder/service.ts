import { ApiError, type Call, ok, type Route, route, type Service } from "../http/answer.ts";
import { type Microversions, negotiateMicroversion, novaFault } from "../http/nova-faults.ts";
import { aboutRoutes } from "./about.ts";
import { attachmentRoutes } from "./attachments.ts";
import { snapshotRoutes } from "./snapshots.ts";
import { volumeActionRoutes } from "./volume-actions.ts";
import { volumeRoutes } from "./volumes.ts";

/** Zed's Cinder speaks 3.0 to 3.70. */
const VERSIONS: Microversions = { service: "volume", major: 3, minorMin: 0, minorMax: 70 };

const version = (call: Call): object => ({
  id: "v3.0",
  status: "CURRENT",
  version: "3.70",
  min_version: "3.0",
  updated: "2022-03-30T00:00:00Z",
  links: [
    { rel: "describedby", type: "text/html", href: "https://docs.openstack.org/" },
    { rel: "self", href: `${call.cloud.baseUrl()}/volume/v3/` },
  ],
  "media-types": [{ base: "application/json", type: "application/vnd.openstack.volume+json;version=3" }],
});

const inProject = (each: Route): Route => ({ ...each, url: `/v3/:project${each.url}` });

/** The sandbox's Cinder. */
export const cinder: Service = {
  name: "cinder",
  prefix: "/volume",
  routes: [
    route("GET ", "", "open", (call) => ({ status: 300, body: { versions: [version(call)] } })),
    route("GET /v3", "", "open", (call) => ok({ versions: [version(call)] })),
    ...[...volumeRoutes, ...volumeActionRoutes, ...snapshotRoutes, ...attachmentRoutes, ...aboutRoutes].map(
      inProject,
    ),
  ],
  negotiate: (headers) => negotiateMicroversion(VERSIONS, headers),
  admit: (call) => {
    const project = call.params["project"];
    if (project !== undefined && project !== call.actor.projectId)
      throw new ApiError(400, "Malformed request url");
  },
  refusal: (route) => new ApiError(403, `Policy doesn't allow ${route.rule} to be performed.`),
  render: (error) => novaFault(error, "computeFault"),
  requestIdHeaders: ["x-compute-request-id", "x-openstack-request-id"],
};
