import type { ProtectedDisk, ProtectInstance } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import { type StorageDaemon, startStorageDaemon } from "../../storage-daemon/daemon.ts";
import { rbdNode } from "../image-node.ts";
import type { DriverContext } from "../libvirt/context.ts";
import { describedDisk, storagePath } from "../libvirt/domain-xml.ts";
import { activityOf } from "../libvirt/link.ts";
import { pointFolder, pointName } from "../names.ts";
import { listNodes } from "../nodes.ts";
import type { NextBase, Point, PointDisk, ReadPlan } from "../port.ts";
import { type Cut, type CutInstance, cutAll } from "./cut.ts";
import {
  type ImageFacts,
  imageFacts,
  listChanges,
  listSnapshots,
  makeSnapshot,
  removeSnapshot,
  snapshotFlags,
} from "./image.ts";
import { noteSnapshot, removeNote } from "./notes.ts";
import { planRbdRead, type RbdDisk, rbdDisks } from "./plan.ts";
import { openRbdTool, type RbdTool } from "./tool.ts";

const TAKE_DOWN_TIMEOUT_MS = 60_000;

/** An instance whose point is to be RBD snapshots. */
export interface SnapshotWanted extends CutInstance {
  readonly request: ProtectInstance;
}

/** A disk with what reaches its image. */
interface OpenDisk {
  readonly order: ProtectedDisk;
  readonly disk: RbdDisk;
  readonly path: string;
  readonly tool: RbdTool;
  readonly facts: ImageFacts;
}

/**
 * Makes a snapshot of each image, and reads from the snapshots: no job runs in QEMU, nothing of the guest's
 * is copied, and neither Nova nor the end of QEMU disturbs the reading. Call `open`, then `take`; whatever
 * fails, `end`.
 */
export class SnapshotPoint implements Point {
  readonly #context: DriverContext;
  readonly #wanted: SnapshotWanted;
  readonly #folderName: string;
  readonly #broken = new AbortController();
  #open: readonly OpenDisk[] = [];
  #daemon: StorageDaemon | undefined;
  #cut: Cut = { takenAtMs: 0, consistency: { quality: "crash", reason: "the point was not taken" } };
  #disks: readonly PointDisk[] = [];
  #isNoted = false;
  #ended: Promise<void> | undefined;

  constructor(context: DriverContext, wanted: SnapshotWanted) {
    this.#context = context;
    this.#wanted = wanted;
    this.#folderName = pointFolder(wanted.request.snapshotId, wanted.request.instanceId);
  }

  get takenAtMs(): number {
    return this.#cut.takenAtMs;
  }

  get consistency(): Point["consistency"] {
    return this.#cut.consistency;
  }

  get disks(): readonly PointDisk[] {
    return this.#disks;
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  async take(signal: AbortSignal): Promise<void> {
    await this.#cutDisks(signal);
    const { clock, scratch } = this.#context;
    const daemon = await startStorageDaemon(await scratch.open(this.#folderName), clock, signal);
    this.#daemon = daemon;
    void this.#watch(daemon);
    await daemon.startServer(signal);
    const disks: PointDisk[] = [];
    for (const open of this.#open) disks.push(await this.#serve(daemon, open, signal));
    this.#disks = disks;
  }

  async prove(signal: AbortSignal): Promise<void> {
    this.broken.throwIfAborted();
    for (const { disk, tool } of this.#open) {
      const there = await listSnapshots(tool, disk.storage, signal);
      if (there?.some(({ name }) => name === this.#name) !== true)
        throw new Fault("point-lost", `somebody removed our snapshot of ${disk.device}`, "later");
    }
  }

  async end(snapshots: "keep" | "discard"): Promise<void> {
    this.#ended ??= this.#takeDown(snapshots);
    await this.#ended;
  }

  get #name(): string {
    return this.#wanted.request.bitmap;
  }

  /** Finds the images, and whether Ceph can be asked at all; nothing is made. */
  async open(signal: AbortSignal): Promise<void> {
    const { described, handle, request } = this.#wanted;
    const keyOf = async (uuid: string): Promise<Buffer> => handle.client.secretValue(uuid, { signal });
    for (const order of request.disks) {
      const [disk] = rbdDisks([describedDisk(described, order.source, request.instanceId)]);
      if (disk === undefined) throw new Fault("disk-moved", `${order.device} is no RBD image now`, "later");
      const tool = await openRbdTool(disk.storage, { scratch: this.#context.scratch, keyOf });
      const opened = { order, disk, path: storagePath(disk.storage), tool };
      this.#open = [...this.#open, { ...opened, facts: { id: "", features: [] } }];
      const facts = await imageFacts(tool, disk.storage, signal);
      this.#open = [...this.#open.slice(0, -1), { ...opened, facts }];
    }
  }

  /** Without the guest frozen there is nothing but the snapshots to make. */
  async #cutDisks(signal: AbortSignal): Promise<void> {
    const { request } = this.#wanted;
    // What an earlier attempt at this very snapshot left.
    for (const { disk, tool } of this.#open) await removeSnapshot(tool, disk.storage, this.#name, signal);
    const images = this.#open.map(({ disk, facts }) => ({ ...disk.storage, id: facts.id }));
    this.#isNoted = true;
    await noteSnapshot(this.#context.scratch.path, {
      instanceId: request.instanceId,
      snapshot: this.#name,
      images,
    });
    const makers = this.#open.map(
      ({ disk, tool }) =>
        async (limit: AbortSignal) =>
          makeSnapshot(tool, disk.storage, this.#name, limit),
    );
    using standing = await this.#standing(signal);
    this.#cut = await cutAll(this.#context, this.#wanted, makers, signal);
    await standing.prove(signal);
  }

  /** Notices whether a stopped instance starts: its images are snapshot one after the other. */
  async #standing(signal: AbortSignal): Promise<Disposable & { prove(stop: AbortSignal): Promise<void> }> {
    const { activity, handle } = this.#wanted;
    const { client, domain } = handle;
    if (activity !== "stopped")
      return { prove: async () => Promise.resolve(), [Symbol.dispose]: () => undefined };
    let hasStarted = false;
    await client.register("lifecycle", domain, { signal });
    const listening = client.listen((event) => {
      hasStarted ||=
        event.kind === "lifecycle" && event.domain.uuid === domain.uuid && event.event === "started";
    });
    return {
      prove: async (stop) => {
        const now = await client.findDomain(domain.uuid, { signal: stop });
        const isStopped = now?.id === -1 && (await activityOf(client, now, stop)) === "stopped";
        if (isStopped && !hasStarted) return;
        throw new Fault("point-lost", `instance ${domain.uuid} started while its point was taken`, "later");
      },
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
      },
    };
  }

  async #serve(daemon: StorageDaemon, open: OpenDisk, signal: AbortSignal): Promise<PointDisk> {
    const { disk, order, path } = open;
    const { client } = this.#wanted.handle;
    const name = pointName(this.#wanted.request.snapshotId, disk.device);
    const { storage, objects } = await rbdNode(disk.storage, async (uuid) =>
      client.secretValue(uuid, { signal }),
    );
    try {
      for (const object of objects ?? []) await daemon.addObject(object, signal);
      const file = { ...storage, snapshot: this.#name };
      await daemon.addNode({ driver: "raw", "node-name": name, "read-only": true, file }, signal);
    } catch (cause) {
      throw new Fault("disk-unreadable", `opening the snapshot of ${path}`, "later", cause);
    }
    const node = (await listNodes(daemon.qmp, signal)).find((each) => each.name === name);
    if (node === undefined) throw new Fault("disk-unreadable", `opening the snapshot of ${path}`, "later");
    const names = { id: name, "node-name": name, name: disk.device };
    await daemon.qmp.execute("block-export-add", { type: "nbd", ...names, writable: false }, { signal });
    const plan = await this.#plan(open, node.sizeBytes, signal);
    const changes = plan.mode === "full" ? {} : { changes: await this.#changes(open, plan, signal) };
    return {
      order,
      sizeBytes: node.sizeBytes,
      format: disk.format,
      address: { kind: "unix", path: daemon.nbdSocket },
      exportName: disk.device,
      plan,
      changesContext: undefined,
      ...changes,
      next: this.#next(node.sizeBytes, path),
    };
  }

  async #plan(open: OpenDisk, sizeBytes: number, signal: AbortSignal): Promise<ReadPlan> {
    const { disk, facts, order, path, tool } = open;
    const flagsOf = async (name: string): Promise<readonly string[] | undefined> =>
      snapshotFlags(tool, disk.storage, name, signal);
    const flags = await flagsOf(this.#name);
    if (flags === undefined) throw new Fault("point-lost", `our snapshot of ${path} has gone`, "later");
    const baseFlags = order.base === undefined ? undefined : await flagsOf(order.base.bitmap);
    return planRbdRead(order, { sizeBytes, path, features: facts.features, flags, baseFlags });
  }

  async #changes(
    { disk, tool }: OpenDisk,
    plan: Extract<ReadPlan, { mode: "incremental" }>,
    signal: AbortSignal,
  ): Promise<NonNullable<PointDisk["changes"]>> {
    return listChanges(tool, disk.storage, { from: plan.since.bitmap, to: this.#name }, signal);
  }

  /** No process holds it: `qemu` has nobody in it. */
  #next(sizeBytes: number, path: string): NextBase {
    const nobody = { pid: 0, startTicks: "" };
    return {
      sizeBytes,
      bitmap: this.#name,
      qemu: nobody,
      persistent: true,
      path,
      tracker: "rbd-snapshot",
    };
  }

  async #watch(daemon: StorageDaemon): Promise<void> {
    const cause = await daemon.qmp.closed;
    if (this.#ended !== undefined) return;
    this.#broken.abort(new Fault("storage-daemon-died", "reading RBD snapshots", "later", cause));
  }

  async #takeDown(snapshots: "keep" | "discard"): Promise<void> {
    const { scratch } = this.#context;
    const { request } = this.#wanted;
    try {
      await this.#daemon?.stop();
      if (snapshots === "discard" && this.#isNoted) {
        const signal = AbortSignal.timeout(TAKE_DOWN_TIMEOUT_MS);
        for (const { disk, tool } of this.#open) await removeSnapshot(tool, disk.storage, this.#name, signal);
        await removeNote(scratch.path, { instanceId: request.instanceId, snapshot: this.#name });
      }
    } finally {
      await scratch.remove(this.#folderName);
      for (const { tool } of this.#open) await tool[Symbol.asyncDispose]();
    }
  }
}
