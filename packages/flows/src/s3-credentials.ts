import { Rejection } from "@cairn/kernel";

/** An identity of an S3 service. */
export interface S3Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a secret holds: who maintains a bucket, and perhaps who else writes to it. */
export interface S3Credentials {
  readonly owner: S3Identity;
  /** The identity of datamovers, where it is another. */
  readonly mover?: S3Identity;
}

/** How people and other programs call the two, without regard to case, `-` and `_`. */
const USER_NAMES = ["accesskeyid", "accesskey", "awsaccesskeyid", "vaults3accesskeyid", "s3accesskey"];
const KEY_NAMES = [
  "secretaccesskey",
  "secretkey",
  "awssecretaccesskey",
  "vaults3secretaccesskey",
  "s3secretkey",
  "s3secretaccesskey",
];

/**
 * The credentials that the payload of a Barbican secret holds, as one JSON object. A Rejection names the
 * field that is missing, and never shows any of the payload.
 */
export function parseS3Credentials(payload: Buffer, reference: string): S3Credentials {
  const refuse = (what: string): never => {
    throw new Rejection(`The payload of the secret ${what}.`, {
      status: 400,
      field: "secret_ref",
      value: reference,
      remedy: 'Store {"accessKeyId": "…", "secretAccessKey": "…"} as its payload, as text or as octets.',
    });
  };
  const parsed = parseObject(payload) ?? refuse("is not a JSON object");
  const owner = identityIn(parsed) ?? refuse("has not both accessKeyId and secretAccessKey");
  const { mover } = parsed;
  if (mover === undefined || mover === null) return { owner };
  const identity = isRecord(mover) ? identityIn(mover) : undefined;
  return {
    owner,
    mover: identity ?? refuse("has a mover without both accessKeyId and secretAccessKey"),
  };
}

function parseObject(payload: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(payload.toString("utf8"));
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    // The cause would show a piece of the payload.
    return undefined;
  }
}

function identityIn(record: Readonly<Record<string, unknown>>): S3Identity | undefined {
  const accessKeyId = textIn(record, USER_NAMES);
  const secretAccessKey = textIn(record, KEY_NAMES);
  return accessKeyId === undefined || secretAccessKey === undefined
    ? undefined
    : { accessKeyId, secretAccessKey };
}

function textIn(record: Readonly<Record<string, unknown>>, names: readonly string[]): string | undefined {
  for (const [key, value] of Object.entries(record)) {
    const plain = key.toLowerCase().replaceAll(/[-_]/g, "");
    if (names.includes(plain) && typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
