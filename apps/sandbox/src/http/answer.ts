import type { IncomingHttpHeaders } from "node:http";
import type { Cloud } from "../cloud.ts";

/** What a handler answers. A `Readable` body is streamed; an absent one leaves the answer empty. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Who asks, as Keystone says about the token. */
export interface Actor {
  readonly userId: string;
  /** Empty for unscoped and system tokens. */
  readonly projectId: string;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  readonly tokenId: string;
}

export interface Call {
  readonly cloud: Cloud;
  readonly actor: Actor;
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON, or a `Readable` for octet streams. */
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Minor number of the microversion that the answer has; 0 where a service has none. */
  readonly minor: number;
}

export type Access = "open" | "reader" | "member" | "admin";

export interface Route {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  /** The policy rule's name, which refusals quote. */
  readonly rule: string;
  readonly access: Access;
  readonly answer: (call: Call) => Answer | Promise<Answer>;
}

/** One OpenStack service: its routes and its ways of saying no. */
export interface Service {
  readonly name: string;
  readonly prefix: string;
  readonly routes: readonly Route[];
  /** The microversion of a request, or an ApiError of status 406. */
  readonly negotiate: (headers: IncomingHttpHeaders) => {
    readonly minor: number;
    readonly headers: Readonly<Record<string, string>>;
  };
  /** Refuses a call before its handler runs, such as for a foreign project in the path. */
  readonly admit?: (call: Call) => void;
  readonly refusal: (route: Route) => ApiError;
  readonly render: (error: ApiError, headers: IncomingHttpHeaders) => Answer;
  readonly requestIdHeaders: readonly string[];
}

/** A request that the real service would refuse with this status and text. */
export class ApiError extends Error {
  readonly status: number;
  /** Neutron's exception type, or a prefix that Cinder puts before quota texts. */
  readonly kind: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    kind?: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.kind = kind;
    this.headers = headers;
  }
}

/** A route as one line of a service's table. */
export function route(
  methodAndUrl: `${Route["method"]} /${string}` | `${Route["method"]} `,
  rule: string,
  access: Access,
  answer: Route["answer"],
): Route {
  const [method, url] = methodAndUrl.split(" ");
  return { method: method as Route["method"], url: url ?? "", rule, access, answer };
}

/** A text that is too long for one line of code. */
export function sentence(...parts: readonly string[]): string {
  return parts.join(" ");
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function accepted(body?: unknown): Answer {
  return body === undefined ? { status: 202 } : { status: 202, body };
}

export const noContent: Answer = { status: 204 };

/** A parameter of the route's address. */
export function param(call: Call, name: string): string {
  return call.params[name] ?? "";
}
