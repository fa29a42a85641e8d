import { isAbsolute } from "node:path";
import { Rejection } from "@cairn/kernel";
import { isName } from "./names.ts";
import type { S3Address, TargetAddress } from "./target.ts";

/** Bucket names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Refuses an address that cannot be one, before anything is asked of it. */
export function checkAddress(target: TargetAddress): void {
  if (target.kind === "s3") checkBucket(target);
  else if (!isAbsolute(target.path)) {
    refuse({ field: "path", value: target.path, what: "is not an absolute path" }, "write it from / on");
  }
}

function checkBucket(target: S3Address): void {
  const { endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, lock } = target;
  if (!isEndpoint(endpoint)) {
    const remedy = "write https://host or https://host:port, without path, user or query";
    refuse({ field: "endpoint", value: endpoint, what: "is not the address of a service" }, remedy);
  }
  if (region === "")
    refuse({ field: "region", value: region, what: "is empty" }, "most look-alikes take us-east-1");
  if (!BUCKET.test(bucket)) {
    refuse(
      { field: "bucket", value: bucket, what: "is not the name of a bucket" },
      "take the bucket's own name",
    );
  }
  if (prefix !== "" && !(prefix.endsWith("/") && isName(prefix.slice(0, -1)))) {
    const remedy = "leave it empty, or end it with / and use lower-case letters, digits, and . _ -";
    refuse({ field: "prefix", value: prefix, what: "cannot begin the names of objects" }, remedy);
  }
  for (const [field, value] of Object.entries({ accessKeyId, secretAccessKey })) {
    if (value === "") refuse({ field, value: "", what: "is empty" }, "give the key of an identity");
  }
  if (lock !== undefined && !(lock.windowMs > 0)) {
    const remedy = "give the milliseconds for which objects are kept from removal";
    refuse({ field: "lock.windowMs", value: lock.windowMs, what: "is not a time" }, remedy);
  }
}

function isEndpoint(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, pathname, search, hash, username } = new URL(endpoint);
  const isHttp = protocol === "http:" || protocol === "https:";
  return isHttp && pathname === "/" && search === "" && hash === "" && username === "";
}

/** What of an address is refused, and why. */
export interface Refused {
  readonly field: string;
  /** Never a secret. */
  readonly value: unknown;
  readonly what: string;
}

export function refusal({ field, value, what }: Refused, remedy: string): Rejection {
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return new Rejection(`target: ${field} ${shown} ${what}`, { status: 400, field, value, remedy });
}

function refuse(refused: Refused, remedy: string): never {
  throw refusal(refused, remedy);
}
