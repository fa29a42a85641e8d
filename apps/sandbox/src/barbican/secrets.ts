import { randomUUID } from "node:crypto";
import { isUuid } from "@cairn/kernel";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { booleanAt, type Json, jsonOf, numberAt, textAt, textsAt } from "../http/reading.ts";
import type { SecretRow } from "../state/secret-rows.ts";

/** Barbican's `max_allowed_secret_in_bytes`. */
const PAYLOAD_BYTES_MAX = 20_000;
const OCTETS = "application/octet-stream";

/** Python's `datetime.isoformat()` without a zone, as Barbican shows its times. */
export const isoNow = (call: Call): string => new Date(call.cloud.clock.now()).toISOString().replace("Z", "");

/** The address of a secret, an order or a container. */
export function reference(call: Call, kind: "secrets" | "orders" | "containers", id: string): string {
  return `${call.cloud.baseUrl()}/key-manager/v1/${kind}/${id}`;
}

/** barbican/api/controllers/__init__.py, `handle_exceptions`. */
export function notAllowed(operation: string): ApiError {
  const words = "attempt not allowed - please review your user/project privileges";
  return new ApiError(403, `${operation} ${words}`);
}

/** barbican/api/controllers/secrets.py, `_secret_not_found` and `_invalid_secret_id`. */
function secretAt(call: Call): SecretRow {
  const id = param(call, "id");
  if (!isUuid(id)) throw new ApiError(404, "Not Found. Provided secret id is invalid.");
  const row = call.cloud.state.secrets.find(id);
  if (row === undefined) throw new ApiError(404, "Not Found. Sorry but your secret is in another castle.");
  return row;
}

/**
 * Barbican's policy in short (barbican/common/policies/secrets.py): whoever made it, its project's admins,
 * the project's members unless the list of readers takes that away, and to read also who is on that list. A
 * foreign admin is nobody.
 */
function mayUse(call: Call, row: SecretRow, operation: "read" | "write"): boolean {
  const { actor } = call;
  const isOwn = actor.projectId === row.project_id;
  if (isOwn && (actor.isAdmin || actor.userId === row.creator_id)) return true;
  const isMember = actor.roles.includes("member");
  if (isOwn && isMember && row.acl?.project_access !== false) return true;
  return operation === "read" && row.acl?.users.includes(actor.userId) === true;
}

function secretFor(call: Call, operation: "read" | "write", what: string): SecretRow {
  const row = secretAt(call);
  if (!mayUse(call, row, operation)) throw notAllowed(what);
  return row;
}

/** A body that is no good. */
export function invalid(property: string, why: string): ApiError {
  const words = `Provided object does not match schema 'Secret': ${why}. Invalid property: '${property}'`;
  return new ApiError(400, words);
}

/** The payload of a creation, decoded (barbican/common/validators.py, `NewSecretValidator`). */
function payloadOf(asked: Json): Buffer {
  const payload = textAt(asked, "payload");
  const type = textAt(asked, "payload_content_type");
  if (payload === undefined) throw invalid("payload", "the sandbox stores no secret without its payload");
  if (payload === "") throw invalid("payload", "If 'payload' specified, must be non empty");
  if (type === undefined) {
    throw invalid(
      "payload_content_type",
      "If 'payload' is supplied, 'payload_content_type' must also be supplied",
    );
  }
  if (type !== OCTETS && !type.startsWith("text/plain")) {
    throw invalid("payload_content_type", `payload_content_type is not one of the supported types: ${type}`);
  }
  const encoding = textAt(asked, "payload_content_encoding");
  if (type !== OCTETS) return Buffer.from(payload, "utf8");
  if (encoding !== "base64") {
    throw invalid("payload_content_encoding", "payload_content_encoding must be specified when using octets");
  }
  const bytes = Buffer.from(payload, "base64");
  if (bytes.toString("base64") !== payload)
    throw invalid("payload", "Invalid payload for payload_content_encoding");
  return bytes;
}

function create(call: Call): Answer {
  const asked = jsonOf(call.body);
  const bytes = payloadOf(asked);
  if (bytes.length > PAYLOAD_BYTES_MAX) {
    throw new ApiError(413, "Provided information too large to process");
  }
  const row = keepSecret(call, {
    name: textAt(asked, "name") ?? null,
    secret_type: textAt(asked, "secret_type") ?? "opaque",
    algorithm: textAt(asked, "algorithm") ?? null,
    bit_length: numberAt(asked, "bit_length") ?? null,
    mode: textAt(asked, "mode") ?? null,
    content_type: textAt(asked, "payload_content_type") ?? OCTETS,
    payload: bytes.toString("base64"),
  });
  const secret_ref = reference(call, "secrets", row.id);
  return { status: 201, body: { secret_ref }, headers: { Location: secret_ref } };
}

type NewSecret = Omit<SecretRow, "id" | "project_id" | "creator_id" | "created" | "updated" | "acl">;

/** Writes a secret of the caller's. */
export function keepSecret(call: Call, fields: NewSecret): SecretRow {
  const at = isoNow(call);
  const { projectId: project_id, userId: creator_id } = call.actor;
  return call.cloud.state.secrets.put({
    ...fields,
    id: randomUUID(),
    project_id,
    creator_id,
    created: at,
    updated: at,
  });
}

function shown(call: Call, row: SecretRow): object {
  const { name, algorithm, bit_length, mode, secret_type, creator_id, created, updated } = row;
  return {
    status: "ACTIVE",
    name,
    algorithm,
    bit_length,
    mode,
    secret_type,
    creator_id,
    created,
    updated,
    expiration: null,
    content_types: { default: row.content_type },
    secret_ref: reference(call, "secrets", row.id),
  };
}

function list(call: Call): Answer {
  const name = call.query.get("name");
  const rows = call.cloud.state.secrets
    .where((row) => row.project_id === call.actor.projectId)
    .filter((row) => name === null || row.name === name);
  return ok({ secrets: rows.map((row) => shown(call, row)), total: rows.length });
}

function payload(call: Call): Answer {
  const row = secretFor(call, "read", "Secret payload retrieval");
  const accept = call.headers.accept ?? "*/*";
  if (!accept.includes("*/*") && !accept.includes(row.content_type)) {
    throw new ApiError(406, "Not Acceptable");
  }
  return ok(Buffer.from(row.payload, "base64"));
}

function remove(call: Call): Answer {
  const row = secretFor(call, "write", "Secret deletion");
  call.cloud.state.secrets.remove(row.id);
  return noContent;
}

function showAcl(call: Call): Answer {
  const { acl } = secretFor(call, "read", "SecretACL(s) retrieval");
  if (acl === undefined) return ok({ read: { "project-access": true } });
  const { users, project_access, created, updated } = acl;
  return ok({ read: { users, "project-access": project_access, created, updated } });
}

function putAcl(call: Call): Answer {
  const row = secretFor(call, "write", "SecretACL(s) Update");
  const asked = jsonOf(jsonOf(call.body)["read"]);
  const at = isoNow(call);
  call.cloud.state.secrets.patch(row.id, {
    acl: {
      users: textsAt(asked, "users") ?? [],
      project_access: booleanAt(asked, "project-access") ?? true,
      created: row.acl?.created ?? at,
      updated: at,
    },
  });
  return ok({ acl_ref: `${reference(call, "secrets", row.id)}/acl` });
}

/** The second step of a creation in two, which has been taken already. */
function putPayload(call: Call): Answer {
  secretFor(call, "write", "Secret update");
  throw new ApiError(409, "Secret already has data, cannot modify it.");
}

export const secretRoutes: readonly Route[] = [
  route("POST /v1/secrets", "Secret creation", "member", create),
  route("GET /v1/secrets", "Secret(s) retrieval", "member", list),
  route("GET /v1/secrets/:id", "Secret retrieval", "reader", (call) =>
    ok(shown(call, secretFor(call, "read", "Secret retrieval"))),
  ),
  route("PUT /v1/secrets/:id", "Secret update", "member", putPayload),
  route("DELETE /v1/secrets/:id", "Secret deletion", "member", remove),
  route("GET /v1/secrets/:id/payload", "Secret payload retrieval", "reader", payload),
  route("GET /v1/secrets/:id/acl", "SecretACL(s) retrieval", "reader", showAcl),
  route("PUT /v1/secrets/:id/acl", "SecretACL(s) Update", "member", putAcl),
];
