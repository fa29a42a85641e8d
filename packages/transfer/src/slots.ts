import { assert } from "@cairn/kernel";
import { REGION_BYTES } from "@cairn/repository";
import { Gate } from "./tasks.ts";

/** Regions that are being read, hashed, compressed or packed at once, over all disks of a transfer. */
const SLOTS = 12;
/** A region that does not compress, and the frame of its record. */
const SLOT_BYTES = REGION_BYTES + 4096;

/** Room for one region, and then for the record that it becomes, in memory that all threads see. */
export interface Slot {
  readonly number: number;
  readonly room: Buffer;
}

/** The memory of all slots: zeroed pages, which take no memory before they are used. */
export function allocateSlots(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * SLOT_BYTES);
}

/** A slot's memory, in whichever thread. */
export function slotRoom(memory: SharedArrayBuffer, number: number): Buffer {
  return Buffer.from(memory, number * SLOT_BYTES, SLOT_BYTES);
}

/**
 * A fixed number of slots. They are what bounds the memory of storing; and data stay in one place from the
 * moment they are read until their record is in a pack, so that threads tell each other numbers and not
 * bytes.
 *
 * A slot has one owner at a time. Who gives it back must know that nobody writes to it any more.
 */
export class Slots {
  /** Whoever takes a slot has come in here. */
  readonly gate = new Gate(SLOTS);
  readonly #free: Slot[];

  constructor(memory: SharedArrayBuffer) {
    this.#free = Array.from({ length: SLOTS }, (_, number) => ({ number, room: slotRoom(memory, number) }));
  }

  take(): Slot {
    const slot = this.#free.pop();
    assert(slot !== undefined, "as many slots as the gate lets in");
    return slot;
  }

  give(slot: Slot): void {
    this.#free.push(slot);
  }
}
