import { Rejection } from "@cairn/kernel";

/** A backup target as an administrator asks for one: the fields of the wire, absent or as they were sent. */
export interface TargetRequest {
  readonly type: "nfs" | "s3" | "directory";
  readonly filesystem_export?: string | undefined;
  readonly filesystem_export_mount_path?: string | undefined;
  readonly s3_endpoint_url?: string | undefined;
  readonly s3_bucket?: string | undefined;
  readonly s3_region?: string | undefined;
  readonly s3_prefix?: string | undefined;
  readonly s3_force_path_style?: boolean | undefined;
  readonly secret_ref?: string | undefined;
  readonly mover_secret_ref?: string | undefined;
  readonly immutable?: boolean | undefined;
  readonly lock_mode?: "governance" | "compliance" | undefined;
  readonly lock_days?: number | undefined;
}

/** Where the target lies: its address without secrets, and Barbican's ids of those. */
export interface TargetPlace {
  readonly kind: "directory" | "s3";
  /** For people: the directory, or `s3://bucket/prefix`. */
  readonly path: string;
  readonly address: Readonly<Record<string, unknown>>;
  readonly secretId?: string;
  readonly moverSecretId?: string;
}

const DAY_MS = 86_400_000;
const LOCK_DAYS = 14;
const LABEL = "backup_target";

/** What a request means; a Rejection names field, value and remedy of what is wrong with it. */
export function readTargetRequest(asked: TargetRequest): TargetPlace {
  switch (asked.type) {
    case "s3":
      return bucketOf(asked);
    case "nfs":
      exportOf(asked);
      return directoryOf(asked);
    case "directory":
      return directoryOf(asked);
  }
}

function exportOf({ filesystem_export: wanted }: TargetRequest): void {
  if (wanted !== undefined && /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\/\S*$/.test(wanted)) return;
  refuse("filesystem_export", wanted, "is not an NFS export", "Write it as host:/path.");
}

function directoryOf(asked: TargetRequest): TargetPlace {
  const path = asked.filesystem_export_mount_path;
  if (path === undefined || path === "") {
    const remedy =
      asked.type === "nfs"
        ? "Mount the export at one path on every engine and compute node, and name that path: nothing is " +
          "mounted for you."
        : "Name the directory, which every engine and compute node must have at this path.";
    return refuse("filesystem_export_mount_path", path, "is missing", remedy);
  }
  const plain = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const isPlain =
    plain.startsWith("/") && !plain.split("/").some((part, at) => at > 0 && ["", ".", ".."].includes(part));
  if (!isPlain) {
    const remedy = "Write it from / on, without . and .. in it.";
    return refuse("filesystem_export_mount_path", path, "is not the path of a directory", remedy);
  }
  return { kind: "directory", path: plain, address: {} };
}

/** Bucket names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^([a-z0-9._-]+\/)*$/;

function bucketOf(asked: TargetRequest): TargetPlace {
  const endpoint = endpointOf(asked.s3_endpoint_url);
  const bucket = asked.s3_bucket ?? "";
  if (!BUCKET.test(bucket)) {
    refuse("s3_bucket", asked.s3_bucket, "is not the name of a bucket", "Take the bucket's own name.");
  }
  const prefix = asked.s3_prefix ?? "";
  if (!PREFIX.test(prefix)) {
    const remedy = "Leave it out, or end it with / and use lower-case letters, digits, and . _ -";
    refuse("s3_prefix", prefix, "cannot begin the names of objects", remedy);
  }
  const secretId = secretIdOf("secret_ref", asked.secret_ref);
  const mover = asked.mover_secret_ref;
  return {
    kind: "s3",
    path: `s3://${bucket}/${prefix}`,
    address: {
      kind: "s3",
      endpoint,
      region: asked.s3_region ?? "us-east-1",
      bucket,
      prefix,
      forcePathStyle: asked.s3_force_path_style ?? true,
      ...lockOf(asked),
    },
    secretId,
    ...(mover === undefined ? {} : { moverSecretId: secretIdOf("mover_secret_ref", mover) }),
  };
}

function lockOf({ immutable, lock_mode: mode, lock_days: days }: TargetRequest): { lock?: object } {
  if (immutable === true) {
    return { lock: { mode: mode ?? "governance", windowMs: (days ?? LOCK_DAYS) * DAY_MS } };
  }
  const [field, value] = mode === undefined ? ["lock_days", days] : ["lock_mode", mode];
  if (value !== undefined) refuse(field, value, "says how objects are locked", "Set immutable, too.");
  return {};
}

function endpointOf(given: string | undefined): string {
  const remedy = "Write https://host or https://host:port, without path, user or query.";
  if (given === undefined || !URL.canParse(given)) {
    return refuse("s3_endpoint_url", given, "is not the address of a service", remedy);
  }
  const { protocol, pathname, search, hash, username, password, origin } = new URL(given);
  // Whoever writes keys into the address must not read them in a log.
  if (username !== "" || password !== "") {
    return refuse("s3_endpoint_url", origin, "must not have a user in it", remedy);
  }
  const isHttp = protocol === "http:" || protocol === "https:";
  if (isHttp && pathname === "/" && search === "" && hash === "") return origin;
  return refuse("s3_endpoint_url", origin, "is not the address of a service", remedy);
}

/** The id in a reference to a Barbican secret: an address that ends with it, or the id itself. */
export function secretIdOf(field: "secret_ref" | "mover_secret_ref", reference: string | undefined): string {
  const id =
    /^(https?:\/\/[^/@?#\s]+\/([^@?#\s]*\/)?secrets\/)?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i;
  const found = reference === undefined ? undefined : id.exec(reference)?.[3];
  if (found !== undefined) return found.toLowerCase();
  const remedy =
    'Store {"accessKeyId": "…", "secretAccessKey": "…"} as a secret (openstack secret store), let the ' +
    "service user read it, and give its reference.";
  // What was written there by mistake may be the secret itself.
  return refuse(field, reference === undefined ? null : "…", "is not a reference to a secret", remedy);
}

function refuse(field: string, value: unknown, what: string, remedy: string): never {
  const shown = typeof value === "string" ? ` ${value}` : "";
  throw new Rejection(`${LABEL}: ${field}${shown} ${what}.`, {
    status: 400,
    field: `${LABEL}.${field}`,
    value: value ?? null,
    remedy,
  });
}
