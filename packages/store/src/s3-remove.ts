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
  return async (name, signal) => {
    signal?.throwIfAborted();
    context.key(name);
    if ((await context.keepsVersions(signal)) === "no") {
      await removeVersion(context, name, { signal });
      return;
    }
    for (const version of inOrder(await versionsOf(context, name, signal))) {
      await removeVersion(context, name, { version: version.id, signal });
    }
  };
}

/**
 * Throws `object-hidden` when a delete marker hides the object. AWS says so in the answer that it is missing;
 * Ceph 16 does not, so the versions are looked at. Who may not look takes the answer for what it says.
 */
export async function assertNotHidden(
  context: S3Context,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await context.keepsVersions(signal)) !== "yes") return;
  try {
    const [newest] = await versionsOf(context, name, signal);
    if (newest?.isMarker !== true) return;
  } catch (thrown) {
    if (hasCode(thrown, "store-denied")) return;
    throw thrown;
  }
  throw toS3Fault(`reading ${name}`, new S3Error("hidden", "a delete marker hides the object"));
}

/**
 * Oldest first, markers last: while it is being removed, and when a lock stops it, the newest version stays
 * what readers see, and a hidden object does not come back.
 */
function inOrder(newestFirst: readonly Version[]): readonly Version[] {
  const oldestFirst = newestFirst.toReversed();
  return [
    ...oldestFirst.filter(({ isMarker }) => !isMarker),
    ...oldestFirst.filter(({ isMarker }) => isMarker),
  ];
}

/** What is known of a bucket's versions: `unknown` to who may not ask. */
export type KeepsVersions = "yes" | "no" | "unknown";

/** Whether the bucket keeps versions, now or from an earlier time; asked once a store. */
export function versionsQuestion(
  context: Pick<S3Context, "link" | "address">,
): (signal?: AbortSignal) => Promise<KeepsVersions> {
  const { address, link } = context;
  let known: KeepsVersions | undefined = address.lock === undefined ? undefined : "yes";
  return async (signal) => {
    if (known !== undefined) return known;
    const doing = "asking whether the bucket keeps versions";
    try {
      known = await link.attempt({ kind: "bucket", doing, signal }, async (client, sdk, http) => {
        const answer = await client.send(
          new sdk.GetBucketVersioningCommand({ Bucket: address.bucket }),
          http,
        );
        return answer.Status === undefined ? "no" : "yes";
      });
    } catch (thrown) {
      if (!(thrown instanceof S3Error)) throw thrown;
      if (thrown.verdict === "denied") known = "unknown";
      else if (thrown.verdict === "unsupported") known = "no";
      else throw toS3Fault(doing, thrown);
    }
    return known;
  };
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

/**
 * S3 refuses a locked version as it refuses whoever has no right (403): only the date tells the two apart.
 */
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
