import { randomInt } from "node:crypto";
import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import type * as Sdk from "@aws-sdk/client-s3";
import { type Clock, systemClock } from "@cairn/kernel";
import { judge, S3Error, toS3Fault, type Verdict } from "./s3-errors.ts";
import type { S3Address } from "./target.ts";

/** What S3 services count, bill and throttle. */
export type RequestKind = "put" | "get" | "head" | "list" | "delete" | "retention" | "bucket";

/** Counts what goes over the wire, retries and pages of listings included. */
export interface RequestCounter {
  readonly counts: Record<RequestKind, number>;
  total(): number;
}

export function requestCounter(): RequestCounter {
  const counts = { put: 0, get: 0, head: 0, list: 0, delete: 0, retention: 0, bucket: 0 };
  return { counts, total: () => Object.values(counts).reduce((sum, each) => sum + each, 0) };
}

export interface S3Options {
  readonly clock?: Clock;
  /** Uniform in [0, 1), for the jitter of pauses. */
  readonly random?: () => number;
  readonly counter?: RequestCounter;
  /** How many names a page of a listing has at most. */
  readonly pageKeys?: number;
  /** How often a request is made at most. */
  readonly attempts?: number;
  /** Up to how long the first pause between two attempts is; each later one may be twice as long. */
  readonly pauseMs?: number;
  /** How long a request may take, beside 2 s for each MiB that it moves. */
  readonly deadlineMs?: number;
}

/** As many as S3 gives at most. */
const PAGE_KEYS = 1000;
const ATTEMPTS = 6;
const PAUSE_MS = 250;
const PAUSE_MAX_MS = 10_000;
const DEADLINE_MS = 30_000;
/** 2 s a MiB: the slowest link that is worth waiting for. */
const MS_PER_BYTE = 2_000 / 1_048_576;
const SOCKETS_MAX = 64;
const CONNECT_MS = 10_000;
const ALIVE_MS = 60_000;

/** Shared by all stores of the process. Idle sockets do not keep it alive. */
let agents: ReturnType<typeof makeAgents> | undefined;

/** Node's HTTP modules are a third of what a thread loads: only where there is an S3 target. */
async function makeAgents(): Promise<{ readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent }> {
  const [http, https] = await Promise.all([import("node:http"), import("node:https")]);
  return {
    httpAgent: new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
    httpsAgent: new https.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
  };
}

/** What a request is for and about. */
export interface Request {
  readonly kind: RequestKind;
  /** For the Fault: what we were doing to which thing. */
  readonly doing: string;
  /** How many bytes it moves, for its deadline. */
  readonly bytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Makes the request. `abortSignal` ends it at its deadline; what it returns is read completely by then. */
export type Send<Result> = (
  client: Sdk.S3Client,
  sdk: typeof Sdk,
  http: { readonly abortSignal: AbortSignal },
) => Promise<Result>;

/** What to do again, because it had no effect or one that may be repeated. */
const TRANSIENT: ReadonlySet<Verdict> = new Set([
  "busy",
  "timeout",
  "lost",
  "unreachable",
  "skewed",
  "conflict",
]);

/** The connection to an S3 service: attempts, pauses, deadlines, counting; and the service's clock. */
export class S3Link {
  readonly #address: S3Address;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #options: S3Options;
  #opened: Promise<{ readonly sdk: typeof Sdk; readonly client: Sdk.S3Client }> | undefined;
  /** The service's clock minus ours, by the `Date` of its latest answer. */
  #aheadMs: number | undefined;
  /** When the bucket answered something good last. */
  #aliveAt = Number.NEGATIVE_INFINITY;

  constructor(address: S3Address, options: S3Options) {
    this.#address = address;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? ((): number => randomInt(2 ** 32) / 2 ** 32);
  }

  get pageKeys(): number {
    return this.#options.pageKeys ?? PAGE_KEYS;
  }

  get attempts(): number {
    return this.#options.attempts ?? ATTEMPTS;
  }

  /** What the service's clock shows now, as far as its answers told; `undefined` before the first. */
  serviceTime(): number | undefined {
    return this.#aheadMs === undefined ? undefined : this.#clock.now() + this.#aheadMs;
  }

  /**
   * The service's clock. Every answer tells it, even a refusal, so that no right is needed for this
   * question.
   */
  async askTime(signal?: AbortSignal): Promise<number> {
    const doing = "asking the target's clock";
    this.#aheadMs = undefined;
    try {
      await this.#headBucket(doing, signal);
    } catch (thrown) {
      if (!(thrown instanceof S3Error)) throw thrown;
      if (thrown.verdict !== "denied" && thrown.verdict !== "skewed") throw toS3Fault(doing, thrown);
    }
    const now = this.serviceTime();
    if (now === undefined) throw toS3Fault(doing, new S3Error("unclear", "an answer without a date"));
    return now;
  }

  /**
   * Throws `store-away` when there is no such bucket. Asks only when the bucket was not heard of for a
   * while.
   */
  async assertBucket(signal?: AbortSignal): Promise<void> {
    if (this.#clock.now() - this.#aliveAt < ALIVE_MS) return;
    const doing = `looking for the bucket ${this.#address.bucket}`;
    try {
      await this.#headBucket(doing, signal);
    } catch (thrown) {
      if (!(thrown instanceof S3Error)) throw thrown;
      if (thrown.verdict !== "denied") throw toS3Fault(doing, thrown);
    }
  }

  async #headBucket(doing: string, signal: AbortSignal | undefined): Promise<void> {
    const Bucket = this.#address.bucket;
    try {
      await this.attempt({ kind: "bucket", doing, signal }, async (client, sdk, http) => {
        await client.send(new sdk.HeadBucketCommand({ Bucket }), http);
      });
    } catch (thrown) {
      // An answer to HEAD has no body that would say what is missing.
      if (!(thrown instanceof S3Error && thrown.verdict === "missing")) throw thrown;
      throw new S3Error("no-bucket", thrown.message, thrown.status);
    }
  }

  /** Makes a request that may be repeated. Throws a Fault, after the last attempt or at once. */
  async call<Result>(request: Request, send: Send<Result>): Promise<Result> {
    try {
      return await this.attempt(request, send);
    } catch (thrown) {
      if (thrown instanceof S3Error) throw toS3Fault(request.doing, thrown);
      throw thrown;
    }
  }

  /** As `call`, but throws the `S3Error` itself, for callers to whom some of them are answers. */
  async attempt<Result>(request: Request, send: Send<Result>): Promise<Result> {
    for (let done = 1; ; done += 1) {
      try {
        return await this.once(request, send);
      } catch (thrown) {
        if (!(thrown instanceof S3Error) || !isTransient(thrown) || done >= this.attempts) throw thrown;
      }
      await this.pause(done, request.signal);
    }
  }

  /** Makes a request once. Throws an `S3Error`, or the signal's reason. */
  async once<Result>(request: Request, send: Send<Result>): Promise<Result> {
    request.signal?.throwIfAborted();
    const { client, sdk } = await this.#open();
    const allowedMs = (this.#options.deadlineMs ?? DEADLINE_MS) + (request.bytes ?? 0) * MS_PER_BYTE;
    const deadline = AbortSignal.timeout(Math.ceil(allowedMs));
    const abortSignal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
    const counter = this.#options.counter;
    if (counter !== undefined) counter.counts[request.kind] += 1;
    try {
      const result = await send(client, sdk, { abortSignal });
      this.#aliveAt = this.#clock.now();
      return result;
    } catch (thrown) {
      request.signal?.throwIfAborted();
      if (deadline.aborted) throw new S3Error("timeout", `no answer within ${Math.round(allowedMs)} ms`);
      throw judge(thrown);
    }
  }

  /**
   * Waits before the attempt after `done` ones: a random time, so that many clients do not come back at
   * once.
   */
  async pause(done: number, signal?: AbortSignal): Promise<void> {
    const longest = Math.min(PAUSE_MAX_MS, (this.#options.pauseMs ?? PAUSE_MS) * 2 ** (done - 1));
    await this.#clock.sleep(Math.ceil(longest * (0.5 + this.#random() / 2)), signal);
  }

  async #open(): Promise<{ readonly sdk: typeof Sdk; readonly client: Sdk.S3Client }> {
    this.#opened ??= this.#connect();
    return this.#opened;
  }

  /**
   * The SDK takes 30 MiB and a seventh of a second: it is loaded where there is an S3 target, and only
   * then.
   */
  async #connect(): Promise<{ readonly sdk: typeof Sdk; readonly client: Sdk.S3Client }> {
    const sdk = await import("@aws-sdk/client-s3");
    const { NodeHttpHandler } = await import("@smithy/node-http-handler");
    agents ??= makeAgents();
    const inner = new NodeHttpHandler({ ...(await agents), connectionTimeout: CONNECT_MS });
    const address = this.#address;
    const client = new sdk.S3Client({
      endpoint: address.endpoint,
      region: address.region,
      forcePathStyle: address.forcePathStyle,
      credentials: { accessKeyId: address.accessKeyId, secretAccessKey: address.secretAccessKey },
      // Once: attempts are ours, because only we know that a lost answer to a write means "unknown".
      maxAttempts: 1,
      // Services before 2025 take no checksums in trailers, which is the SDK's default.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      requestHandler: {
        metadata: inner.metadata,
        handle: async (
          request: Parameters<typeof inner.handle>[0],
          options: Parameters<typeof inner.handle>[1],
        ) => {
          const answer = await inner.handle(request, options);
          this.#hear(answer.response.headers);
          return answer;
        },
      },
    });
    // We know the body's SHA-256 already; the signature needs not compute it again.
    client.middlewareStack.add(
      (next) => async (args) => {
        const digest = "ChecksumSHA256" in args.input ? args.input.ChecksumSHA256 : undefined;
        if (digest !== undefined && isRequest(args.request)) {
          args.request.headers["x-amz-content-sha256"] = Buffer.from(digest, "base64").toString("hex");
        }
        return next(args);
      },
      { step: "build", name: "knownBodyDigest" },
    );
    return { sdk, client };
  }

  #hear(headers: Readonly<Record<string, string>>): void {
    const at = Date.parse(headers["date"] ?? "");
    if (!Number.isNaN(at)) this.#aheadMs = at - this.#clock.now();
  }
}

/** Whether the same request may succeed a little later. */
export function isTransient(error: S3Error): boolean {
  return TRANSIENT.has(error.verdict);
}

function isRequest(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === "object" && request !== null && "headers" in request;
}
