import { request as plainRequest, type RequestOptions } from "node:http";
import { request as secureRequest } from "node:https";
import { isIP } from "node:net";
import { asError, Fault } from "@cairn/kernel";
import { authorities } from "./authorities.ts";
import type { Receiver } from "./receivers.ts";

export interface WebhookRequest {
  readonly url: URL;
  /** Where the URL's host is. */
  readonly receiver: Receiver;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Certificates of further authorities, in PEM. */
  readonly authorities: string | undefined;
}

/**
 * Posts to a webhook and returns the status of the answer; its body is not read. Redirects are answers like
 * any other: whoever is sent elsewhere could be sent to where they may not go. Fault `webhook-unavailable`
 * when there was no answer.
 */
export async function postWebhook(asked: WebhookRequest, signal: AbortSignal): Promise<number> {
  const { url } = asked;
  const request = url.protocol === "https:" ? secureRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const doing = `posting to ${url.host}`;
      reject(
        new Fault("webhook-unavailable", doing, "later", asError(signal.aborted ? signal.reason : cause)),
      );
    };
    const sent = request(optionsOf(asked, signal), (answer) => {
      // What it says is nobody's business here, and may have no end.
      answer.destroy();
      resolve(answer.statusCode ?? 0);
    });
    sent.on("error", fail);
    sent.end(asked.body);
  });
}

function optionsOf({ url, receiver, headers, body, authorities: more }: WebhookRequest, signal: AbortSignal) {
  const options: RequestOptions & { servername?: string; ca?: string[] } = {
    method: "POST",
    host: receiver.address,
    port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, "content-length": String(Buffer.byteLength(body)) },
    agent: false,
    signal,
    ...(isIP(receiver.host) === 0 ? { servername: receiver.host } : {}),
    ...authorities(more),
  };
  return options;
}
