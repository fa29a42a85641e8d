import { get } from "node:http";
import { connect } from "node:net";
import type { Clock } from "@cairn/kernel";
import { LOOPBACK } from "./settings.ts";

/** How one sees that a service answers. `running`: it has nothing that could be asked. */
export type Probe =
  | { readonly kind: "running" }
  | { readonly kind: "port"; readonly port: number }
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "http"; readonly url: string };

const PROBE_DEADLINE_MS = 20_000;
const PAUSE_MS = 250;

/** Whether it answers now. Any answer of an HTTP service counts but that of a proxy without one behind it. */
export async function answers(probe: Probe, signal: AbortSignal): Promise<boolean> {
  switch (probe.kind) {
    case "running":
      return true;
    case "port":
      return connects({ host: LOOPBACK, port: probe.port });
    case "socket":
      return connects({ path: probe.path });
    case "http":
      return respondsTo(probe.url, signal);
  }
}

/** Asks again and again until `isThere` says yes; rejects when the signal is aborted. */
export async function waitUntil(
  isThere: () => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!(await isThere())) {
    await clock.sleep(PAUSE_MS, signal);
  }
}

function connects(where: { host: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...where, timeout: PROBE_DEADLINE_MS });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}

/** Without a pool of connections, which would keep this program waiting at its end. */
function respondsTo(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: PROBE_DEADLINE_MS, signal }, (response) => {
      response.resume();
      response.once("error", () => resolve(false));
      response.once("end", () => resolve(response.statusCode !== 502));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}
