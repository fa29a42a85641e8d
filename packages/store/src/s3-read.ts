import { Readable } from "node:stream";
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { Fault } from "@cairn/kernel";
import { assertPrefix, isName } from "./names.ts";
import type { S3Context } from "./s3.ts";
import { S3Error, toS3Fault } from "./s3-errors.ts";
import { assertNotHidden } from "./s3-remove.ts";

interface Range {
  readonly offset: number;
  readonly length: number;
}

interface Reading {
  readonly signal?: AbortSignal | undefined;
  readonly range?: Range;
}

/** The object, or exactly the range of it. A body that ends early is asked for again, never given back. */
export async function getObject(context: S3Context, name: string, reading: Reading): Promise<Buffer> {
  const { range, signal } = reading;
  const key = context.key(name);
  const doing = range === undefined ? `reading ${name}` : rangeOf(name, range);
  const request = { kind: "get", doing, bytes: range?.length ?? 0, signal } as const;
  try {
    return await context.link.attempt(request, async (client, sdk, http) => {
      const input = {
        Bucket: context.address.bucket,
        Key: key,
        ...(range !== undefined && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
      };
      const answer = await client.send(new sdk.GetObjectCommand(input), http);
      return readBody(answer, range, http.abortSignal);
    });
  } catch (thrown) {
    if (!(thrown instanceof S3Error)) throw thrown;
    if (thrown.verdict === "missing") await assertNotHidden(context, name, signal);
    throw toS3Fault(doing, thrown);
  }
}

function rangeOf(name: string, { offset, length }: Range): string {
  return `reading ${length} bytes at ${offset} of ${name}`;
}

/** No range header can ask for nothing. */
export async function emptyRange(
  context: S3Context,
  name: string,
  at: { readonly offset: number; readonly signal: AbortSignal | undefined },
): Promise<Buffer> {
  const sizeBytes = await sizeOf(context, name, at.signal);
  const doing = `reading nothing at ${at.offset} of ${name}`;
  if (sizeBytes === undefined) throw new Fault("object-missing", doing, "never");
  if (at.offset > sizeBytes) throw new Fault("object-short", doing, "never");
  return Buffer.alloc(0);
}

async function readBody(
  answer: GetObjectCommandOutput,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const body: unknown = answer.Body;
  if (!(body instanceof Readable)) throw new S3Error("lost", "an answer without a body");
  const stop = (): void => void body.destroy(new Error("given up"));
  signal.addEventListener("abort", stop);
  try {
    const length = expectedLength(answer, range);
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (done + chunk.length > length) throw new S3Error("lost", `more than the ${length} bytes announced`);
      done += chunk.copy(bytes, done);
    }
    signal.throwIfAborted();
    if (done < length) throw new S3Error("lost", `a body of ${done} instead of ${length} bytes`);
    return bytes;
  } finally {
    signal.removeEventListener("abort", stop);
    body.destroy();
  }
}

/** How long the body has to be. What the service says must agree with what was asked. */
function expectedLength(answer: GetObjectCommandOutput, range: Range | undefined): number {
  const announced = answer.ContentLength;
  if (announced === undefined) throw new S3Error("lost", "an answer that does not tell its length");
  if (range === undefined) return announced;
  const said = answer.ContentRange ?? "";
  const found = /^bytes (\d+)-(\d+)\//.exec(said);
  if (found === null || Number(found[1]) !== range.offset) {
    throw new S3Error("unclear", `asked for a range at ${range.offset}, got "${said.slice(0, 80)}"`);
  }
  if (announced < range.length) throw new S3Error("beyond", `the object ends at ${range.offset + announced}`);
  if (announced > range.length) throw new S3Error("unclear", `asked for ${range.length} bytes, got ${said}`);
  return announced;
}

export interface Head {
  readonly sizeBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The `size` of the port. */
export async function sizeOf(
  context: S3Context,
  name: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const head = await headObject(context, name, signal);
  if (head === undefined) await assertNotHidden(context, name, signal);
  return head?.sizeBytes;
}

/**
 * What the service tells of an object, or `undefined` when there is none, or a delete marker that the service
 * does not tell from one.
 */
export async function headObject(
  context: S3Context,
  name: string,
  signal?: AbortSignal,
): Promise<Head | undefined> {
  const doing = `looking for ${name}`;
  const key = context.key(name);
  try {
    return await context.link.attempt({ kind: "head", doing, signal }, async (client, sdk, http) => {
      const input = { Bucket: context.address.bucket, Key: key };
      const answer = await client.send(new sdk.HeadObjectCommand(input), http);
      if (answer.ContentLength === undefined) throw new S3Error("lost", "an answer without a length");
      return { sizeBytes: answer.ContentLength, metadata: answer.Metadata ?? {} };
    });
  } catch (thrown) {
    if (!(thrown instanceof S3Error)) throw thrown;
    if (thrown.verdict !== "missing") throw toS3Fault(doing, thrown);
    // An answer to HEAD has no body: a bucket that is gone looks like an object that is.
    await context.link.assertBucket(signal);
    return undefined;
  }
}

/**
 * Page after page. Whatever does not look like a whole page is an error: an early end would pass for the
 * end.
 */
export async function* listObjects(
  context: S3Context,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  assertPrefix(prefix);
  const { address, link } = context;
  const request = { kind: "list", doing: `listing ${prefix}`, signal } as const;
  const input = { Bucket: address.bucket, Prefix: address.prefix + prefix, MaxKeys: link.pageKeys };
  let token: string | undefined;
  do {
    const from = token;
    const page = await link.call(request, async (client, sdk, http) => {
      const at = from === undefined ? {} : { ContinuationToken: from };
      return checkedPage(await client.send(new sdk.ListObjectsV2Command({ ...input, ...at }), http), from);
    });
    for (const key of page.keys) {
      if (!key.startsWith(input.Prefix)) throw strange(request.doing, `a key outside of the prefix`);
      const name = key.slice(address.prefix.length);
      if (isName(name)) yield name;
    }
    token = page.next;
  } while (token !== undefined);
}

/** The first parts of names, as S3 sums them up with a delimiter. */
export async function* listFolders(context: S3Context, signal?: AbortSignal): AsyncGenerator<string> {
  const { address, link } = context;
  const request = { kind: "list", doing: "listing the folders", signal } as const;
  const input = { Bucket: address.bucket, Prefix: address.prefix, Delimiter: "/", MaxKeys: link.pageKeys };
  let token: string | undefined;
  do {
    const from = token;
    const page = await link.call(request, async (client, sdk, http) => {
      const at = from === undefined ? {} : { ContinuationToken: from };
      return checkedPage(await client.send(new sdk.ListObjectsV2Command({ ...input, ...at }), http), from);
    });
    for (const prefix of page.prefixes) {
      const name = prefix.slice(address.prefix.length).replace(/\/$/, "");
      if (isName(name)) yield name;
    }
    token = page.next;
  } while (token !== undefined);
}

interface Page {
  readonly keys: readonly string[];
  /** Where a delimiter was asked for. */
  readonly prefixes: readonly string[];
  readonly next: string | undefined;
}

function checkedPage(answer: ListObjectsV2CommandOutput, from: string | undefined): Page {
  const keys = (answer.Contents ?? []).map(({ Key }) => Key);
  const prefixes = (answer.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []);
  const next = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
  if (answer.IsTruncated === undefined)
    throw new S3Error("lost", "a page that does not say if it is the last");
  if (answer.IsTruncated && (next === undefined || next === "" || next === from)) {
    throw new S3Error("lost", "a page that does not say where the next begins");
  }
  if (answer.KeyCount !== undefined && answer.KeyCount !== keys.length + prefixes.length) {
    throw new S3Error("lost", `a page of ${keys.length} keys that says it has ${answer.KeyCount}`);
  }
  if (!keys.every((key) => key !== undefined)) throw new S3Error("lost", "a page with an entry without key");
  return { keys, prefixes, next };
}

function strange(doing: string, what: string): Fault {
  return toS3Fault(doing, new S3Error("unclear", what));
}
