import { createHash, generateKeyPairSync } from "node:crypto";
import { type Answer, ApiError, type Call, ok, param, type Route, route } from "../http/answer.ts";
import { pageOf } from "../http/paging.ts";
import { enveloped, requiredText, textAt } from "../http/reading.ts";
import type { KeypairRow } from "../state/compute-rows.ts";
import { limitOf } from "../state/quota.ts";
import { knowsQuery } from "./query.ts";
import { nowZoneless } from "./server-body.ts";

function keypairBody(call: Call, row: KeypairRow): object {
  return {
    name: row.name,
    public_key: row.public_key,
    fingerprint: row.fingerprint,
    ...(call.minor >= 2 ? { type: row.type } : {}),
  };
}

/** MD5 of the key's bytes in pairs of hex digits, as ssh-keygen once showed it and Nova still does. */
function fingerprintOf(publicKey: string): string {
  const [kind, body] = publicKey.trim().split(/\s+/);
  const bytes = Buffer.from(body ?? "", "base64");
  if (kind === undefined || bytes.length < 16)
    throw new ApiError(400, "Keypair data is invalid: failed to generate fingerprint");
  return (createHash("md5").update(bytes).digest("hex").match(/../g) ?? []).join(":");
}

/** A new key pair in OpenSSH's form of the public key. */
function generate(): { readonly publicKey: string; readonly privateKey: string } {
  const pair = generateKeyPairSync("ed25519");
  const raw = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(raw)]).toString("base64");
  const privateKey = pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  return { publicKey: `ssh-ed25519 ${blob} Generated-by-Nova`, privateKey };
}

/** An admin may name another user (2.10). */
function ownerOf(call: Call): string {
  const wanted = call.minor >= 10 && call.actor.isAdmin ? call.query.get("user_id") : null;
  return wanted ?? call.actor.userId;
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "keypair");
  const name = requiredText(asked, "name");
  const owner = (call.minor >= 10 && actor.isAdmin ? textAt(asked, "user_id") : undefined) ?? actor.userId;
  const own = cloud.state.keypairs.where((row) => row.user_id === owner);
  if (own.some((row) => row.name === name)) throw new ApiError(409, `Key pair '${name}' already exists.`);
  const most = limitOf(cloud, actor.projectId, "key_pairs");
  if (most >= 0 && own.length >= most) throw new ApiError(403, "Quota exceeded, too many key pairs.");
  const given = textAt(asked, "public_key");
  if (given === undefined && call.minor >= 92)
    throw new ApiError(400, "Invalid input for field/attribute keypair. 'public_key' is a required property");
  const fresh = given === undefined ? generate() : undefined;
  const publicKey = given ?? fresh?.publicKey ?? "";
  const row = cloud.state.keypairs.put({
    id: `${owner}:${name}`,
    user_id: owner,
    name,
    type: textAt(asked, "type") ?? "ssh",
    public_key: publicKey,
    fingerprint: fingerprintOf(publicKey),
    created_at: nowZoneless(call),
  });
  const privateKey = fresh === undefined ? {} : { private_key: fresh.privateKey };
  const keypair = { ...keypairBody(call, row), user_id: owner, ...privateKey };
  return { status: call.minor >= 2 ? 201 : 200, body: { keypair } };
}

function keypairAt(call: Call): KeypairRow {
  const owner = ownerOf(call);
  const name = param(call, "name");
  const row = call.cloud.state.keypairs.find(`${owner}:${name}`);
  if (row === undefined) throw new ApiError(404, `Keypair ${name} not found for user ${owner}`);
  return row;
}

function show(call: Call): Answer {
  const row = keypairAt(call);
  const more = {
    user_id: row.user_id,
    created_at: row.created_at,
    deleted: false,
    deleted_at: null,
    id: 1,
    updated_at: null,
  };
  return ok({ keypair: { ...keypairBody(call, row), ...more } });
}

function list(call: Call): Answer {
  knowsQuery(call, ["limit", "marker", "user_id"]);
  const owner = ownerOf(call);
  const rows = call.cloud.state.keypairs.where((row) => row.user_id === owner);
  const { rows: page } = pageOf(rows, call.query);
  return ok({ keypairs: page.map((row) => ({ keypair: keypairBody(call, row) })) });
}

function remove(call: Call): Answer {
  call.cloud.state.keypairs.remove(keypairAt(call).id);
  return { status: call.minor >= 2 ? 204 : 202 };
}

export const keypairRoutes: readonly Route[] = [
  route("GET /os-keypairs", "os_compute_api:os-keypairs:index", "reader", list),
  route("POST /os-keypairs", "os_compute_api:os-keypairs:create", "member", create),
  route("GET /os-keypairs/:name", "os_compute_api:os-keypairs:show", "reader", show),
  route("DELETE /os-keypairs/:name", "os_compute_api:os-keypairs:delete", "member", remove),
];
