import {
  type BarrierReply,
  BarrierReply as BarrierReplySchema,
  type BarrierRequest,
  type ClaimReply,
  ClaimReply as ClaimReplySchema,
  type ClaimRequest,
  type FinishRequest,
  type HelloRequest,
  matches,
  type ProgressReply,
  ProgressReply as ProgressReplySchema,
  type ProgressRequest,
} from "@cairn/contract";
import { asError, Fault, type Secret } from "@cairn/kernel";

/**
 * cairn-datamover-api as the datamover sees it. A Fault means that it is away or refused; callers try again.
 */
export interface DatamoverApi {
  hello(request: HelloRequest, signal: AbortSignal): Promise<void>;
  claim(request: ClaimRequest, signal: AbortSignal): Promise<ClaimReply>;
  /** May wait up to `waitMs` for another verdict than `continue`. */
  progress(orderId: string, request: ProgressRequest, signal: AbortSignal): Promise<ProgressReply>;
  /** Waits up to `waitMs` for the word at the order's barrier. */
  barrier(orderId: string, request: BarrierRequest, signal: AbortSignal): Promise<BarrierReply>;
  /** `fenced` when the order has been handed to somebody else: the outcome counts for nothing. */
  finish(orderId: string, request: FinishRequest, signal: AbortSignal): Promise<"accepted" | "fenced">;
}

/** On top of what the server is asked to wait itself. */
const ANSWER_TIMEOUT_MS = 10_000;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The API at this address, with the host's token. */
export function datamoverApi(url: string, token: Secret): DatamoverApi {
  const call = async (
    path: string,
    body: unknown,
    limit: { waitMs: number; signal: AbortSignal },
  ): Promise<Answer> => {
    const signal = AbortSignal.any([limit.signal, AbortSignal.timeout(limit.waitMs + ANSWER_TIMEOUT_MS)]);
    try {
      const response = await fetch(new URL(path, url), {
        method: "POST",
        headers: { authorization: `Bearer ${token.reveal()}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal,
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
    } catch (cause) {
      limit.signal.throwIfAborted();
      throw new Fault("datamover-api-away", `asking ${path} of the datamover API`, "later", asError(cause));
    }
  };
  const path = (orderId: string, verb: string): string => `/v1/orders/${encodeURIComponent(orderId)}/${verb}`;
  return {
    hello: async (request, signal) => {
      expectOk("hello", await call("/v1/hello", request, { waitMs: 0, signal }));
    },
    claim: async (request, signal) => {
      const answer = await call("/v1/orders/claim", request, { waitMs: request.waitMs, signal });
      return expectAs((body) => matches(ClaimReplySchema, body), "claim", answer);
    },
    progress: async (orderId, request, signal) => {
      const { waitMs = 0 } = request;
      const answer = await call(path(orderId, "progress"), request, { waitMs, signal });
      return isNotOurs(answer)
        ? { verdict: "fenced" }
        : expectAs((body) => matches(ProgressReplySchema, body), "progress", answer);
    },
    barrier: async (orderId, request, signal) => {
      const answer = await call(path(orderId, "barrier"), request, { waitMs: request.waitMs, signal });
      return expectAs((body) => matches(BarrierReplySchema, body), "barrier", answer);
    },
    finish: async (orderId, request, signal) => {
      const answer = await call(path(orderId, "finish"), request, { waitMs: 0, signal });
      if (isNotOurs(answer)) return "fenced";
      expectOk("finish", answer);
      return "accepted";
    },
  };
}

/** 409: handed out again since. 404: there is no such order any more. */
function isNotOurs(answer: Answer): boolean {
  return answer.status === 409 || answer.status === 404;
}

function expectOk(what: string, answer: Answer): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  const retry = answer.status === 401 ? "after-operator" : "later";
  throw new Fault("datamover-api-refused", `HTTP ${answer.status} for ${what} from the datamover API`, retry);
}

/** What was answered, if it is what the protocol says. */
function expectAs<Body>(isSo: (body: unknown) => body is Body, what: string, answer: Answer): Body {
  const body = expectOk(what, answer);
  if (isSo(body)) return body;
  throw new Fault("datamover-api-answer", `the datamover API answered ${what} wrongly`, "after-operator");
}
