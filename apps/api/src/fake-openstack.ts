import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerBarbican, type FakeBarbican } from "./fake-barbican.ts";
import { answerCinder, type FakeCinder } from "./fake-cinder.ts";

/**
 * As much of Keystone, Nova and Neutron as the API asks, for tests: it keeps state, counts questions, and
 * answers in their shapes. The sandbox is the faithful one; this one is small and under the test's control.
 */
export interface FakeOpenStack extends AsyncDisposable {
  readonly url: string;
  readonly tokens: Map<string, FakeToken>;
  /** Projects that Keystone knows, by id. */
  readonly projects: Set<string>;
  readonly trusts: Map<string, Record<string, unknown>>;
  /** Application credentials by their id, without their secrets. */
  readonly credentials: Map<string, Record<string, unknown>>;
  readonly servers: Map<string, FakeServer>;
  readonly networks: Map<string, readonly string[]>;
  readonly flavors: Map<string, { readonly ram: number; readonly disk: number }>;
  readonly cinder: FakeCinder;
  readonly barbican: FakeBarbican;
  /** `GET /v3/auth/tokens` by the token that was asked about. */
  readonly validations: Map<string, number>;
  /** When set, Keystone answers every question about tokens with this status. */
  keystoneStatus: number | undefined;
}

export interface FakeToken {
  readonly userId: string;
  readonly projectId?: string;
  readonly roles: readonly string[];
  readonly isFromTrust?: boolean;
  /** Of a user whose roles come with each login: no trust can be made of them. */
  readonly isFederated?: boolean;
}

export interface FakeServer {
  readonly name: string;
  readonly projectId: string;
  readonly metadata: Record<string, string>;
  readonly volumes: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
}

export const SERVICE_USER = "service-user";
const SERVICE_TOKEN = "service-token";

interface Asked {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly bearer: FakeToken | undefined;
  readonly subject: string | undefined;
  readonly accept: string;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** In the place of a body: octets. */
  readonly bytes?: Buffer;
  readonly headers?: Record<string, string>;
}

const notFound: Answer = {
  status: 404,
  body: { error: { code: 404, message: "not found", title: "Not Found" } },
};

/** Starts it on a free port of the loopback interface. */
export async function startFakeOpenStack(): Promise<FakeOpenStack> {
  const server = createServer((request, response) => void serve(cloud, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cloud: FakeOpenStack = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens: new Map([[SERVICE_TOKEN, { userId: SERVICE_USER, projectId: "service", roles: ["admin"] }]]),
    projects: new Set(),
    trusts: new Map(),
    credentials: new Map(),
    servers: new Map(),
    networks: new Map(),
    flavors: new Map(),
    cinder: { volumeTypes: [], volumes: new Map() },
    barbican: { isThere: true, secrets: new Map(), orders: new Map(), containers: new Map() },
    validations: new Map(),
    keystoneStatus: undefined,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return cloud;
}

async function serve(
  cloud: FakeOpenStack,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? "/", cloud.url);
  const text = Buffer.concat(chunks).toString("utf8");
  const answer = route(cloud, {
    method: request.method ?? "GET",
    path: url.pathname.split("/").filter((part) => part !== ""),
    query: url.searchParams,
    body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
    bearer: cloud.tokens.get(String(request.headers["x-auth-token"])),
    subject: request.headers["x-subject-token"]?.toString(),
    accept: request.headers.accept ?? "",
  });
  response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
  response.end(answer.bytes ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body)));
}

function route(cloud: FakeOpenStack, asked: Asked): Answer {
  const [root, second] = asked.path;
  if (root === "v3" && second === "auth") return auth(cloud, asked);
  if (asked.bearer === undefined && asked.path.length > 1)
    return { status: 401, body: { error: { code: 401, message: "who?" } } };
  if (root === "v3" && second === "projects") return project(cloud, asked.path[2] ?? "");
  if (root === "v3" && IDENTITY.includes(second ?? "") && asked.path.length <= 3)
    return identity(cloud, asked);
  if (root === "v3" && second === "users") return credential(cloud, asked);
  if (root === "v3") return trust(cloud, asked);
  if (root === "cinder") {
    const body = answerCinder(cloud.cinder, asked.path.slice(2));
    return body === undefined ? notFound : { status: 200, body };
  }
  if (root === "key-manager") {
    const { bearer, accept } = asked;
    const who = { projectId: bearer?.projectId, roles: bearer?.roles ?? [], accept };
    return answerBarbican(cloud.barbican, asked.path.slice(1), who);
  }
  if (root === "v2.1") return nova(cloud, asked);
  if (root === "v2.0") return neutron(cloud, asked);
  return notFound;
}

const IDENTITY = ["users", "roles", "role_assignments"];

/** Users and their roles, as the tokens tell them. */
function identity(cloud: FakeOpenStack, { path, query }: Asked): Answer {
  const [, kind, id] = path;
  const tokens = [...cloud.tokens.values()];
  const named = { name: id, domain_id: "default", enabled: true };
  if (kind === "users" && tokens.some((each) => each.userId === id))
    return { status: 200, body: { user: { id, ...named } } };
  const rows = tokens.flatMap(({ userId, projectId, roles }) =>
    roles.map((role) => ({ userId, projectId, role })),
  );
  if (kind === "roles") {
    const names = [...new Set(rows.map(({ role }) => role))];
    return { status: 200, body: { roles: names.map((name) => ({ id: `role-${name}`, name })) } };
  }
  if (kind !== "role_assignments") return notFound;
  const held = rows.filter(
    ({ userId, projectId }) => userId === query.get("user.id") && projectId === query.get("scope.project.id"),
  );
  const role_assignments = held.map(({ role, userId, projectId }) => ({
    role: { id: `role-${role}` },
    user: { id: userId },
    scope: { project: { id: projectId } },
  }));
  return { status: 200, body: { role_assignments } };
}

function auth(cloud: FakeOpenStack, asked: Asked): Answer {
  if (cloud.keystoneStatus !== undefined) return { status: cloud.keystoneStatus, body: {} };
  if (asked.method === "POST") {
    return {
      status: 201,
      body: tokenBody(cloud, SERVICE_TOKEN),
      headers: { "x-subject-token": SERVICE_TOKEN },
    };
  }
  const subject = asked.subject ?? "";
  cloud.validations.set(subject, (cloud.validations.get(subject) ?? 0) + 1);
  if (!cloud.tokens.has(subject)) return notFound;
  return { status: 200, body: tokenBody(cloud, subject), headers: { "x-subject-token": subject } };
}

function tokenBody(cloud: FakeOpenStack, value: string): unknown {
  const token = cloud.tokens.get(value);
  const endpoint = (path: string) =>
    ["public", "internal", "admin"].map((each) => ({
      interface: each,
      region_id: "RegionOne",
      url: `${cloud.url}${path}`,
    }));
  return {
    token: {
      user: { id: token?.userId, name: token?.userId, domain: { id: "default", name: "Default" } },
      ...(token?.projectId === undefined
        ? {}
        : {
            project: {
              id: token.projectId,
              name: token.projectId,
              domain: { id: "default", name: "Default" },
            },
          }),
      roles: (token?.roles ?? []).map((name) => ({ id: `role-${name}`, name })),
      issued_at: "2026-01-01T00:00:00.000000Z",
      expires_at: "2999-01-01T00:00:00.000000Z",
      catalog: [
        { type: "identity", name: "keystone", endpoints: endpoint("/v3") },
        { type: "compute", name: "nova", endpoints: endpoint("/v2.1") },
        { type: "block-storage", name: "cinder", endpoints: endpoint("/cinder/v3") },
        { type: "network", name: "neutron", endpoints: endpoint("") },
        ...(cloud.barbican.isThere
          ? [{ type: "key-manager", name: "barbican", endpoints: endpoint("/key-manager") }]
          : []),
      ],
    },
  };
}

function project(cloud: FakeOpenStack, id: string): Answer {
  const ids = new Set([...cloud.projects, ...[...cloud.tokens.values()].map(({ projectId }) => projectId)]);
  const all = [...ids].map((each) => ({ id: each, name: each, domain_id: "default", description: "" }));
  if (id === "") return { status: 200, body: { projects: all } };
  return ids.has(id) ? { status: 200, body: { project: all.find((each) => each.id === id) } } : notFound;
}

function trust(cloud: FakeOpenStack, asked: Asked): Answer {
  const id = asked.path[3];
  if (asked.method === "POST") {
    if (asked.bearer?.isFromTrust === true) {
      return {
        status: 403,
        body: { error: { code: 403, message: "Redelegation is not allowed", title: "Forbidden" } },
      };
    }
    if (asked.bearer?.isFederated === true) return notFound;
    const wanted = asked.body["trust"] as { readonly roles: readonly { readonly name: string }[] };
    const roles = wanted.roles.map(({ name }) => ({ id: `role-${name}`, name }));
    const made = { ...wanted, roles, id: randomUUID().replaceAll("-", "") };
    cloud.trusts.set(made.id, made);
    return { status: 201, body: { trust: made } };
  }
  const found = cloud.trusts.get(id ?? "");
  if (asked.method === "DELETE" && found !== undefined) {
    cloud.trusts.delete(id ?? "");
    return { status: 204, body: undefined };
  }
  return found === undefined ? notFound : { status: 200, body: { trust: found } };
}

function credential(cloud: FakeOpenStack, asked: Asked): Answer {
  if (asked.method !== "POST") {
    const found = cloud.credentials.get(asked.path[4] ?? "");
    return found === undefined ? notFound : { status: 200, body: { application_credential: found } };
  }
  if (asked.bearer?.isFromTrust === true) {
    const message = "Using method 'trust' is not allowed for managing application credentials";
    return { status: 403, body: { error: { code: 403, message, title: "Forbidden" } } };
  }
  const wanted = asked.body["application_credential"] as Record<string, unknown>;
  const id = randomUUID().replaceAll("-", "");
  const made = { ...wanted, id, project_id: asked.bearer?.projectId, roles: [] };
  cloud.credentials.set(id, made);
  return { status: 201, body: { application_credential: { ...made, secret: `secret of ${id}` } } };
}

function nova(cloud: FakeOpenStack, asked: Asked): Answer {
  const [, collection, id, part, key] = asked.path;
  if (collection === undefined) {
    return {
      status: 200,
      body: { version: { id: "v2.1", min_version: "2.1", version: "2.96", status: "CURRENT" } },
    };
  }
  if (collection === "os-availability-zone") {
    return {
      status: 200,
      body: { availabilityZoneInfo: [{ zoneName: "nova", zoneState: { available: true } }] },
    };
  }
  if (collection === "flavors" && id === "detail") {
    return {
      status: 200,
      body: { flavors: [...cloud.flavors].map(([each, it]) => flavorBody(each, it)) },
    };
  }
  if (collection === "flavors") return flavor(cloud, id ?? "");
  if (id === undefined || id === "detail") {
    const name = (asked.query.get("name") ?? "").replaceAll(/[\^$\\]/g, "");
    const found = [...cloud.servers].filter(
      ([, each]) => isVisible(asked, each) && (name === "" || each.name === name),
    );
    return { status: 200, body: { servers: found.map(([each, it]) => serverBody(each, it)) } };
  }
  const server = cloud.servers.get(id);
  if (server === undefined || !isVisible(asked, server)) return notFound;
  if (part === "metadata" && asked.method === "POST") {
    Object.assign(server.metadata, asked.body["metadata"]);
    return { status: 200, body: { metadata: server.metadata } };
  }
  if (part === "metadata" && asked.method === "DELETE") {
    delete server.metadata[key ?? ""];
    return { status: 204 };
  }
  return { status: 200, body: { server: serverBody(id, server) } };
}

function isVisible(asked: Asked, server: FakeServer): boolean {
  return server.projectId === asked.bearer?.projectId || asked.bearer?.roles.includes("admin") === true;
}

function flavor(cloud: FakeOpenStack, id: string): Answer {
  const found = cloud.flavors.get(id);
  if (found === undefined) return notFound;
  return { status: 200, body: { flavor: flavorBody(id, found) } };
}

function flavorBody(id: string, found: { readonly ram: number; readonly disk: number }): unknown {
  return { id, name: `flavor-${id}`, vcpus: 1, swap: 0, extra_specs: {}, ...found };
}

function serverBody(id: string, server: FakeServer): unknown {
  return {
    id,
    name: server.name,
    status: "ACTIVE",
    ...server.fields,
    tenant_id: server.projectId,
    user_id: "owner",
    flavor: { original_name: "small", vcpus: 1, ram: 64, disk: 1, ephemeral: 0, swap: 0, extra_specs: {} },
    image: "",
    metadata: server.metadata,
    tags: [],
    addresses: {},
    security_groups: [],
    "os-extended-volumes:volumes_attached": server.volumes.map((volume) => ({ id: volume })),
    server_groups: [],
    created: "2026-01-01T00:00:00Z",
    updated: "2026-01-01T00:00:00Z",
  };
}

function neutron(cloud: FakeOpenStack, asked: Asked): Answer {
  const [, collection, id = ""] = asked.path;
  if (collection === "networks" && id === "") {
    return {
      status: 200,
      body: { networks: [...cloud.networks].map(([each, it]) => networkBody(each, it)) },
    };
  }
  if (collection === "subnets" && id === "") {
    const all = [...cloud.networks].flatMap(([network, each]) => each.map((it) => subnetBody(it, network)));
    return { status: 200, body: { subnets: all } };
  }
  const subnets = cloud.networks.get(id);
  if (collection === "networks" && subnets !== undefined) {
    return { status: 200, body: { network: networkBody(id, subnets) } };
  }
  const owner = [...cloud.networks].find(([, each]) => each.includes(id));
  if (collection !== "subnets" || owner === undefined) return notFound;
  return { status: 200, body: { subnet: subnetBody(id, owner[0]) } };
}

function networkBody(id: string, subnets: readonly string[]): unknown {
  return {
    id,
    name: `net-${id}`,
    description: "",
    project_id: "p",
    status: "ACTIVE",
    admin_state_up: true,
    availability_zone_hints: [],
    subnets,
  };
}

function subnetBody(id: string, network: string): unknown {
  return {
    id,
    name: "",
    description: "",
    project_id: "p",
    network_id: network,
    cidr: "10.0.0.0/24",
    ip_version: 4,
    allocation_pools: [],
    dns_nameservers: [],
    host_routes: [],
  };
}

/** An id made of a word, the same each time. */
export function fakeId(word: string): string {
  const hex = createHash("sha256").update(word).digest("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}
