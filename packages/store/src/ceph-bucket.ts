import { randomBytes } from "node:crypto";
import type { ObjectLock } from "./store.ts";
import type { S3Address } from "./target.ts";

/** An S3 user of the cluster. */
export interface CephUser {
  readonly uid: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface CephBucketOptions {
  readonly versions?: boolean;
  /** Makes the bucket with object lock; addresses carry it. */
  readonly lock?: { readonly mode: ObjectLock["mode"]; readonly windowMs: number };
  readonly prefix?: string;
}

/** A bucket, as seen by its two identities. */
export interface CephBucket {
  /** Owns the bucket, and may remove. */
  readonly maintainer: S3Address;
  /** What a datamover is: may add and read, by the policy of docs/targets.md. */
  readonly writer: S3Address;
}

interface Users {
  readonly endpoint: string;
  readonly maintainer: CephUser;
  readonly writer: CephUser;
}

/** What a datamover needs, and no more: docs/targets.md. */
const WRITER_ACTIONS = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:GetObjectRetention",
  "s3:PutObjectRetention",
  "s3:ListBucket",
  "s3:ListBucketVersions",
  "s3:GetBucketVersioning",
];

export async function makeCephBucket(users: Users, options: CephBucketOptions): Promise<CephBucket> {
  const sdk = await import("@aws-sdk/client-s3");
  const bucket = `cairn-${randomBytes(6).toString("hex")}`;
  const addressOf = (user: CephUser): S3Address => ({
    kind: "s3",
    endpoint: users.endpoint,
    region: "default",
    bucket,
    prefix: options.prefix ?? "",
    accessKeyId: user.accessKeyId,
    secretAccessKey: user.secretAccessKey,
    forcePathStyle: true,
    ...(options.lock !== undefined && { lock: options.lock }),
  });
  const client = new sdk.S3Client({
    endpoint: users.endpoint,
    region: "default",
    forcePathStyle: true,
    credentials: users.maintainer,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const lock = options.lock === undefined ? {} : { ObjectLockEnabledForBucket: true };
  await client.send(new sdk.CreateBucketCommand({ Bucket: bucket, ...lock }));
  if (options.versions === true) {
    const VersioningConfiguration = { Status: "Enabled" as const };
    await client.send(new sdk.PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  const allow = (user: CephUser, Action: readonly string[]): unknown => ({
    Effect: "Allow",
    Principal: { AWS: [`arn:aws:iam:::user/${user.uid}`] },
    Action,
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  });
  // Objects belong to who stored them: without this, the bucket's owner may remove them, but not read them.
  const Statement = [allow(users.writer, WRITER_ACTIONS), allow(users.maintainer, ["s3:*"])];
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await client.send(new sdk.PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  client.destroy();
  return { maintainer: addressOf(users.maintainer), writer: addressOf(users.writer) };
}
