import { hasCode } from "@cairn/kernel";
import type { DriverContext } from "../libvirt/context.ts";
import { describedDisk } from "../libvirt/domain-xml.ts";
import type { Point } from "../port.ts";
import { reasonAgainstFreeze } from "./cut.ts";
import { reasonAgainstSnapshots } from "./plan.ts";
import { SnapshotPoint, type SnapshotWanted } from "./point.ts";

/** Takes points by RBD snapshots where the operator prefers them to bitmaps and the instance allows it. */
export class SnapshotPoints {
  readonly #context: DriverContext;
  /** Instances whose last attempt was lost: the next one is by bitmaps. */
  readonly #lost = new Set<string>();

  constructor(context: DriverContext) {
    this.#context = context;
  }

  /** Undefined where bitmaps have to do. */
  async take(wanted: SnapshotWanted, signal: AbortSignal): Promise<Point | undefined> {
    if (this.#context.rbdChanges !== "fast-diff") return undefined;
    const { instanceId } = wanted.request;
    const because = await this.#reasonAgainst(wanted);
    if (because !== undefined) {
      this.#context.log.info("rbd.not-by-snapshots", { instance: instanceId, because });
      return undefined;
    }
    const point = new SnapshotPoint(this.#context, wanted);
    if (!(await this.#opens(point, wanted, signal))) return undefined;
    try {
      await point.take(signal);
      return point;
    } catch (cause) {
      await point.end("discard");
      if (hasCode(cause, "point-lost") || hasCode(cause, "rbd-failed")) this.#lost.add(instanceId);
      throw cause;
    }
  }

  /** A Ceph that cannot be asked must not keep an instance from being protected by other means. */
  async #opens(point: SnapshotPoint, { request }: SnapshotWanted, signal: AbortSignal): Promise<boolean> {
    try {
      await point.open(signal);
      return true;
    } catch (cause) {
      await point.end("discard");
      signal.throwIfAborted();
      this.#context.log.warn("rbd.not-by-snapshots", { instance: request.instanceId, fault: cause });
      return false;
    }
  }

  async #reasonAgainst(wanted: SnapshotWanted): Promise<string | undefined> {
    const { described, request } = wanted;
    if (this.#lost.delete(request.instanceId)) return "its last point by snapshots was lost";
    const disks = request.disks.map(({ source }) => describedDisk(described, source, request.instanceId));
    const because = reasonAgainstSnapshots({ disks, restless: undefined });
    // The agent is asked only where it decides something.
    if (because !== undefined || disks.length === 1) return because;
    return reasonAgainstSnapshots({ disks, restless: await reasonAgainstFreeze(wanted) });
  }
}
