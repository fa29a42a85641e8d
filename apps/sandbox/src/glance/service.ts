import { type Answer, ApiError, route, type Service } from "../http/answer.ts";
import { keystoneError, STATUS_TITLES } from "../http/serve.ts";
import { dataRoutes } from "./data.ts";
import { imageRoutes } from "./images.ts";

const MINORS = [16, 15, 9, 7, 5, 4, 3, 2, 1, 0];

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** WebOb's error page: HTML unless the client asks for JSON alone (`webob.exc.WSGIHTTPException`). */
function render(error: ApiError, headers: { readonly accept?: string | undefined }): Answer {
  if (error.kind === "unauthenticated") return keystoneError(error);
  const title = STATUS_TITLES[error.status] ?? "Error";
  const code = `${error.status} ${title}`;
  const accept = headers.accept ?? "";
  if (accept.includes("application/json") && !accept.includes("text/html")) {
    const body = { message: `${error.message}<br /><br />\n\n\n`, code, title };
    return { status: error.status, body, headers: error.headers };
  }
  const text = escapeHtml(error.message);
  return {
    status: error.status,
    headers: { ...error.headers, "Content-Type": "text/html; charset=UTF-8" },
    body: `<html>
 <head>
  <title>${code}</title>
 </head>
 <body>
  <h1>${code}</h1>
  ${text}<br /><br />



 </body>
</html>`,
  };
}

/** The sandbox's Glance. */
export const glance: Service = {
  name: "glance",
  prefix: "/image",
  routes: [
    route("GET ", "", "open", (call) => ({
      status: 300,
      body: {
        versions: MINORS.map((minor, index) => ({
          id: `v2.${minor}`,
          status: index === 0 ? "CURRENT" : "SUPPORTED",
          links: [{ rel: "self", href: `${call.cloud.baseUrl()}/image/v2/` }],
        })),
      },
    })),
    ...imageRoutes,
    ...dataRoutes,
  ],
  negotiate: () => ({ minor: 0, headers: {} }),
  refusal: (route) => new ApiError(403, `You are not authorized to complete ${route.rule} action.`),
  render,
  requestIdHeaders: ["x-openstack-request-id"],
};
