import { stat } from "node:fs/promises";
import type { ProtectedDisk, ProtectInstance } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import { type StorageDaemon, startStorageDaemon } from "../../storage-daemon/daemon.ts";
import { pointFolder, pointFoldersOf, pointName } from "../names.ts";
import type { NextBase, Point, PointDisk, ReadPlan } from "../port.ts";
import { planRead } from "../read-plan.ts";
import type { DriverContext } from "./context.ts";
import { type Domain, type DomainDisk, findDomain, getDisk } from "./domain.ts";
import { listNodes } from "./nodes.ts";

/**
 * Opens the disks of a stopped instance for reading: read-only and sharing everything, so that the instance
 * can start at any moment. If it does, `prove` says so. A bitmap in the image is read; none is made: the old
 * one stays the base.
 */
export async function takeStoppedPoint(
  context: DriverContext,
  domain: Domain,
  request: ProtectInstance,
  signal: AbortSignal,
): Promise<Point> {
  const folderName = pointFolder(request.snapshotId, request.instanceId);
  // Whatever was left in the QEMU that ran the instance went with it.
  for (const left of await context.scratch.list(pointFoldersOf(request.instanceId)))
    await context.scratch.remove(left);
  const folder = await context.scratch.open(folderName);
  let daemon: StorageDaemon | undefined;
  try {
    const disks = request.disks.map((order) => ({ order, disk: getDisk(domain, order.source) }));
    const images = await Promise.all(disks.map(async ({ disk }) => stampOf(disk.path)));
    daemon = await startStorageDaemon(folder, context.clock, signal);
    await daemon.startServer(signal);
    const opened = await openDisks(daemon, disks, request, signal);
    const paths = disks.map(({ disk }) => disk.path);
    return new StoppedPoint({ context, request, folderName, daemon, images, paths, disks: opened });
  } catch (cause) {
    await daemon?.stop();
    await context.scratch.remove(folderName);
    throw cause;
  }
}

interface ChosenDisk {
  readonly order: ProtectedDisk;
  readonly disk: DomainDisk;
}

async function openDisks(
  daemon: StorageDaemon,
  disks: readonly ChosenDisk[],
  request: ProtectInstance,
  signal: AbortSignal,
): Promise<readonly PointDisk[]> {
  for (const { disk } of disks) {
    const node = {
      driver: disk.format,
      "node-name": pointName(request.snapshotId, disk.device),
      "read-only": true,
      "force-share": true,
      file: { driver: "file", filename: disk.path },
    };
    try {
      await daemon.addNode(node, signal);
    } catch (cause) {
      throw new Fault("disk-unreadable", `opening ${disk.path}`, "later", cause);
    }
  }
  const nodes = await listNodes(daemon.qmp, signal);
  const opened: PointDisk[] = [];
  for (const { order, disk } of disks) {
    const name = pointName(request.snapshotId, disk.device);
    const node = nodes.find((each) => each.name === name);
    if (node === undefined) throw new Fault("disk-unreadable", `opening ${disk.path}`, "later");
    const { sizeBytes, bitmaps } = node;
    const plan = planRead(order, {
      sizeBytes,
      path: disk.path,
      bitmaps,
      bitmapsElsewhere: [],
      qemu: undefined,
    });
    const used = plan.mode === "incremental" ? plan.since.bitmap : undefined;
    await daemon.qmp.execute(
      "block-export-add",
      {
        type: "nbd",
        id: name,
        "node-name": name,
        name: disk.device,
        writable: false,
        bitmaps: used === undefined ? [] : [used],
      },
      { signal },
    );
    opened.push({
      order,
      sizeBytes,
      format: disk.format,
      address: { kind: "unix", path: daemon.nbdSocket },
      exportName: disk.device,
      plan,
      changesContext: used === undefined ? undefined : `qemu:dirty-bitmap:${used}`,
      next: nextOf(plan),
    });
  }
  return opened;
}

/** The old bitmap goes on counting from its own, earlier point: more than needed, never too little. */
function nextOf(plan: ReadPlan): NextBase | undefined {
  if (plan.mode === "full") return undefined;
  const { sizeBytes, bitmap, qemu, persistent, path } = plan.since;
  return { sizeBytes, bitmap, qemu, persistent, path };
}

/** What changes when anybody writes to a file. */
interface Stamp {
  readonly inode: bigint;
  readonly sizeBytes: bigint;
  readonly changedNs: bigint;
}

async function stampOf(path: string): Promise<Stamp> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { inode: ino, sizeBytes: size, changedNs: mtimeNs };
  } catch (cause) {
    throw new Fault("disk-unreadable", `looking at ${path}`, "later", cause);
  }
}

interface PointParts {
  readonly context: DriverContext;
  readonly request: ProtectInstance;
  readonly folderName: string;
  readonly daemon: StorageDaemon;
  readonly images: readonly Stamp[];
  readonly paths: readonly string[];
  readonly disks: readonly PointDisk[];
}

class StoppedPoint implements Point {
  readonly consistency = { quality: "file-system", reason: "the instance is stopped" } as const;
  readonly takenAtMs: number;
  readonly disks: readonly PointDisk[];
  readonly #parts: PointParts;
  readonly #broken = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(parts: PointParts) {
    this.#parts = parts;
    this.takenAtMs = parts.context.clock.now();
    this.disks = parts.disks;
    void this.#watch();
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  async prove(): Promise<void> {
    this.broken.throwIfAborted();
    const { context, images, paths, request } = this.#parts;
    const domain = await findDomain(context.instancesFolder, request.instanceId);
    if (domain?.state.kind !== "stopped") {
      throw new Fault(
        "instance-started",
        `instance ${request.instanceId} started while it was read`,
        "later",
      );
    }
    for (const [index, path] of paths.entries()) {
      const [before, after] = [images[index], await stampOf(path)];
      const isSame =
        before?.inode === after.inode &&
        before.sizeBytes === after.sizeBytes &&
        before.changedNs === after.changedNs;
      if (!isSame) throw new Fault("instance-started", `${path} was written while it was read`, "later");
    }
  }

  async end(): Promise<void> {
    this.#ended ??= this.#takeDown();
    await this.#ended;
  }

  async #takeDown(): Promise<void> {
    await this.#parts.daemon.stop();
    await this.#parts.context.scratch.remove(this.#parts.folderName);
  }

  async #watch(): Promise<void> {
    const cause = await this.#parts.daemon.qmp.closed;
    if (this.#ended === undefined) {
      this.#broken.abort(new Fault("storage-daemon-died", "reading a stopped instance", "later", cause));
    }
  }
}
