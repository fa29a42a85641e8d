import { parentPort, workerData } from "node:worker_threads";
import { assert, describeFault } from "@cairn/kernel";
import { importKeys } from "@cairn/repository";
import { chunkWork } from "./chunk-work.ts";
import { asBuffer, handOverOwned } from "./hand-over.ts";
import { type Placement, Placer } from "./place-chunks.ts";
import { slotRoom } from "./slots.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker-protocol.ts";

const { repositoryId, keys, slots } = workerData as WorkerSetup;
const work = chunkWork({ repositoryId, keys: importKeys(keys) });
const placer = new Placer(work);
const port = parentPort;
assert(port !== null, "the worker runs in a worker thread");

port.on("message", (request: WorkerRequest) => {
  try {
    perform(request);
  } catch (cause) {
    reply({ kind: "failed", request: request.request, why: describeFault(cause) }, []);
  }
});

function reply(message: WorkerReply, transfer: readonly ArrayBuffer[]): void {
  port?.postMessage(message, transfer);
}

function perform(request: WorkerRequest): void {
  switch (request.kind) {
    case "hash":
      reply({ kind: "hashed", request: request.request, id: work.identify(slotBytes(request)) }, []);
      return;
    case "seal":
      seal(request);
      return;
    case "identify":
      identify(request.request, asBuffer(request.bytes));
      return;
    case "open":
      open(request);
      return;
    case "place":
      place(request.request, request.placement);
  }
}

function slotBytes({ slot, bytes }: { readonly slot: number; readonly bytes: number }): Buffer {
  return slotRoom(slots, slot).subarray(0, bytes);
}

function seal(request: WorkerRequest & { kind: "seal" }): void {
  const recordBytes = work.sealWithin(asBuffer(request.id), slotRoom(slots, request.slot), request.bytes);
  reply({ kind: "sealed", request: request.request, recordBytes }, []);
}

function identify(request: number, plain: Buffer): void {
  const id = work.identify(plain);
  const bytes = handOverOwned(plain);
  reply({ kind: "identified", request, id, bytes }, [bytes.buffer]);
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
  reply({ kind: "placed", request, placed: placer.place(placement) }, []);
}
