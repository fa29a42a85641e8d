import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";

/** What clients asked of the API, and how long each answer took. */
export interface Answers {
  readonly count: number;
  readonly seconds: number;
  /** Milliseconds from sending a request to the last byte of its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytes: number;
}

export interface Load {
  readonly baseUrl: string;
  readonly token: string;
  readonly clients: number;
  readonly seconds: number;
  /** The path of a client's next request, below `baseUrl`. */
  readonly next: (client: number, turn: number) => string;
}

/** Clients that ask without a pause, each as soon as it has its answer; anything but a 200 is an Error. */
export async function ask({ baseUrl, token, clients, seconds, next }: Load): Promise<Answers> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const began = performance.now();
  const endMs = began + seconds * 1000;
  const times: number[] = [];
  let bytes = 0;
  try {
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        for (let turn = 0; performance.now() < endMs; turn += 1) {
          const from = performance.now();
          // Apart: `bytes += await …` would add to what was there before the wait.
          const got = await get(agent, new URL(`${baseUrl}${next(client, turn)}`), token);
          bytes += got;
          times.push(performance.now() - from);
        }
      }),
    );
  } finally {
    agent.destroy();
  }
  times.sort((a, b) => a - b);
  const elapsed = (performance.now() - began) / 1000;
  const [p50Ms, p99Ms] = [percentile(times, 50), percentile(times, 99)];
  return { count: times.length, seconds: elapsed, p50Ms, p99Ms, bytes };
}

/** The smallest of ascending numbers that `percent` of them do not exceed (nearest rank); 0 of none. */
export function percentile(ascending: readonly number[], percent: number): number {
  const rank = Math.ceil((percent / 100) * ascending.length);
  return ascending[Math.max(0, rank - 1)] ?? 0;
}

async function get(agent: Agent, url: URL, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent, headers: { "x-auth-token": token } }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(bytes);
        else reject(new Error(`${url.pathname}: ${String(response.statusCode)}`));
      });
    });
    call.on("error", reject);
    call.end();
  });
}
