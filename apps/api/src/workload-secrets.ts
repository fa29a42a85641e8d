import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { WorkloadRow, WorkloadSecret } from "@cairn/database";
import { hasCode, isUuid, Rejection } from "@cairn/kernel";
import { type Cloud, readSecretReference } from "@cairn/openstack";

/** What a body says of encryption; clients send both fields, empty where there is none. */
export interface AskedEncryption {
  readonly encryption?: boolean | undefined;
  readonly secret_uuid?: string | null | undefined;
}

const SECRET_FIELD = "workload.secret_uuid";
const ENCRYPTION_FIELD = "workload.encryption";

/** The words that existing clients look for. */
const BAD_SECRET = "Either the secret UUID or the payload of the secret is invalid";

/**
 * The secret that a new workload is encrypted with, read once to see that it is there and has a payload;
 * `undefined` when it is not to be encrypted. Nothing of the payload is kept but what it is known again by.
 */
export async function settleSecret(
  cloud: Cloud,
  asked: AskedEncryption,
  signal: AbortSignal,
): Promise<WorkloadSecret | undefined> {
  const named = nameIn(asked);
  if (asked.encryption !== true) {
    if (named === "") return undefined;
    throw new Rejection("A secret was given for a workload that is not to be encrypted.", {
      status: 400,
      field: ENCRYPTION_FIELD,
      value: asked.encryption ?? false,
      remedy: "Ask for encryption: true, or leave secret_uuid out.",
    });
  }
  if (named === "") {
    throw new Rejection("An encrypted workload needs the secret that it is encrypted with.", {
      status: 400,
      field: SECRET_FIELD,
      value: asked.secret_uuid ?? "",
      remedy: `Give the UUID of a secret of this project in Barbican, as ${LISTED} shows it.`,
    });
  }
  const { id, payload } = await readPayload(cloud, named, signal);
  return { id, proof: await proofOf(payload) };
}

const LISTED = "`openstack secret list`";

/**
 * The secret's id after a modification, where it changes: encryption is for ever, and so is the secret. Only
 * the same payload under another id is no change, since Barbican gives a secret that is stored again, or in
 * another cloud, an id of its own.
 */
export async function keptSecret(
  cloud: Cloud,
  before: Pick<WorkloadRow, "secret_id" | "secret_proof">,
  asked: AskedEncryption,
  signal: AbortSignal,
): Promise<string | undefined> {
  const isEncrypted = before.secret_id !== null;
  if (asked.encryption !== undefined && asked.encryption !== isEncrypted) {
    throw new Rejection("Whether a workload is encrypted was decided when it was created.", {
      status: 400,
      field: ENCRYPTION_FIELD,
      value: asked.encryption,
      remedy: `Leave it out, or create another workload with encryption: ${String(asked.encryption)}.`,
    });
  }
  const named = nameIn(asked);
  if (named === "" || named.toLowerCase() === before.secret_id) return undefined;
  if (!isEncrypted) throw anotherSecret(named);
  const { id, payload } = await readPayload(cloud, named, signal);
  if (id === before.secret_id) return undefined;
  // Of an imported workload nobody here has seen the payload: its next run tells whether it opens them.
  if (before.secret_proof === null || (await isSame(payload, before.secret_proof))) return id;
  throw anotherSecret(named);
}

function anotherSecret(named: string): Rejection {
  return new Rejection("The secret of a workload is fixed when it is created.", {
    status: 400,
    field: SECRET_FIELD,
    value: shownName(named),
    remedy: "Leave secret_uuid out, or name a secret with the very payload that the first one has.",
  });
}

function nameIn({ secret_uuid: named }: AskedEncryption): string {
  return (named ?? "").trim();
}

/** Somebody may give the passphrase itself: what is no id or address is not said again. */
function shownName(named: string): string {
  return isUuid(named) || /^https?:\/\/[^\s@]+$/.test(named) ? named : "(not shown)";
}

async function readPayload(
  cloud: Cloud,
  named: string,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly payload: Buffer }> {
  const id = await secretIdOf(cloud, named, signal);
  try {
    const secret = await cloud.barbican.secrets.find(id, signal);
    if (secret === undefined) throw badSecret(named, `Barbican has no secret ${id} for you.`);
    if (REFUSED_TYPES.includes(secret.secretType)) {
      throw badSecret(named, `It is a secret of type ${secret.secretType}; ${USABLE}`);
    }
    if (secret.status !== "ACTIVE") throw badSecret(named, `Its status is ${secret.status}.`);
    const payload = (await cloud.barbican.secrets.payload(id, signal)).reveal();
    if (payload.length === 0) throw badSecret(named, "It has no payload.");
    return { id, payload };
  } catch (cause) {
    throw refusalOf(cause, named);
  }
}

const USABLE = "use a passphrase or a symmetric key.";
/** Halves of key pairs and certificates are made to be given away, or are not ours to ask for. */
const REFUSED_TYPES = ["public", "private", "certificate"];

/** The id in a UUID or an address of a secret; an order or a container is asked for the secret in it. */
async function secretIdOf(cloud: Cloud, named: string, signal: AbortSignal): Promise<string> {
  const reference = readSecretReference(named);
  if (reference === undefined) throw badSecret(named, "It is no UUID and no address of a secret.");
  const { kind, id } = reference;
  if (kind === "secret") return id;
  const where = cloud.barbican;
  let held: readonly string[] | undefined;
  try {
    held =
      kind === "order"
        ? await where.orders.secretsOf(id, signal)
        : await where.containers.secretsOf(id, signal);
  } catch (cause) {
    throw refusalOf(cause, named);
  }
  if (held === undefined) throw badSecret(named, `Barbican has no ${kind} ${id} for you.`);
  const [only] = held;
  if (only !== undefined && held.length === 1) return only;
  const there =
    held.length === 0 ? "There is no secret in it yet." : `Name one of its secrets: ${held.join(", ")}.`;
  throw badSecret(named, there);
}

function badSecret(named: string, why: string): Rejection {
  return new Rejection(BAD_SECRET, {
    status: 400,
    field: SECRET_FIELD,
    value: shownName(named),
    remedy: `${why} Give a secret of this project that has a payload, as ${LISTED} shows it.`,
  });
}

/** What Barbican says of a secret that this user cannot read. */
function refusalOf(cause: unknown, named: string): unknown {
  if (hasCode(cause, "openstack-no-endpoint")) {
    return new Rejection("This cloud has no key manager (Barbican), which encrypted workloads need.", {
      status: 400,
      field: ENCRYPTION_FIELD,
      value: true,
      remedy: "Leave encryption out: backups are always encrypted, with keys that the operator keeps.",
    });
  }
  if (hasCode(cause, "openstack-forbidden")) {
    return badSecret(
      named,
      "Barbican does not let you read it: you need a role such as creator, or its owner's leave.",
    );
  }
  if (hasCode(cause, "openstack-not-found") || hasCode(cause, "openstack-bad-request")) {
    return badSecret(named, "Barbican gives no payload of it.");
  }
  return cause;
}

const SALT_BYTES = 16;
/** As dear as the slot of the key set: who has the database guesses no faster than who has the target. */
const COST_LOG2 = 17;
let stretching: Promise<unknown> = Promise.resolve();

async function proofOf(payload: Buffer): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await stretch(payload, salt, COST_LOG2);
  return ["scrypt", COST_LOG2, salt.toString("base64"), hash.toString("base64")].join(":");
}

async function isSame(payload: Buffer, proof: string): Promise<boolean> {
  const [, cost, salt = "", expected = ""] = proof.split(":");
  const hash = await stretch(payload, Buffer.from(salt, "base64"), Number(cost));
  return timingSafeEqual(hash, Buffer.from(expected, "base64"));
}

/** One at a time: each takes 128 MiB for half a second. */
async function stretch(payload: Buffer, salt: Buffer, costLog2: number): Promise<Buffer> {
  const N = 2 ** costLog2;
  // Not the bytes that open the key set, even with the same salt.
  const subject = createHash("sha256").update("cairn secret proof ").update(payload).digest();
  const next = stretching.then(async () => {
    const done = Promise.withResolvers<Buffer>();
    scrypt(subject, salt, 32, { N, r: 8, p: 1, maxmem: 128 * 8 * (N + 3) }, (error, key) => {
      if (error === null) done.resolve(key);
      else done.reject(error);
    });
    return done.promise;
  });
  stretching = next.catch(() => undefined);
  return next;
}
