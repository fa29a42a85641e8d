import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import {
  faultBody,
  fullPath,
  type RestoreDetail,
  type RouteId,
  routeIds,
  routeOf,
  type SnapshotDetail,
  type WorkloadDetail,
} from "@cairn/contract";

/** What one call of the command line asked. */
export interface Asked {
  readonly id: RouteId;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface FakeReply {
  readonly status?: number;
  readonly body?: unknown;
}

export type FakeHandlers = Partial<Record<RouteId, (asked: Asked) => FakeReply>>;

/**
 * A Keystone and an API in one server, whose routes are the contract's table; for tests of the command line.
 */
export interface FakeApi extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  handlers: FakeHandlers;
}

export const PROJECT = "1".repeat(32);

/** Starts it on a free port. A route without a handler is answered 500. */
export async function startFakeApi(): Promise<FakeApi> {
  const server = createServer((request, response) => {
    void (async () => {
      const { status, body, headers } = await serve(fake, request);
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(body === undefined ? "" : JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakeApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    handlers: {},
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return fake;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

async function serve(fake: FakeApi, request: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  const url = new URL(request.url ?? "/", fake.url);
  if (url.pathname === "/v3/auth/tokens") return keystone(fake, body);
  const elsewhere = openstack(url.pathname);
  if (elsewhere !== undefined) return { status: 200, body: elsewhere };
  const found = matchesOf(request.method, url.pathname).toSorted((one, two) => one.open - two.open)[0];
  if (found !== undefined) {
    const asked = { id: found.id, params: found.params, query: url.searchParams, body };
    fake.asked.push(asked);
    const reply = fake.handlers[found.id]?.(asked) ?? { status: 500, body: {} };
    return { status: reply.status ?? routeOf(found.id).status, body: reply.body };
  }
  return { status: 404, body: faultBody({ code: 404, message: `no route ${url.pathname}` }) };
}

interface Match {
  readonly id: RouteId;
  readonly params: Readonly<Record<string, string>>;
  /** How many parts of the path are open: `/workloads/orphan_workloads` is no workload's. */
  readonly open: number;
}

function matchesOf(method: string | undefined, pathname: string): Match[] {
  return routeIds.flatMap((id) => {
    const route = routeOf(id);
    if (!route.methods.some((each) => each === method)) return [];
    return route.paths.flatMap((path) => {
      const pattern = fullPath(route, path).replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
      const match = new RegExp(`^${pattern}$`).exec(pathname);
      const params = { ...match?.groups };
      return match === null ? [] : [{ id, params, open: Object.keys(params).length }];
    });
  });
}

/** One page of what Nova and Neutron list. */
/** The one instance of the project. */
export const RECOVERY = "22222222-2222-4222-8222-222222222222";
const SERVER = {
  id: RECOVERY,
  name: "recovery",
  status: "ACTIVE",
  tenant_id: PROJECT,
  user_id: "anna",
  flavor: { original_name: "small", vcpus: 1, ram: 64, disk: 1, ephemeral: 0, swap: 0, extra_specs: {} },
  image: "",
  metadata: {},
  tags: [],
  addresses: {},
  security_groups: [],
  "os-extended-volumes:volumes_attached": [],
  server_groups: [],
  created: "2026-01-01T00:00:00Z",
  updated: "2026-01-01T00:00:00Z",
};

function openstack(path: string): unknown {
  const network = { description: "", project_id: PROJECT, status: "ACTIVE", admin_state_up: true };
  const lists = { availability_zone_hints: [], subnets: ["s2"] };
  const subnet = {
    description: "",
    project_id: PROJECT,
    network_id: "n2",
    cidr: "10.0.0.0/24",
    ip_version: 4,
  };
  const pools = { allocation_pools: [], dns_nameservers: [], host_routes: [] };
  switch (path) {
    case "/v2.1/":
      return { version: { id: "v2.1", min_version: "2.1", version: "2.96" } };
    case "/v2.1/flavors/detail":
      return {
        flavors: [{ id: "f2", name: "m1.small", vcpus: 1, ram: 64, disk: 1, swap: 0, extra_specs: {} }],
      };
    case "/v2.1/servers/detail":
      return { servers: [SERVER] };
    case "/v2.0/networks":
      return { networks: [{ id: "n2", name: "test-lan", ...network, ...lists }] };
    case "/v2.0/subnets":
      return { subnets: [{ id: "s2", name: "four", ...subnet, ...pools }] };
    default:
      return undefined;
  }
}

function keystone(fake: FakeApi, body: unknown): Answer {
  if (JSON.stringify(body).includes("wrong password")) {
    return {
      status: 401,
      body: {
        error: {
          code: 401,
          message: "The request you have made requires authentication.",
          title: "Unauthorized",
        },
      },
    };
  }
  const named = { id: "default", name: "Default" };
  const token = {
    user: { id: "anna", name: "anna", domain: named },
    project: { id: PROJECT, name: "demo", domain: named },
    roles: [{ id: "m", name: "member" }],
    issued_at: "2026-01-01T00:00:00.000000Z",
    expires_at: "2999-01-01T00:00:00.000000Z",
    catalog: [
      ["workloads", `/v1/${PROJECT}`],
      ["compute", "/v2.1"],
      ["network", ""],
    ].map(([type, path = ""]) => ({
      type,
      name: type,
      endpoints: [{ interface: "public", region_id: "RegionOne", url: `${fake.url}${path}` }],
    })),
  };
  return { status: 201, body: { token }, headers: { "x-subject-token": "issued" } };
}

const TIME = "2026-06-01T12:00:00.000000";

/** A workload as the API shows it. */
export function workloadOf(id: string, name: string): WorkloadDetail {
  return {
    id,
    name,
    description: "no-description",
    project_id: PROJECT,
    user_id: "anna",
    workload_type_id: "2ddd528d-c9b4-4d7e-8722-cc395140255a",
    status: "available",
    created_at: TIME,
    updated_at: TIME,
    snapshots_info: "",
    scheduler_trust: null,
    links: [],
    instances: [{ id: "i1", name: "web-1", metadata: {} }],
    jobschedule: { enabled: false },
    metadata: {},
    storage_usage: {
      usage: 2048,
      full: { usage: 1024, snap_count: 1 },
      incremental: { usage: 1024, snap_count: 2 },
    },
    availability_zone: null,
    host: null,
    error_msg: null,
    waiting_reason: null,
    interval: null,
    encryption: false,
    secret_uuid: null,
    backup_target_types: null,
    source_platform: "openstack",
    policy_id: null,
    recent_snapshots: [],
    restorable_snapshot: null,
  };
}

/** A snapshot as the API shows it: of one instance with a root disk and a volume. */
export function snapshotOf(id: string, name: string, changes: Partial<SnapshotDetail> = {}): SnapshotDetail {
  return {
    id,
    name,
    created_at: TIME,
    status: "available",
    snapshot_type: "full",
    workload_id: "w1",
    description: "-",
    host: "",
    updated_at: TIME,
    finished_at: TIME,
    user_id: "anna",
    project_id: PROJECT,
    size: 3_221_225_472,
    restore_size: 3_221_225_472,
    uploaded_size: 1024,
    progress_percent: 100,
    progress_msg: null,
    warning_msg: null,
    error_msg: null,
    time_taken: 12,
    metadata: [],
    links: [],
    instances: [
      {
        id: "i1",
        name: "web-1",
        status: "available",
        metadata: {},
        flavor: {},
        security_group: [],
        nics: [{ mac_address: "", ip_address: "", network: { id: "n1", name: "lan", subnet: null } }],
        vdisks: [diskOf("vda", undefined), diskOf("vdb", "v1")],
        point_at: TIME,
        consistency: { quality: "crash", reason: "no guest agent" },
      },
    ],
    progress: null,
    waiting: null,
    mount: null,
    workload_point: null,
    virtual_bytes: 3_221_225_472,
    read_bytes: 4096,
    stored_bytes: 1024,
    ...changes,
  };
}

function diskOf(
  device: string,
  volume: string | undefined,
): SnapshotDetail["instances"][number]["vdisks"][number] {
  return {
    label: null,
    ...(volume === undefined ? { image_id: "m1" } : { volume_id: volume, volume_name: "data" }),
    restore_size: 1024,
    disk: device,
    disk_id: volume ?? `i1-${device}`,
    format: "qcow2",
    size_bytes: 1_073_741_824,
    read: { mode: "full", because: "first snapshot" },
    read_bytes: 4096,
    changed_bytes: 4096,
    audited_bytes: 0,
    stored_bytes: 512,
  };
}

/** A restore as the API shows it. */
export function restoreOf(id: string, changes: Partial<RestoreDetail> = {}): RestoreDetail {
  return {
    id,
    created_at: TIME,
    updated_at: TIME,
    finished_at: null,
    user_id: "anna",
    project_id: PROJECT,
    status: "executing",
    restore_type: "restore",
    snapshot_id: "s1",
    workload_id: "w1",
    links: [],
    name: "back",
    description: "-",
    host: "",
    size: 1024,
    uploaded_size: 0,
    progress_percent: 0,
    progress_msg: null,
    warning_msg: null,
    error_msg: null,
    time_taken: 0,
    safety_snapshot_id: null,
    restore_options: {
      type: "openstack",
      restore_type: "oneclick",
      oneclickrestore: true,
      openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] } },
    },
    metadata: [],
    instances: [],
    networks: [],
    subnets: [],
    routers: [],
    flavors: [],
    security_groups: [],
    server_groups: [],
    floating_ips: [],
    snapshot_details: { id: "s1", name: "nightly", created_at: TIME },
    progress: null,
    ...changes,
  };
}
