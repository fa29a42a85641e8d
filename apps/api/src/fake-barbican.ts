/** As much of Barbican as the API asks; not every cloud has one. */
export interface FakeBarbican {
  /** Whether the catalogue names it. */
  isThere: boolean;
  readonly secrets: Map<string, FakeSecret>;
  /** Ids of the secrets in an order or a container, by its id. */
  readonly orders: Map<string, readonly string[]>;
  readonly containers: Map<string, readonly string[]>;
}

export interface FakeSecret {
  readonly projectId: string;
  readonly payload: Buffer;
  readonly type?: string;
  readonly status?: string;
  /** `application/octet-stream` unless told. */
  readonly contentType?: string;
}

export interface BarbicanAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly bytes?: Buffer;
}

const notFound: BarbicanAnswer = { status: 404, body: { code: 404, title: "Not Found", description: "?" } };
const OCTETS = "application/octet-stream";

/** What it answers to somebody of a project with a role; a reader may read no payload. */
export function answerBarbican(
  barbican: FakeBarbican,
  path: readonly string[],
  asked: {
    readonly projectId: string | undefined;
    readonly roles: readonly string[];
    readonly accept: string;
  },
): BarbicanAnswer {
  const [, collection, id = "", part] = path;
  if (collection === "orders") {
    const [held] = barbican.orders.get(id) ?? [];
    if (!barbican.orders.has(id)) return notFound;
    return {
      status: 200,
      body: { type: "key", ...(held === undefined ? {} : { secret_ref: addressOf(held) }) },
    };
  }
  if (collection === "containers") {
    const held = barbican.containers.get(id);
    if (held === undefined) return notFound;
    return { status: 200, body: { secret_refs: held.map((each) => ({ secret_ref: addressOf(each) })) } };
  }
  const secret = collection === "secrets" ? barbican.secrets.get(id) : undefined;
  if (secret === undefined) return notFound;
  const { projectId, payload, type = "symmetric", status = "ACTIVE", contentType = OCTETS } = secret;
  const isPayload = part === "payload";
  if (projectId !== asked.projectId || (isPayload && !asked.roles.includes("member"))) {
    return { status: 403, body: { code: 403, title: "Forbidden", description: "review your privileges" } };
  }
  if (isPayload) {
    if (asked.accept !== contentType) return { status: 406, body: { code: 406, title: "Not Acceptable" } };
    return { status: 200, bytes: payload };
  }
  const shown = { name: "s", status, secret_type: type, creator_id: "anna", secret_ref: addressOf(id) };
  return { status: 200, body: shown };
}

function addressOf(id: string): string {
  return `https://elsewhere:9311/v1/secrets/${id}`;
}
