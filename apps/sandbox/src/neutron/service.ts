import { type Answer, type ApiError, ok, type Route, route, type Service } from "../http/answer.ts";
import { keystoneError } from "../http/serve.ts";
import { aboutRoutes } from "./about.ts";
import { floatingIpRoutes } from "./floating-ips.ts";
import { networkRoutes } from "./networks.ts";
import { portRoutes } from "./ports.ts";
import { disallowed } from "./refusals.ts";
import { routerRoutes } from "./routers.ts";
import { securityGroupRoutes } from "./security-groups.ts";
import { subnetRoutes } from "./subnets.ts";

const TYPES: Readonly<Record<number, string>> = {
  400: "HTTPBadRequest",
  404: "HTTPNotFound",
  409: "Conflict",
  500: "HTTPInternalServerError",
  503: "HTTPServiceUnavailable",
};

function render(error: ApiError): Answer {
  if (error.kind === "unauthenticated") return keystoneError(error);
  const type = error.kind ?? TYPES[error.status] ?? "HTTPError";
  return {
    status: error.status,
    body: { NeutronError: { type, message: error.message, detail: "" } },
    headers: error.headers,
  };
}

const versioned = (each: Route): Route => ({ ...each, url: `/v2.0${each.url}` });

/** The sandbox's Neutron. */
export const neutron: Service = {
  name: "neutron",
  prefix: "/network",
  routes: [
    route("GET ", "", "open", (call) =>
      ok({
        versions: [
          {
            id: "v2.0",
            status: "CURRENT",
            links: [{ rel: "self", href: `${call.cloud.baseUrl()}/network/v2.0/` }],
          },
        ],
      }),
    ),
    ...[
      ...networkRoutes,
      ...subnetRoutes,
      ...portRoutes,
      ...routerRoutes,
      ...securityGroupRoutes,
      ...floatingIpRoutes,
      ...aboutRoutes,
    ].map(versioned),
  ],
  negotiate: () => ({ minor: 0, headers: {} }),
  refusal: (route) => disallowed(route.rule),
  render,
  requestIdHeaders: ["x-openstack-request-id"],
};
