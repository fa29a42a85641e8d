import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Secret } from "@cairn/kernel";
import type { CloudOptions } from "../cloud.ts";

/** An answer in the shape in which the real services give it. */
export interface Recorded {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
}

/**
 * `hang`: never answers. `drop`: closes the connection without a word. `cut`: closes it in the middle of a
 * body.
 */
export type Play = Recorded | "hang" | "drop" | "cut" | ((request: Seen) => Recorded);

export interface Seen {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface RecordedCloud extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** How often a method and path (without its query) was asked for. */
  count(route: string): number;
  options(change?: Partial<CloudOptions>): CloudOptions;
}

/**
 * A server for tests that plays recorded answers: a list of them is played in order, the last one for ever.
 * Logins, catalogue and version documents are there already; `plays` may replace them.
 */
export async function startRecordedCloud(
  plays: Readonly<Record<string, Play | readonly Play[]>>,
  host = "127.0.0.1",
): Promise<RecordedCloud> {
  const seen: Seen[] = [];
  const count = (route: string): number => seen.filter((each) => routeOf(each) === route).length;
  const server = createServer((request, response) => {
    void (async () => {
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: await text(request),
      };
      seen.push(one);
      const all = { ...basics(url, () => count("POST /v3/auth/tokens")), ...plays };
      perform(response, one, choose(all[routeOf(one)], count(routeOf(one))));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${String(port)}`;
  return {
    url,
    seen,
    count,
    options: (change) => ({ ...defaults(url), ...change }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function defaults(url: string): CloudOptions {
  return {
    authUrl: `${url}/v3`,
    credentials: {
      kind: "password",
      user: { name: "demo", domain: { id: "default" } },
      password: new Secret("planted-password"),
      scope: { kind: "project", project: { id: "p1" } },
    },
    interface: "public",
    region: "RegionOne",
    requestTimeoutMs: 10_000,
  };
}

function routeOf(request: Seen): string {
  return `${request.method} ${request.path.replace(/\?.*$/, "")}`;
}

function choose(play: Play | readonly Play[] | undefined, turn: number): Play {
  if (play === undefined)
    return { status: 404, json: { error: { message: "no such recording", code: 404 } } };
  if (!isSequence(play)) return play;
  return play[Math.min(turn, play.length) - 1] ?? "drop";
}

function isSequence(play: Play | readonly Play[]): play is readonly Play[] {
  return Array.isArray(play);
}

function perform(response: ServerResponse, request: Seen, play: Play): void {
  if (play === "hang") return;
  if (play === "drop") {
    response.destroy();
    return;
  }
  if (play === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"half":', () => response.destroy());
    return;
  }
  const recorded = typeof play === "function" ? play(request) : play;
  const body = recorded.json === undefined ? (recorded.text ?? "") : JSON.stringify(recorded.json);
  response.writeHead(recorded.status ?? 200, {
    "content-type": "application/json",
    "x-openstack-request-id": "req-of-the-cloud",
    ...recorded.headers,
  });
  response.end(body);
}

/** The catalogue of a token document in which one service, or several, have other addresses. */
export function catalogueOf(addresses: Readonly<Record<string, string>>): unknown {
  return Object.entries(addresses).map(([type, url]) => ({
    type,
    id: `id-of-${type}`,
    name: type,
    endpoints: ["public", "internal", "admin"].map((each) => ({
      id: `${type}-${each}`,
      interface: each,
      region: "RegionOne",
      region_id: "RegionOne",
      url,
    })),
  }));
}

/**
 * The token document of a login (Keystone's API reference, "Password authentication with scoped
 * authorization").
 */
export function tokenDocument(url: string, change?: Readonly<Record<string, unknown>>): unknown {
  return {
    token: {
      methods: ["password"],
      user: {
        domain: { id: "default", name: "Default" },
        id: "u1",
        name: "demo",
        password_expires_at: null,
      },
      audit_ids: ["mAjXQhiYRyKwkB4qygdLVg"],
      issued_at: "2026-01-01T00:00:00.000000Z",
      expires_at: "2026-01-01T01:00:00.000000Z",
      project: { domain: { id: "default", name: "Default" }, id: "p1", name: "demo" },
      is_domain: false,
      roles: [{ id: "r1", name: "member" }],
      catalog: catalogueOf({
        identity: url,
        compute: `${url}/compute/v2.1`,
        volumev3: `${url}/volume/v3/p1`,
        image: `${url}/image`,
        network: `${url}/network`,
        "key-manager": `${url}/key-manager`,
        placement: `${url}/placement`,
      }),
      ...change,
    },
  };
}

function basics(url: string, logins: () => number): Readonly<Record<string, Play>> {
  return {
    "POST /v3/auth/tokens": () => ({
      status: 201,
      headers: { "x-subject-token": `planted-token-${String(logins())}` },
      json: tokenDocument(url),
    }),
    "GET /compute/v2.1/": {
      json: { version: { id: "v2.1", status: "CURRENT", version: "2.93", min_version: "2.1" } },
    },
    "GET /volume/v3/": {
      json: { versions: [{ id: "v3.0", status: "CURRENT", version: "3.70", min_version: "3.0" }] },
    },
  };
}
