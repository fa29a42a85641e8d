import { openRepository } from "@cairn/repository";
import type { Transfer, TransferOptions } from "./transfer.ts";

/**
 * Opens a repository for moving disks. Faults: `repository-missing`, `format-unknown`, those of the store.
 * Call `close` when done, whatever happened.
 */
export async function openTransfer(options: TransferOptions): Promise<Transfer> {
  await openRepository(options.store, options);
  throw new Error("moving disks is being built; the interface above is what it will be");
}
