import { type Answer, type ApiError, route, type Service } from "../http/answer.ts";
import { keystoneError, STATUS_TITLES } from "../http/serve.ts";
import { holderRoutes } from "./holders.ts";
import { notAllowed, secretRoutes } from "./secrets.ts";

/** Barbican's error body (barbican/api/__init__.py and pecan's hooks). */
function render(error: ApiError): Answer {
  if (error.kind === "unauthenticated") return keystoneError(error);
  const title = STATUS_TITLES[error.status] ?? "Error";
  const body = { code: error.status, title, description: error.message };
  return { status: error.status, body, headers: error.headers };
}

/** The sandbox's Barbican: secrets with their payload, who may read them, orders, containers. */
export const barbican: Service = {
  name: "barbican",
  prefix: "/key-manager",
  routes: [
    route("GET ", "", "open", (call) => ({
      status: 300,
      body: {
        versions: [
          {
            id: "v1",
            status: "CURRENT",
            min_version: "1.0",
            max_version: "1.1",
            links: [{ rel: "self", href: `${call.cloud.baseUrl()}/key-manager/v1/` }],
          },
        ],
      },
    })),
    ...secretRoutes,
    ...holderRoutes,
  ],
  negotiate: () => ({ minor: 0, headers: {} }),
  refusal: (route) => notAllowed(route.rule),
  render,
  requestIdHeaders: ["x-openstack-request-id"],
};
