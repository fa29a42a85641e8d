import { setTimeout as sleepMs } from "node:timers/promises";
import { Fault } from "@cairn/kernel";
import { isRefusal, type QmpClient } from "@cairn/qmp";
import { listOf, optionalText } from "../../host/json.ts";
import { isListenedOn } from "../../host/unix-socket.ts";
import { tolerateAbsent } from "../bitmaps.ts";
import type { Monitor } from "../monitor.ts";
import { PREFIX } from "../names.ts";
import { listNodes } from "../nodes.ts";

/** What to take down: everything whose name begins with `prefix`, and the NBD server where it is ours. */
export interface Remains {
  readonly prefix: string;
  /** `ours`: we started it. `unknown`: it is ours if it listens on this socket. */
  readonly nbdServer:
    | { readonly kind: "ours" }
    | { readonly kind: "not-ours" }
    | { readonly kind: "unknown"; readonly socket: string };
}

/** The datamover and its guard may take the same point down over two monitors. */
const TRIES_MAX = 10;
const RETRY_PAUSE_MS = 50;

/**
 * Takes down exports, NBD server, jobs and nodes, in this order: an export holds its node, a job holds its
 * target. Clients of the exports should be gone (a server that stops under a client was CVE-2024-7409).
 * Absent is removed. What QEMU refuses, because somebody else is about to remove it, is looked at again.
 */
export async function tearDown(qmp: QmpClient, remains: Remains, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await tearDownOnce(qmp, remains, signal);
      return;
    } catch (cause) {
      if (attempt >= TRIES_MAX || !isRefusal(cause, /./)) throw cause;
    }
    await sleepMs(RETRY_PAUSE_MS, undefined, { signal });
  }
}

async function tearDownOnce(qmp: QmpClient, remains: Remains, signal: AbortSignal): Promise<void> {
  await removeExports(qmp, remains.prefix, signal);
  if (await isOurs(remains.nbdServer)) await tolerateAbsent(qmp.execute("nbd-server-stop", {}, { signal }));
  await cancelJobs(qmp, remains.prefix, signal);
  for (const node of await listNodes(qmp, signal)) {
    if (!node.name.startsWith(remains.prefix)) continue;
    await tolerateAbsent(qmp.execute("blockdev-del", { "node-name": node.name }, { signal }));
  }
}

/** Refuses to go on when somebody else's job runs: it may hold, move or change the disks. */
export async function assertNoForeignJobs(qmp: Monitor, signal: AbortSignal): Promise<void> {
  for (const job of listOf(await qmp.execute("query-jobs", {}, { signal }))) {
    const id = optionalText(job, "id") ?? "";
    if (id.startsWith(PREFIX)) continue;
    throw new Fault(
      "foreign-block-job",
      `job ${id} (${optionalText(job, "type")}) runs on the instance`,
      "later",
    );
  }
}

async function removeExports(qmp: QmpClient, prefix: string, signal: AbortSignal): Promise<void> {
  for (const each of listOf(await qmp.execute("query-block-exports", {}, { signal }))) {
    const id = optionalText(each, "id") ?? "";
    if (!id.startsWith(prefix)) continue;
    const gone = qmp.waitFor("BLOCK_EXPORT_DELETED", (event) => event.data["id"] === id, signal);
    const removal = qmp.execute("block-export-del", { id, mode: "hard" }, { signal });
    if (await tolerateAbsent(removal)) await gone;
  }
}

async function cancelJobs(qmp: QmpClient, prefix: string, signal: AbortSignal): Promise<void> {
  for (const job of listOf(await qmp.execute("query-jobs", {}, { signal }))) {
    const id = optionalText(job, "id") ?? "";
    if (!id.startsWith(prefix)) continue;
    if (job["status"] === "concluded") {
      await tolerateAbsent(qmp.execute("job-dismiss", { id }, { signal }));
      continue;
    }
    const isOver = (event: { data: Readonly<Record<string, unknown>> }): boolean =>
      event.data["id"] === id && event.data["status"] === "null";
    const gone = qmp.waitFor("JOB_STATUS_CHANGE", isOver, signal);
    if (await tolerateAbsent(qmp.execute("job-cancel", { id }, { signal }))) await gone;
  }
}

async function isOurs(server: Remains["nbdServer"]): Promise<boolean> {
  switch (server.kind) {
    case "ours":
      return true;
    case "not-ours":
      return false;
    case "unknown":
      return isListenedOn(server.socket);
  }
}
