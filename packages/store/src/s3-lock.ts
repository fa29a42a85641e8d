import type { S3Context } from "./s3.ts";
import { S3Error, toS3Fault } from "./s3-errors.ts";
import type { ObjectLock } from "./store.ts";

/** Object lock of a bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
export function s3Lock(
  context: Pick<S3Context, "link" | "address" | "key">,
  { mode, windowMs }: { readonly mode: ObjectLock["mode"]; readonly windowMs: number },
): ObjectLock {
  const { link, address, key } = context;

  const lockedUntil: ObjectLock["lockedUntil"] = async (name, signal) => {
    const doing = `asking until when ${name} is locked`;
    const input = { Bucket: address.bucket, Key: key(name) };
    try {
      const answer = await link.attempt({ kind: "retention", doing, signal }, async (client, sdk, http) =>
        client.send(new sdk.GetObjectRetentionCommand(input), http),
      );
      return answer.Retention?.RetainUntilDate?.getTime();
    } catch (thrown) {
      if (!(thrown instanceof S3Error)) throw thrown;
      if (thrown.verdict === "unlocked") return undefined;
      throw toS3Fault(doing, thrown);
    }
  };

  const extend: ObjectLock["extend"] = async (name, untilMs, signal) => {
    const doing = `locking ${name} until ${new Date(untilMs).toISOString()}`;
    const input = {
      Bucket: address.bucket,
      Key: key(name),
      Retention: {
        Mode: mode === "governance" ? ("GOVERNANCE" as const) : ("COMPLIANCE" as const),
        RetainUntilDate: new Date(untilMs),
      },
    };
    try {
      await link.attempt({ kind: "retention", doing, signal }, async (client, sdk, http) =>
        client.send(new sdk.PutObjectRetentionCommand(input), http),
      );
    } catch (thrown) {
      if (!(thrown instanceof S3Error)) throw thrown;
      // We never ask to bypass a lock, so shortening one is refused like a missing right. One request in the
      // good case is worth this question in the bad one: locks are extended a million at a time.
      if (thrown.verdict === "denied") {
        const until = await lockedUntil(name, signal);
        if (until !== undefined && until >= Math.floor(untilMs / 1000) * 1000) return;
      }
      throw toS3Fault(doing, thrown);
    }
  };

  return { mode, windowMs, lockedUntil, extend };
}
