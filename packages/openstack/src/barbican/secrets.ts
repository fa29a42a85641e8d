import { Fault, hasCode, Secret, type UserId } from "@cairn/kernel";
import { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What is known of a secret without its payload. */
export interface SecretRecord {
  readonly id: string;
  readonly name: string;
  /** ACTIVE, ERROR, … */
  readonly status: string;
  readonly secretType: string;
  readonly creatorId: string;
}

/** Who may read a secret besides its project. */
export interface SecretReaders {
  readonly users: readonly UserId[];
  /** Whether the other members of the project may read it. */
  readonly projectAccess: boolean;
}

/** Secrets of 1 to 10,000 bytes (Barbican's `max_allowed_secret_in_bytes`). Their payloads never change. */
export interface Secrets {
  /** Stores bytes as a secret of type `symmetric`; the caller's role must be allowed to create secrets. */
  create(
    secret: { readonly name: string; readonly payload: Secret<Buffer> },
    signal?: AbortSignal,
  ): Promise<string>;
  /** Those of the project that have this name. */
  list(filter: { readonly name: string }, signal?: AbortSignal): Promise<readonly SecretRecord[]>;
  find(id: string, signal?: AbortSignal): Promise<SecretRecord | undefined>;
  /** 403 for whoever is neither of the project nor in the list of readers; 404 when it is gone. */
  payload(id: string, signal?: AbortSignal): Promise<Secret<Buffer>>;
  readers(id: string, signal?: AbortSignal): Promise<SecretReaders>;
  /** Replaces the list of readers. */
  setReaders(id: string, readers: SecretReaders, signal?: AbortSignal): Promise<void>;
  /** Absent is deleted. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

const PAYLOAD_BYTES_MAX = 16 * 1024;
/** Barbican gives 10 at once unless asked for more, and never more than 100. */
const PAGE_LIMIT = 100;

/** The calls about secrets (docs.openstack.org/barbican, api/reference/secrets and acls). */
export function secrets(client: ServiceClient): Secrets {
  return {
    create: async ({ name, payload }, signal) => {
      const encoded = new Secret(payload.reveal().toString("base64"));
      const body = {
        name,
        secret_type: "symmetric",
        algorithm: "aes",
        bit_length: payload.reveal().length * 8,
        payload: encoded.reveal(),
        payload_content_type: "application/octet-stream",
        payload_content_encoding: "base64",
      };
      const doing = `storing secret ${name}`;
      const answer = await client.post({ doing, path: ["secrets"], body, secrets: [encoded], signal });
      return idOf(doing, new Fields(answer.body, "secret").string("secret_ref"));
    },
    list: async ({ name }, signal) => {
      const doing = `listing secrets called ${name}`;
      const read = (fields: Fields): SecretRecord => readRecord(doing, fields);
      const query = { name, limit: PAGE_LIMIT };
      return client.list({ doing, path: ["secrets"], query, field: "secrets", read, signal });
    },
    find: async (id, signal) => {
      const doing = `reading secret ${id}`;
      const answer = await client.find({ doing, path: ["secrets", id], signal });
      return answer === undefined ? undefined : readRecord(doing, new Fields(answer.body, "secret"));
    },
    payload: async (id, signal) => {
      try {
        return await payloadAs(client, { id, accept: "application/octet-stream" }, signal);
      } catch (cause) {
        // 406: it was stored as text, and is given out as nothing else.
        if (!hasCode(cause, "openstack-bad-request")) throw cause;
        return payloadAs(client, { id, accept: "text/plain" }, signal);
      }
    },
    ...acl(client),
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting secret ${id}`, path: ["secrets", id], signal });
    },
  };
}

async function payloadAs(
  client: ServiceClient,
  { id, accept }: { readonly id: string; readonly accept: string },
  signal: AbortSignal | undefined,
): Promise<Secret<Buffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const doing = `fetching the payload of secret ${id}`;
  const call = { doing, path: ["secrets", id, "payload"], headers: { accept }, signal };
  for await (const part of client.download(call)) {
    length += part.length;
    if (length > PAYLOAD_BYTES_MAX) {
      throw new Fault("openstack-bad-reply", `${doing}: it is too long`, "after-operator");
    }
    parts.push(part);
  }
  return new Secret(Buffer.concat(parts));
}

function acl(client: ServiceClient): Pick<Secrets, "readers" | "setReaders"> {
  return {
    readers: async (id, signal) => {
      const doing = `reading who may read secret ${id}`;
      const answer = await client.get({ doing, path: ["secrets", id, "acl"], signal });
      return new Fields(answer.body, "acl").object("read", (fields) => ({
        users: fields.strings("users") as readonly UserId[],
        projectAccess: fields.optionalBoolean("project-access") ?? true,
      }));
    },
    setReaders: async (id, { users, projectAccess }, signal) => {
      const body = { read: { users: [...users], "project-access": projectAccess } };
      await client.put({
        doing: `changing who may read secret ${id}`,
        path: ["secrets", id, "acl"],
        body,
        signal,
      });
    },
  };
}

/** A reference is an address that ends with the id; behind a proxy, its host is often wrong. */
function idOf(doing: string, reference: string): string {
  const id = /\/secrets\/([0-9a-f-]{36})\/?$/i.exec(reference)?.[1];
  if (id !== undefined) return id.toLowerCase();
  throw new Fault("openstack-bad-reply", `${doing}: the reference names no secret`, "after-operator");
}

function readRecord(doing: string, fields: Fields): SecretRecord {
  return {
    id: idOf(doing, fields.string("secret_ref")),
    name: fields.text("name"),
    status: fields.text("status"),
    secretType: fields.text("secret_type"),
    creatorId: fields.text("creator_id"),
  };
}
