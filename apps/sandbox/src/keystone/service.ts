import { type Answer, type Call, ok, route, type Service } from "../http/answer.ts";
import { keystoneError } from "../http/serve.ts";
import { applicationCredentialRoutes } from "./application-credentials.ts";
import { catalogRoutes } from "./catalog.ts";
import { refused } from "./resolve.ts";
import { resourceRoutes } from "./resources.ts";
import { tokenRoutes } from "./tokens.ts";
import { trustRoutes } from "./trusts.ts";

/** Zed's Keystone speaks 3.14. */
const version = (call: Call): object => ({
  id: "v3.14",
  status: "stable",
  updated: "2020-04-07T00:00:00Z",
  links: [{ rel: "self", href: `${call.cloud.baseUrl()}/identity/v3/` }],
  "media-types": [{ base: "application/json", type: "application/vnd.openstack.identity-v3+json" }],
});

function versions(call: Call): Answer {
  return { status: 300, body: { versions: { values: [version(call)] } } };
}

/** The sandbox's Keystone. */
export const keystone: Service = {
  name: "keystone",
  prefix: "/identity",
  routes: [
    route("GET ", "", "open", versions),
    route("GET /v3", "", "open", (call) => ok({ version: version(call) })),
    ...tokenRoutes,
    ...trustRoutes,
    ...applicationCredentialRoutes,
    ...resourceRoutes,
    ...catalogRoutes,
  ],
  negotiate: () => ({ minor: 0, headers: {} }),
  refusal: (route) => refused(route.rule),
  render: keystoneError,
  requestIdHeaders: ["x-openstack-request-id"],
};
