import type { ListObjectVersionsCommandOutput } from "@aws-sdk/client-s3";
import { hasCode } from "@cairn/kernel";
import type { S3Context } from "./s3.ts";
import { S3Error, toS3Fault } from "./s3-errors.ts";
import type { Store } from "./store.ts";

/** One version of an object, or a delete marker on it. */
export interface Version {
  readonly id: string;
  readonly isMarker: boolean;
}

/**
 * The `remove` of the port. In a bucket with versions a plain DELETE frees nothing: it only hides the object
 * behind a delete marker. So all versions are removed by their ids.
 */
export function remover(context: S3Context): Store["remove"] {
  let versioned: Promise<boolean> | undefined;
  return async (name, signal) => {
    signal?.throwIfAborted();
    context.key(name);
    versioned ??= isVersioned(context, signal);
    let keepsVersions: boolean;
    try {
      keepsVersions = await versioned;
    } catch (thrown) {
      versioned = undefined;
      throw thrown;
    }
    if (!keepsVersions) {
      await removeVersion(context, name, { signal });
      return;
    }
    for (const version of inOrder(await versionsOf(context, name, signal))) {
      await removeVersion(context, name, { version: version.id, signal });
    }
  };
}

/**
 * Oldest first, markers last: while it is being removed, and when a lock stops it, the newest version stays what
 * readers see, and a hidden object does not come back.
 */
function inOrder(newestFirst: readonly Version[]): readonly Version[] {
  const oldestFirst = newestFirst.toReversed();
  return [
    ...oldestFirst.filter(({ isMarker }) => !isMarker),
    ...oldestFirst.filter(({ isMarker }) => isMarker),
  ];
}

/** Whether the bucket keeps versions, now or from an earlier time. Who may not know assumes it. */
export async function isVersioned(context: S3Context, signal?: AbortSignal): Promise<boolean> {
  const doing = "asking whether the bucket keeps versions";
  try {
    return await context.link.attempt({ kind: "bucket", doing, signal }, async (client, sdk, http) => {
      const input = { Bucket: context.address.bucket };
      return (await client.send(new sdk.GetBucketVersioningCommand(input), http)).Status !== undefined;
    });
  } catch (thrown) {
    if (!(thrown instanceof S3Error)) throw thrown;
    if (thrown.verdict === "denied") return true;
    if (thrown.verdict === "unsupported") return false;
    throw toS3Fault(doing, thrown);
  }
}

/** All versions of one object and the delete markers on it, newest first. */
export async function versionsOf(
  context: S3Context,
  name: string,
  signal?: AbortSignal,
): Promise<readonly Version[]> {
  const key = context.key(name);
  const request = { kind: "list", doing: `listing the versions of ${name}`, signal } as const;
  const versions: { readonly at: number; readonly version: Version }[] = [];
  let from: { KeyMarker: string; VersionIdMarker?: string } | undefined;
  do {
    const input = { Bucket: context.address.bucket, Prefix: key, ...from };
    const answer = await context.link.call(request, async (client, sdk, http) =>
      client.send(new sdk.ListObjectVersionsCommand(input), http),
    );
    versions.push(...ownVersions(answer, key));
    from = nextOf(answer, key);
  } while (from !== undefined);
  return versions.toSorted((a, b) => b.at - a.at).map(({ version }) => version);
}

interface Entry {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly LastModified?: Date | undefined;
}

function ownVersions(
  answer: ListObjectVersionsCommandOutput,
  key: string,
): readonly { readonly at: number; readonly version: Version }[] {
  const own = (isMarker: boolean) => (each: Entry) =>
    each.Key !== key
      ? []
      : [{ at: each.LastModified?.getTime() ?? 0, version: { id: each.VersionId ?? "null", isMarker } }];
  return [...(answer.DeleteMarkers ?? []).flatMap(own(true)), ...(answer.Versions ?? []).flatMap(own(false))];
}

/** Keys come in order: once another one is reached (`x/ab` begins with `x/a`), ours is complete. */
function nextOf(
  answer: ListObjectVersionsCommandOutput,
  key: string,
): { KeyMarker: string; VersionIdMarker?: string } | undefined {
  if (answer.IsTruncated === undefined)
    throw new S3Error("lost", "a page that does not say if it is the last");
  if (!answer.IsTruncated || answer.NextKeyMarker !== key) return undefined;
  return {
    KeyMarker: answer.NextKeyMarker,
    ...(answer.NextVersionIdMarker !== undefined && { VersionIdMarker: answer.NextVersionIdMarker }),
  };
}

async function removeVersion(
  context: S3Context,
  name: string,
  which: { readonly version?: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { version, signal } = which;
  const doing = `removing ${name}`;
  const input = {
    Bucket: context.address.bucket,
    Key: context.key(name),
    ...(version !== undefined && { VersionId: version }),
  };
  try {
    await context.link.attempt({ kind: "delete", doing, signal }, async (client, sdk, http) =>
      client.send(new sdk.DeleteObjectCommand(input), http),
    );
  } catch (thrown) {
    if (!(thrown instanceof S3Error)) throw thrown;
    if (thrown.verdict === "missing") return;
    if (thrown.verdict === "denied" && (await isLocked(context, name, signal))) {
      throw toS3Fault(doing, new S3Error("locked", thrown.message, thrown.status));
    }
    throw toS3Fault(doing, thrown);
  }
}

/** S3 refuses a locked version as it refuses whoever has no right (403): only the date tells the two apart. */
async function isLocked(context: S3Context, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { lock, link } = context;
  if (lock === undefined) return false;
  try {
    const until = await lock.lockedUntil(name, signal);
    return until !== undefined && until > (link.serviceTime() ?? 0);
  } catch (thrown) {
    if (hasCode(thrown, "store-denied")) return false;
    throw thrown;
  }
}
