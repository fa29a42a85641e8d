import { parentPort, workerData } from "node:worker_threads";
import { assert, describeFault } from "@cairn/kernel";
import { importKeys, releaseBuffer } from "@cairn/repository";
import { chunkWork } from "./chunk-work.ts";
import { asBuffer, handOverOwned } from "./hand-over.ts";
import { type Placement, placeChunks } from "./place-chunks.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker-protocol.ts";

const { repositoryId, keys } = workerData as WorkerSetup;
const work = chunkWork({ repositoryId, keys: importKeys(keys) });
const port = parentPort;
assert(port !== null, "the worker runs in a worker thread");

/** Chunks between their `hash` and their `seal`; the pool bounds how many. */
const held = new Map<number, { readonly id: Buffer; readonly plain: Buffer }>();

port.on("message", (request: WorkerRequest) => {
  try {
    perform(request);
  } catch (cause) {
    if (request.kind === "drop") throw cause;
    reply({ kind: "failed", request: request.request, why: describeFault(cause) }, []);
  }
});

function reply(message: WorkerReply, transfer: readonly ArrayBuffer[]): void {
  port?.postMessage(message, transfer);
}

function perform(request: WorkerRequest): void {
  switch (request.kind) {
    case "hash":
      hash(request.request, asBuffer(request.bytes), request.keep);
      return;
    case "seal":
      seal(request.request, request.held);
      return;
    case "drop":
      drop(request.held);
      return;
    case "open":
      open(request);
      return;
    case "place":
      place(request.request, request.placement);
  }
}

function hash(request: number, plain: Buffer, keep: boolean): void {
  const id = work.identify(plain);
  if (!keep) {
    const bytes = handOverOwned(plain);
    reply({ kind: "hashed", request, id, bytes }, [bytes.buffer]);
    return;
  }
  if (id === undefined) releaseBuffer(plain);
  else held.set(request, { id, plain });
  reply({ kind: "hashed", request, id }, []);
}

function drop(request: number): void {
  const chunk = held.get(request);
  if (chunk !== undefined) releaseBuffer(chunk.plain);
  held.delete(request);
}

function seal(request: number, heldRequest: number): void {
  const chunk = held.get(heldRequest);
  assert(chunk !== undefined, `nothing is held for request ${heldRequest}`);
  held.delete(heldRequest);
  const record = work.seal(chunk.id, chunk.plain);
  const payload = handOverOwned(record.payload);
  reply({ kind: "sealed", request, head: record.head, payload, tag: record.tag }, [payload.buffer]);
}

function open({ request, record, id, plainBytes }: WorkerRequest & { kind: "open" }): void {
  const opened = work.open(asBuffer(record), { id: asBuffer(id), plainBytes });
  if (opened.kind === "damaged") {
    reply({ ...opened, request }, []);
    return;
  }
  const plain = handOverOwned(opened.plain);
  reply({ kind: "opened", request, plain }, [plain.buffer]);
}

function place(request: number, placement: Placement): void {
  reply({ kind: "placed", request, placed: placeChunks(work, placement) }, []);
}
