import type { OrderProgress, RepositoryAccess } from "@cairn/contract";
import { type Clock, Fault } from "@cairn/kernel";
import { importKeys } from "@cairn/repository";
import type { Log } from "@cairn/service";
import { openStore } from "@cairn/store";
import type { openTransfer, Transfer } from "@cairn/transfer";
import type { OsBrick } from "../host/os-brick.ts";
import type { Scratch } from "../host/scratch.ts";
import type { Hypervisor } from "../hypervisor/port.ts";
import type { OrderBarrier } from "./barrier.ts";

/** What carrying out any order works with. */
export interface Equipment {
  readonly hypervisor: Hypervisor;
  readonly scratch: Scratch;
  readonly clock: Clock;
  readonly openTransfer: typeof openTransfer;
  /** `<sandbox dir>/cinder` is trusted to hold what attachments name; nothing outside of it is written. */
  readonly attachmentsFolder: string;
  /** For volumes that are neither in Ceph nor on a file share. */
  readonly osBrick: OsBrick;
}

/** What one order is carried out with. */
export interface OrderContext extends Equipment {
  readonly orderId: string;
  readonly log: Log;
  readonly progress: ProgressBoard;
  /** Where the order waits for others of its run; undefined when it is alone. */
  readonly barrier: OrderBarrier | undefined;
  /** Waits for the right to move bytes; dispose what it gives when they are moved. */
  readonly takeTurn: () => Promise<Disposable>;
  readonly signal: AbortSignal;
}

/** The progress of one order, as the next report will tell it. */
export class ProgressBoard {
  #phase: OrderProgress["phase"] = "preparing";
  readonly #disks = new Map<string, OrderProgress["disks"][number]>();

  enter(phase: OrderProgress["phase"]): void {
    this.#phase = phase;
  }

  tell(diskId: string, progress: { doneBytes: number; totalBytes: number; storedBytes: number }): void {
    const { doneBytes, totalBytes, storedBytes } = progress;
    this.#disks.set(diskId, { diskId, doneBytes, totalBytes, storedBytes });
  }

  report(): OrderProgress {
    return { phase: this.#phase, disks: [...this.#disks.values()] };
  }
}

/** Opens the order's repository for moving disks; the caller closes the transfer. */
export async function openOrderTransfer(
  context: OrderContext,
  repository: RepositoryAccess | undefined,
  signal: AbortSignal,
): Promise<Transfer> {
  if (repository === undefined)
    throw new Fault("bad-order", "an order to move disks without a repository", "never");
  return context.openTransfer({
    store: openStore(repository.target),
    repositoryId: repository.repositoryId,
    keys: importKeys(repository.keys),
    indexSegments: repository.indexSegments,
    stateHint: repository.stateEpoch,
    signal,
  });
}
