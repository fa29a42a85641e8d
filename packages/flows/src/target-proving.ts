import type { TargetFault, TargetRow, TargetWish, WantedTarget } from "@cairn/database";
import { assert, Fault, hasCode, Rejection } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { findMount, type S3Address } from "@cairn/store";
import { parseS3Credentials, type S3Credentials } from "./s3-credentials.ts";
import { type ConfiguredTarget, probeConfigured, type Registration } from "./targets.ts";

/** What proves that a target can be one. */
export interface ProvingWorld extends Omit<Registration, "database"> {
  /** OpenStack as the service user, who reads the secrets. */
  readonly admin: Pick<Cloud, "barbican" | "userId">;
}

/**
 * Proves what was wished of a target: fetches its secrets, probes it with each identity, seals what opens it.
 * A Rejection says by the request's field, value and remedy why it cannot be a target.
 */
export async function proveTarget(
  world: ProvingWorld,
  target: TargetRow,
  wish: TargetWish,
): Promise<WantedTarget> {
  await assertExportMounted(target);
  const configured = await addressWith(world, target, wish);
  try {
    return await probeConfigured(world, configured);
  } catch (cause) {
    if (cause instanceof Rejection) throw inRequestTerms(cause, target);
    throw cause;
  }
}

/**
 * An export that is not mounted leaves an empty directory, which would be proved, used, and found on no other
 * host.
 */
async function assertExportMounted({ path, filesystem_export: wanted }: TargetRow): Promise<void> {
  if (wanted === null) return;
  const mount = await findMount(path);
  if (mount?.type.startsWith("nfs") === true && mount.source === wanted) return;
  const there = mount === undefined ? "nothing" : `${mount.source} (${mount.type})`;
  throw new Rejection(`${wanted} is not mounted at ${path}: ${there} is.`, {
    status: 400,
    field: "filesystem_export_mount_path",
    value: path,
    remedy: `Mount ${wanted} at ${path} on every engine and compute node, then update the target.`,
  });
}

async function addressWith(
  world: ProvingWorld,
  target: TargetRow,
  wish: TargetWish,
): Promise<ConfiguredTarget> {
  if (target.kind === "directory") {
    const { marker } = target.address;
    const known = typeof marker === "string" ? { marker } : {};
    return { target: { kind: "directory", path: target.path, ...known } };
  }
  assert(wish.secretId !== undefined, `the wish for bucket ${target.path} names a secret`);
  const reference = target.secret_ref ?? wish.secretId;
  const { owner, mover } = await fetchCredentials(world, wish.secretId, reference);
  const own = wish.moverSecretId;
  const movers =
    own === undefined ? mover : (await fetchCredentials(world, own, target.mover_secret_ref ?? own)).owner;
  // The API wrote the rest of the address, from a request that was checked.
  const address = target.address as unknown as Omit<S3Address, "secretAccessKey" | "conditional">;
  return {
    target: { ...address, kind: "s3", ...owner },
    ...(movers === undefined ? {} : { mover: movers }),
  };
}

async function fetchCredentials(
  { admin, signal }: ProvingWorld,
  secretId: string,
  reference: string,
): Promise<S3Credentials> {
  try {
    const payload = await admin.barbican.secrets.payload(secretId, signal);
    return parseS3Credentials(payload.reveal(), reference);
  } catch (cause) {
    const what = REFUSALS.find(({ code }) => hasCode(cause, code));
    if (what === undefined) throw cause;
    const remedy = what.remedy(await admin.userId(signal), reference);
    throw new Rejection(what.message, { status: 400, field: "secret_ref", value: reference, remedy });
  }
}

const REFUSALS = [
  {
    code: "openstack-not-found",
    message: "Barbican has no such secret.",
    remedy: () => "Store the keys as a secret, and give its reference: openstack secret store.",
  },
  {
    code: "openstack-forbidden",
    message: "The service user may not read the secret.",
    remedy: (userId: string, reference: string) =>
      `openstack acl user add --user ${userId} --operation-type read ${reference}`,
  },
  {
    code: "openstack-no-endpoint",
    message: "This cloud has no Barbican from which the secret could be read.",
    remedy: () => "Configure the bucket in the engine's bucket_file instead (docs/targets.md).",
  },
] as const;

/** The fields of addresses, as requests call them. */
const FIELDS: Readonly<Record<string, string>> = {
  path: "filesystem_export_mount_path",
  endpoint: "s3_endpoint_url",
  bucket: "s3_bucket",
  region: "s3_region",
  prefix: "s3_prefix",
  accessKeyId: "secret_ref",
  secretAccessKey: "secret_ref",
  lock: "immutable",
  "lock.windowMs": "lock_days",
};

function inRequestTerms(cause: Rejection, target: TargetRow): Rejection {
  const field = cause.field === undefined ? undefined : (FIELDS[cause.field] ?? cause.field);
  const value = field === "secret_ref" ? target.secret_ref : cause.value;
  return new Rejection(cause.message, {
    status: cause.status,
    ...(field === undefined ? {} : { field, value: value ?? null }),
    remedy: cause.remedy,
  });
}

/** What is shown of a wish that was not fulfilled. */
export function targetFault(cause: Error): TargetFault {
  if (cause instanceof Rejection) {
    const { message, field, value, remedy } = cause;
    return {
      message,
      remedy,
      ...(field === undefined ? {} : { field, value: value ?? null }),
    };
  }
  const isLater = cause instanceof Fault && cause.retry === "later";
  const remedy = isLater ? "It is tried again by itself." : "See the engine's log, then update the target.";
  return { message: `${cause.message}.`, remedy };
}
