import type { IncomingHttpHeaders } from "node:http";
import { type Answer, ApiError, type Call, ok, route, type Service, sentence } from "../http/answer.ts";
import { hasRoom, type Room } from "../nova/room.ts";

/** Zed's Placement speaks 1.0 to 1.39. */
const MINOR_MAX = 39;
const LIMIT_SINCE = 16;

function minorOf(headers: IncomingHttpHeaders): number {
  const asked = headers["openstack-api-version"];
  const match = typeof asked === "string" ? /^placement (latest|1\.(\d{1,3}))$/.exec(asked.trim()) : null;
  if (asked === undefined) return 0;
  const minor = match?.[1] === "latest" ? MINOR_MAX : Number(match?.[2] ?? Number.NaN);
  if (minor <= MINOR_MAX) return minor;
  throw new ApiError(406, `Unacceptable version header: ${String(asked)}`);
}

/** `VCPU:1,MEMORY_MB:512`; each class once, each with something wanted. */
function roomAsked(call: Call): Room {
  const text = call.query.get("resources") ?? "";
  const asked = new Map<string, number>();
  for (const part of text.split(",")) {
    const match = /^(VCPU|MEMORY_MB|DISK_GB):([1-9]\d{0,9})$/.exec(part);
    if (match === null)
      throw new ApiError(
        400,
        sentence(
          "Badly formed resources parameter. Expected resources query string parameter in form:",
          text,
        ),
      );
    asked.set(match[1] ?? "", Number(match[2]));
  }
  return {
    vcpus: asked.get("VCPU") ?? 0,
    ramMiB: asked.get("MEMORY_MB") ?? 0,
    diskGiB: asked.get("DISK_GB") ?? 0,
  };
}

function candidates(call: Call): Answer {
  const limit = call.query.get("limit");
  if (limit !== null && call.minor < LIMIT_SINCE) throw new ApiError(400, "Invalid query string parameters");
  const wanted = roomAsked(call);
  const { hosts, servers } = call.cloud.state;
  const found = hosts
    .all()
    .filter((host) => !host.vanished && host.service_status === "enabled")
    .filter((host) => hasRoom(host, servers.all(), wanted))
    .slice(0, limit === null ? undefined : Number(limit));
  const resources = { VCPU: wanted.vcpus, MEMORY_MB: wanted.ramMiB, DISK_GB: wanted.diskGiB };
  const given = Object.fromEntries(Object.entries(resources).filter(([, amount]) => amount > 0));
  return ok({
    allocation_requests: found.map((host) => ({ allocations: { [host.id]: { resources: given } } })),
    provider_summaries: Object.fromEntries(found.map((host) => [host.id, { resources: {} }])),
  });
}

/** The sandbox's Placement: what its Nova has left. */
export const placement: Service = {
  name: "placement",
  prefix: "/placement",
  routes: [
    route("GET ", "", "open", () =>
      ok({ versions: [{ id: "v1.0", max_version: "1.39", min_version: "1.0" }] }),
    ),
    route("GET /allocation_candidates", "placement:allocation_candidates:list", "admin", candidates),
  ],
  negotiate: (headers) => {
    const minor = minorOf(headers);
    return { minor, headers: { "openstack-api-version": `placement 1.${minor}` } };
  },
  refusal: (each) => new ApiError(403, `${each.rule}: Policy does not allow this request to be performed.`),
  render: ({ status, message, headers }) => ({
    status,
    body: { errors: [{ status, title: "Error", detail: message }] },
    headers,
  }),
  requestIdHeaders: ["x-openstack-request-id"],
};
