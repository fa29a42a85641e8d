import { readFile } from "node:fs/promises";
import { ClaimReply, type Order, type OrderOutcome, parseAs } from "@cairn/contract";
import { describeFault, GiB, mapLimited, systemClock } from "@cairn/kernel";
import { importKeys } from "@cairn/repository";
import { openStore } from "@cairn/store";
import { openTransfer } from "@cairn/transfer";

/** What this program is told, as JSON: where to ask, and as whom. */
export interface PaperDatamovers {
  readonly url: string;
  /** Files with a host's token each. */
  readonly tokenFiles: readonly string[];
}

/** Printed when all are known to the appliance. */
export const READY = "ready";

const WAIT_MS = 30_000;
const GREETINGS_AT_ONCE = 50;
const PAUSE_MS = 1_000;
/** Size of a disk of a paper instance: nothing of it is stored but the root of its tree. */
const DISK_BYTES = GiB;

/**
 * Datamovers of hosts that do not exist, all in this process: each asks for orders as a real one does, and
 * stores an empty disk for each that it is to protect, so that commits are complete and can be read.
 */
async function serve({ url, tokenFiles }: PaperDatamovers): Promise<void> {
  const tokens = await Promise.all(tokenFiles.map(async (file) => (await readFile(file, "utf8")).trim()));
  const hello = { version: "paper", capabilities: [] };
  await mapLimited(tokens, GREETINGS_AT_ONCE, async (token) =>
    post(url, { token, path: "/v1/hello", body: hello }),
  );
  process.stdout.write(`${READY}\n`);
  await Promise.all(
    tokens.map(async (token, index) => {
      // They do not all ask in the same moment, as they would not after a night.
      await pause((index * WAIT_MS) / tokens.length);
      await work(url, token);
    }),
  );
}

async function work(url: string, token: string): Promise<never> {
  const body = { room: 4, waitMs: WAIT_MS };
  for (;;) {
    try {
      const claimed = await post(url, { token, path: "/v1/orders/claim", body });
      const { orders } = parseAs(ClaimReply, claimed);
      await Promise.all(orders.map(async (order) => finish(url, token, order)));
    } catch (cause) {
      process.stderr.write(`${describeFault(cause)}\n`);
      await pause(PAUSE_MS);
    }
  }
}

async function finish(url: string, token: string, order: Order): Promise<void> {
  const outcome = await carryOut(order);
  const path = `/v1/orders/${order.id}/finish`;
  await post(url, { token, path, body: { generation: order.generation, outcome } });
}

async function carryOut(order: Order): Promise<OrderOutcome> {
  switch (order.body.kind) {
    case "protect-instance":
      return protect(order, order.body.disks);
    case "settle-instance":
      return { kind: "settled" };
    case "abandon-instance":
      return { kind: "abandoned" };
    case "write-disk":
      return { kind: "failed", code: "paper", message: "there is nothing to write to", retry: "never" };
    case "mount-in-guest":
      return { kind: "mounted-in-guest", folders: [], warnings: ["a paper instance has no guest"] };
    case "unmount-in-guest":
      return { kind: "unmounted-in-guest", warnings: [] };
  }
}

async function protect(
  { repository }: Order,
  disks: readonly { readonly diskId: string }[],
): Promise<OrderOutcome> {
  if (repository === undefined) throw new Error("an order to protect names a repository");
  const { signal } = new AbortController();
  const transfer = await openTransfer({
    store: openStore(repository.target),
    repositoryId: repository.repositoryId,
    keys: importKeys(repository.keys),
    indexSegments: [],
    stateHint: repository.stateEpoch,
    workers: 0,
    signal,
  });
  try {
    const stored = [];
    for (const { diskId } of disks) {
      const { root } = await transfer.storeDisk({ source: emptyDisk(), auditBytes: 0, signal });
      const figures = { readBytes: 0, auditedBytes: 0, changedBytes: 0, storedBytes: 0 };
      const read = { mode: "full", because: "a paper instance has no bitmap" } as const;
      stored.push({ diskId, sizeBytes: DISK_BYTES, format: "raw", root, read, ...figures });
    }
    const { indexSegments } = await transfer.seal(signal);
    return {
      kind: "protected",
      pointAt: systemClock.now(),
      consistency: { quality: "crash", reason: "the instance is shut off" },
      disks: stored,
      indexSegments: [...indexSegments],
    };
  } finally {
    await transfer.close();
  }
}

function emptyDisk() {
  return {
    sizeBytes: DISK_BYTES,
    async *extents() {
      yield { offset: 0, length: DISK_BYTES, kind: "zero" } as const;
    },
    read: async (_: number, length: number) => Buffer.alloc(length),
  };
}

interface Post {
  readonly token: string;
  readonly path: string;
  readonly body: unknown;
}

async function post(url: string, { token, path, body }: Post): Promise<unknown> {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${String(response.status)} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

if (import.meta.main) {
  // Ends with whoever started it.
  process.stdin.resume().once("end", () => process.exit(0));
  await serve(JSON.parse(process.argv[2] ?? "{}") as PaperDatamovers);
}
