import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { OrderBody, OrderOutcome, ProtectInstance, RepositoryAccess } from "@cairn/contract";
import { type Clock, KiB, MiB, systemClock } from "@cairn/kernel";
import { createLog, type Log } from "@cairn/service";
import { type BlockDestination, openTransfer } from "@cairn/transfer";
import type { Guard } from "../guard/port.ts";
import { NO_OS_BRICK, type OsBrick } from "../host/os-brick.ts";
import { Scratch } from "../host/scratch.ts";
import { bitmapName } from "../hypervisor/names.ts";
import type { Hypervisor, Point } from "../hypervisor/port.ts";
import { qemuFolderHypervisor } from "../hypervisor/qemu-folder/driver.ts";
import { carryOut } from "../orders/carry-out.ts";
import { ProgressBoard } from "../orders/context.ts";
import { guardInProcess } from "./guard-in-process.ts";
import { createImage, type TestDisk, type TestNode } from "./test-node.ts";
import { createTestRepository } from "./test-repository.ts";

export type Protected = Extract<OrderOutcome, { kind: "protected" }>;
export type Failed = Extract<OrderOutcome, { kind: "failed" }>;

export interface Hooks {
  /** Called once the point is taken, before anything is read. */
  readonly afterPoint?: (point: Point) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Stands between the transfer and the disk that is written. */
  readonly destination?: (real: BlockDestination) => BlockDestination;
  /** The host's; none unless told. */
  readonly osBrick?: OsBrick;
}

/** The folders of one test. */
export type BenchPlace = Pick<
  TestNode,
  "instancesFolder" | "repositoryFolder" | "sandboxFolder" | "scratchFolder"
>;

/** What makes the driver under test; without it that of the place's own QEMU processes. */
export type MakeHypervisor = (tools: {
  readonly scratch: Scratch;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
}) => Hypervisor;

/** An instance under test, of any hypervisor; its devices write as a guest's would. */
export interface TestGuest {
  readonly id: string;
  readonly disks: readonly TestDisk[];
  write(device: string, offset: number, bytes: Buffer): Promise<void>;
  /** One line of `qemu-io` through the device. */
  io(device: string, line: string): Promise<void>;
}

/**
 * Carries out orders in this process, without the HTTP API, and keeps what an engine would keep between them.
 */
export class OrderBench {
  readonly node: BenchPlace;
  readonly repository: RepositoryAccess;
  readonly hypervisor: Hypervisor;
  readonly scratch: Scratch;
  readonly lines: string[] = [];
  readonly #segments: string[] = [];

  private constructor(node: BenchPlace, repository: RepositoryAccess, make: MakeHypervisor | undefined) {
    this.node = node;
    this.repository = repository;
    this.scratch = new Scratch(node.scratchFolder, { percent: 20, reserveBytes: MiB });
    const { instancesFolder } = node;
    const log = this.#log();
    const settings = {
      datamover: { pid: 0, startTicks: "0" },
      scratchPath: this.scratch.path,
      reserveBytes: MiB,
      budgetBytes: 0,
      intervalMs: 100,
      silenceMs: 10_000,
    };
    const guard = guardInProcess(settings, log);
    const tools = { scratch: this.scratch, guard, clock: systemClock, log };
    this.hypervisor = make === undefined ? qemuFolderHypervisor({ instancesFolder, ...tools }) : make(tools);
  }

  static async open(node: BenchPlace, make?: MakeHypervisor): Promise<OrderBench> {
    return new OrderBench(node, await createTestRepository(node.repositoryFolder), make);
  }

  async perform(body: OrderBody, hooks: Hooks = {}): Promise<OrderOutcome> {
    const order = {
      id: randomUUID(),
      runId: randomUUID(),
      generation: 1,
      repository: { ...this.repository, indexSegments: [...this.#segments] },
      body,
    };
    const outcome = await carryOut(order, {
      orderId: order.id,
      hypervisor: this.#hooked(hooks),
      scratch: this.scratch,
      clock: systemClock,
      openTransfer: hooks.destination === undefined ? openTransfer : through(hooks.destination),
      attachmentsFolder: join(this.node.sandboxFolder, "cinder"),
      osBrick: hooks.osBrick ?? NO_OS_BRICK,
      log: this.#log(),
      progress: new ProgressBoard(),
      barrier: undefined,
      takeTurn: async () => Promise.resolve({ [Symbol.dispose]: () => undefined }),
      signal: hooks.signal ?? new AbortController().signal,
    });
    if (outcome.kind === "protected") this.#segments.push(...outcome.indexSegments);
    return outcome;
  }

  /** A snapshot of all disks; `since` is the last one. */
  async protect(
    instance: Pick<TestGuest, "id" | "disks">,
    since?: Protected,
    hooks: Hooks = {},
  ): Promise<Protected> {
    const outcome = await this.perform(protectOrder(instance, since), hooks);
    if (outcome.kind === "protected") return outcome;
    throw new Error(`the order ended otherwise: ${JSON.stringify(outcome)}`);
  }

  /** Writes a disk of a snapshot to a fresh raw image and gives its path. */
  async restore(root: string, sizeBytes: number): Promise<string> {
    const volumeId = randomUUID();
    const info = await attachVolume(this.node, volumeId, { format: "raw", sizeBytes });
    const outcome = await this.perform({
      kind: "write-disk",
      restoreId: randomUUID(),
      diskId: "disk",
      root,
      sizeBytes,
      destination: { kind: "attached", volumeId, connectionInfo: info.connectionInfo },
      mode: "whole",
    });
    if (outcome.kind !== "written") throw new Error(`the order ended otherwise: ${JSON.stringify(outcome)}`);
    return info.path;
  }

  #log(): ReturnType<typeof createLog> {
    return createLog("datamover", { level: "debug", write: (line) => void this.lines.push(line) });
  }

  #hooked(hooks: Hooks): Hypervisor {
    const { hypervisor } = this;
    return {
      name: hypervisor.name,
      takePoint: async (request, barrier, signal) => {
        const point = await hypervisor.takePoint(request, barrier, signal);
        await hooks.afterPoint?.(point);
        return point;
      },
      abandonPoint: async (...all) => hypervisor.abandonPoint(...all),
      settleBitmaps: async (...all) => hypervisor.settleBitmaps(...all),
      findStoppedDisk: async (...all) => hypervisor.findStoppedDisk(...all),
      storageKey: async (...all) => hypervisor.storageKey(...all),
      runInGuest: async (...all) => hypervisor.runInGuest(...all),
      reconcile: async (signal) => hypervisor.reconcile(signal),
    };
  }
}

/** Opens transfers that write to what `wrap` makes of the disk. */
function through(wrap: (real: BlockDestination) => BlockDestination): typeof openTransfer {
  return async (options) => {
    const transfer = await openTransfer(options);
    return {
      ...transfer,
      writeDisk: async (request) =>
        transfer.writeDisk({ ...request, destination: wrap(request.destination) }),
    };
  };
}

/** The order for a snapshot as the engine would plan it after `since`. */
export function protectOrder(
  instance: Pick<TestGuest, "id" | "disks">,
  since?: Protected,
  snapshotId: string = randomUUID(),
): ProtectInstance {
  const disks = instance.disks.map(({ device, volumeId }) => {
    const last = since?.disks.find((disk) => disk.diskId === device);
    return {
      diskId: device,
      device,
      source:
        volumeId === undefined ? { kind: "local" as const, device } : { kind: "volume" as const, volumeId },
      ...(last === undefined ? {} : { previousRoot: last.root }),
      ...(last?.base === undefined ? {} : { base: last.base }),
    };
  });
  return {
    kind: "protect-instance",
    snapshotId,
    instanceId: instance.id,
    instanceName: "test",
    disks,
    bitmap: bitmapName(snapshotId),
    auditBytes: 256 * KiB,
  };
}

/** A volume's image where Cinder's NFS driver would have it, with the connection_info of its attachment. */
export async function attachVolume(
  node: BenchPlace,
  volumeId: string,
  image: { format: "qcow2" | "raw"; sizeBytes: number },
): Promise<{ path: string; connectionInfo: unknown }> {
  const base = join(node.sandboxFolder, "cinder");
  const name = `volume-${volumeId}`;
  const folder = join(base, createHash("md5").update("127.0.0.1:/cinder").digest("hex"));
  await mkdir(folder, { recursive: true });
  await createImage(join(folder, name), image);
  const data = { export: "127.0.0.1:/cinder", name, format: image.format, options: null };
  return {
    path: join(folder, name),
    connectionInfo: { driver_volume_type: "nfs", ...data, mount_point_base: base },
  };
}

/** What a disk should hold, kept beside it: each write goes to both. */
export class ModelDisk {
  readonly bytes: Buffer;
  readonly #instance: TestGuest;
  readonly #device: string;

  constructor(instance: TestGuest, device: string) {
    const disk = instance.disks.find((each) => each.device === device);
    this.#instance = instance;
    this.#device = device;
    // QEMU counts disks in sectors: the last one is filled with zeroes.
    this.bytes = Buffer.alloc(Math.ceil((disk?.sizeBytes ?? 0) / 512) * 512);
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    bytes.copy(this.bytes, offset);
    await this.#instance.write(this.#device, offset, bytes);
  }

  async zero(offset: number, length: number): Promise<void> {
    this.bytes.fill(0, offset, offset + length);
    await this.#instance.io(this.#device, `write -z -u ${offset} ${length}`);
  }

  /** Random bytes at random places. */
  async scribble(times: number): Promise<void> {
    for (let count = 0; count < times; count += 1) {
      const sectors = this.bytes.length / 512;
      const length = 512 * (1 + (randomBytes(1)[0] ?? 0));
      const offset = 512 * (randomBytes(4).readUInt32BE() % sectors);
      await this.write(offset, randomBytes(Math.min(length, this.bytes.length - offset)));
    }
  }
}
