import { chown } from "node:fs/promises";
import { join } from "node:path";
import type { ProtectInstance } from "@cairn/contract";
import { Fault, mapLimited } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "@cairn/qmp";
import type { PointGuard } from "../../guard/port.ts";
import { qemuImg } from "../../host/commands.ts";
import { listOf, optionalText } from "../../host/json.ts";
import { isRunning, ownerOf, type ProcessIdentity } from "../../host/process-identity.ts";
import { socketPath } from "../../host/scratch.ts";
import { removeBitmaps } from "../bitmaps.ts";
import { PREFIX, pointFolder, pointFoldersOf, pointName, pointPrefix } from "../names.ts";
import { listDeviceNodes, listNodes, type QemuNode } from "../nodes.ts";
import type { Barrier, Point, PointDisk } from "../port.ts";
import { planRead } from "../read-plan.ts";
import { holdUnfrozen } from "../stopped-point.ts";
import type { DriverContext } from "./context.ts";
import { type Domain, type DomainDisk, getDisk } from "./domain.ts";
import { CHANGES_BITMAP, type PlannedDisk, pointActions } from "./point-actions.ts";
import { assertNoForeignJobs, type Remains, tearDown } from "./teardown.ts";

type RunningState = Extract<Domain["state"], { kind: "running" }>;

/** A monitor answers within milliseconds; draining a busy disk before a transaction may take seconds. */
export const QMP_TIMEOUT_MS = 30_000;
/** Taking down happens whatever became of the order, so it has a limit of its own. */
const END_TIMEOUT_MS = 30_000;
/** A guard answers within milliseconds. */
const REASON_TIMEOUT_MS = 2_000;
/** Freeing the memory of a large guest takes a while. */
const QEMU_GONE_MS = 5_000;
const POLL_MS = 20;
/** Device names become part of node names, which have at most 31 letters. */
const DEVICE_NAME = /^[a-z0-9]{1,16}$/;

/** A point that is asked for. */
interface Wanted {
  readonly domain: Domain & { readonly state: RunningState };
  readonly request: ProtectInstance;
  readonly barrier: Barrier;
}

/** Takes the point in time of a running instance; see `Hypervisor.takePoint`. */
export async function takeRunningPoint(
  context: DriverContext,
  { domain, request, barrier }: Wanted,
  signal: AbortSignal,
): Promise<Point> {
  const { guardSocket, process, qmpSocket } = domain.state;
  const { instanceId, snapshotId } = request;
  const reach = { kind: "qemu-folder", monitor: guardSocket, qemu: process } as const;
  const qmp = await connectQmp({ path: qmpSocket, timeoutMs: QMP_TIMEOUT_MS, signal });
  const guard = await watchOrClose(qmp, async () =>
    context.guard.watch({ instanceId, snapshotId, reach }, signal),
  );
  const point = new RunningPoint({ context, guard, process, qmp, qmpSocket, request });
  try {
    const planned = await point.prepare(domain, signal);
    await point.take(planned, barrier, signal);
    return point;
  } catch (cause) {
    await point.end("discard");
    signal.throwIfAborted();
    point.broken.throwIfAborted();
    throw cause;
  }
}

async function watchOrClose(qmp: QmpClient, watch: () => Promise<PointGuard>): Promise<PointGuard> {
  try {
    return await watch();
  } catch (cause) {
    qmp.close();
    throw cause;
  }
}

interface PointParts {
  readonly context: DriverContext;
  readonly guard: PointGuard;
  readonly process: ProcessIdentity;
  readonly qmp: QmpClient;
  readonly qmpSocket: string;
  readonly request: ProtectInstance;
}

class RunningPoint implements Point {
  readonly consistency = { quality: "crash", reason: "the hypervisor driver has no guest agent" } as const;
  #takenAtMs = 0;
  #disks: readonly PointDisk[] = [];
  readonly #parts: PointParts;
  readonly #folderName: string;
  readonly #broken = new AbortController();
  readonly #watching = new AbortController();
  #jobs: readonly string[] = [];
  #ended: Promise<void> | undefined;
  #nbdServer: Remains["nbdServer"] = { kind: "not-ours" };
  #takesBitmapsAway = false;

  constructor(parts: PointParts) {
    this.#parts = parts;
    this.#folderName = pointFolder(parts.request.snapshotId, parts.request.instanceId);
    void this.#watchMonitor();
    const { broken } = parts.guard;
    broken.addEventListener("abort", () => this.#broken.abort(broken.reason));
  }

  get takenAtMs(): number {
    return this.#takenAtMs;
  }

  get disks(): readonly PointDisk[] {
    return this.#disks;
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /**
   * Clears what an earlier attempt left, judges each disk's base, makes the scratch files. The guest notices
   * nothing.
   */
  async prepare(domain: Domain, signal: AbortSignal): Promise<readonly PlannedDisk[]> {
    const { context, qmp, request } = this.#parts;
    await clearLeftovers(context, qmp, request.instanceId, signal);
    await assertNoForeignJobs(qmp, signal);
    const planned = await this.#observe(domain, signal);
    const inconsistent = new Set(
      planned.flatMap(({ top }) =>
        top.bitmaps.filter((bitmap) => bitmap.inconsistent).map(({ name }) => name),
      ),
    );
    await removeBitmaps(qmp, (name) => name === request.bitmap || inconsistent.has(name), signal);
    const folder = await context.scratch.open(this.#folderName);
    await context.scratch.admit(planned.reduce((sum, { top }) => sum + top.allocatedBytes, 0));
    await mapLimited(planned, 4, async (disk, stop) => this.#makeScratch(disk, folder, stop), signal);
    return planned;
  }

  /** The point itself: one transaction over all disks. */
  async take(planned: readonly PlannedDisk[], barrier: Barrier, signal: AbortSignal): Promise<void> {
    const { context, guard, qmp, request } = this.#parts;
    await barrier.gather(AbortSignal.any([signal, this.broken]));
    const nbdSocket = this.#nbdSocket();
    // If we stop waiting for the answer, QEMU may still start it: then the socket tells whose it is.
    this.#nbdServer = { kind: "unknown", socket: nbdSocket };
    await startServer(qmp, nbdSocket, signal);
    this.#nbdServer = { kind: "ours" };
    // From here on bitmaps may exist that have to go when we fail.
    this.#takesBitmapsAway = true;
    this.#jobs = planned.map(({ name }) => name);
    this.#watchJobs();
    // The nodes are there: should the guard give up after this, it removes them, and the transaction is
    // refused.
    await guard.confirm(signal);
    await holdUnfrozen(barrier, AbortSignal.any([signal, this.broken]));
    await qmp.execute("transaction", { actions: pointActions(planned, request.bitmap) }, { signal });
    this.#takenAtMs = context.clock.now();
    barrier.taken();
    await barrier.thawed();
    for (const disk of planned) {
      const bitmaps = disk.plan.mode === "incremental" ? [CHANGES_BITMAP] : [];
      await qmp.execute(
        "block-export-add",
        {
          type: "nbd",
          id: disk.name,
          "node-name": disk.name,
          name: disk.disk.device,
          writable: false,
          bitmaps,
        },
        { signal },
      );
    }
    this.#disks = planned.map((disk) => this.#pointDisk(disk, nbdSocket));
  }

  async prove(signal: AbortSignal): Promise<void> {
    const { process, qmp, request } = this.#parts;
    this.broken.throwIfAborted();
    if (!(await isRunning(process)))
      throw new Fault("qemu-died", `QEMU of ${request.instanceId} ended`, "later");
    const jobs = listOf(await qmp.execute("query-jobs", {}, { signal }));
    for (const name of this.#jobs) {
      const job = jobs.find((each) => optionalText(each, "id") === name);
      if (job?.["status"] !== "running") throw new Fault("point-lost", `job ${name} has ended`, "later");
    }
  }

  async end(bitmaps: "keep" | "discard"): Promise<void> {
    this.#ended ??= this.#takeDown(bitmaps);
    await this.#ended;
  }

  async #takeDown(bitmaps: "keep" | "discard"): Promise<void> {
    const { context, guard, request } = this.#parts;
    this.#watching.abort(new Fault("point-ended", "the point has ended", "never"));
    await guard.settled();
    const signal = AbortSignal.timeout(END_TIMEOUT_MS);
    try {
      using qmp = await this.#monitor(signal);
      const remains = { prefix: pointPrefix(request.snapshotId), nbdServer: this.#nbdServer };
      await tearDown(qmp, remains, signal);
      if (bitmaps === "discard" && this.#takesBitmapsAway) {
        await removeBitmaps(qmp, (name) => name === request.bitmap, signal);
      }
    } catch (cause) {
      // With the process all of it has gone; a persistent bitmap is then inconsistent and removed when it is
      // next met. The scratch folder of a living one stays: by it the next attempt finds what is left.
      if (!(await this.#endsSoon()))
        throw new Fault("teardown-failed", "taking the point down", "later", cause);
    } finally {
      this.#parts.qmp.close();
      await guard.release();
    }
    await context.scratch.remove(this.#folderName);
  }

  /** Whether QEMU has ended. One that was killed closes its monitor a little before it is gone. */
  async #endsSoon(): Promise<boolean> {
    const { context, process } = this.#parts;
    const untilMs = context.clock.now() + (this.#isMonitorLost ? QEMU_GONE_MS : 0);
    while (await isRunning(process)) {
      if (context.clock.now() >= untilMs) return false;
      await context.clock.sleep(POLL_MS);
    }
    return true;
  }

  /** The connection, or a new one when it broke while QEMU lives. */
  async #monitor(signal: AbortSignal): Promise<QmpClient> {
    const { qmp, qmpSocket } = this.#parts;
    if (!this.#isMonitorLost) return qmp;
    return connectQmp({ path: qmpSocket, timeoutMs: QMP_TIMEOUT_MS, signal });
  }

  #isMonitorLost = false;

  async #watchMonitor(): Promise<void> {
    const cause = await this.#parts.qmp.closed;
    this.#isMonitorLost = true;
    if (this.#watching.signal.aborted) return;
    const what = `QEMU of instance ${this.#parts.request.instanceId} closed its monitor`;
    this.#broken.abort(new Fault("qemu-died", what, "later", cause));
  }

  #watchJobs(): void {
    const isEnding = (event: { data: Readonly<Record<string, unknown>> }): boolean =>
      this.#jobs.some((name) => name === event.data["id"]) &&
      ["aborting", "concluded", "null"].some((status) => status === event.data["status"]);
    const ending = this.#parts.qmp.waitFor("JOB_STATUS_CHANGE", isEnding, this.#watching.signal);
    ending.then(
      async (event) => {
        await this.#reasonKnown();
        const what = `job ${String(event.data["id"])} was ended by somebody else`;
        this.#broken.abort(new Fault("point-lost", what, "later"));
      },
      // Our own end, or the monitor's, which has a watch of its own.
      () => undefined,
    );
  }

  /** If it was the guard who ended the job, it has told us why before it answers this. */
  async #reasonKnown(): Promise<void> {
    try {
      await this.#parts.guard.confirm(AbortSignal.timeout(REASON_TIMEOUT_MS));
    } catch (cause) {
      this.#parts.context.log.debug("point.job-ended", { fault: cause });
    }
  }

  #nbdSocket(): string {
    return socketPath(this.#parts.context.scratch.folderOf(this.#folderName), "nbd.sock");
  }

  async #observe(domain: Domain, signal: AbortSignal): Promise<readonly PlannedDisk[]> {
    const { process, qmp, request } = this.#parts;
    const nodes = await listNodes(qmp, signal);
    const tops = await listDeviceNodes(qmp, signal);
    return request.disks.map((order) => {
      const disk = getDisk(domain, order.source);
      const top = topNode(disk, nodes, tops);
      const bitmapsElsewhere = nodes.filter((node) => node !== top).flatMap((node) => node.bitmaps);
      const plan = planRead(order, {
        sizeBytes: top.sizeBytes,
        path: disk.path,
        bitmaps: top.bitmaps,
        bitmapsElsewhere: bitmapsElsewhere.map(({ name }) => name),
        bitmapsBelow: [],
        qemu: process,
      });
      return { order, disk, top, plan, name: pointName(request.snapshotId, disk.device) };
    });
  }

  async #makeScratch({ name, top }: PlannedDisk, folder: string, signal: AbortSignal): Promise<void> {
    const { process, qmp } = this.#parts;
    const filename = join(folder, `${name}.qcow2`);
    await qemuImg(["create", "-q", "-f", "qcow2", filename, String(top.sizeBytes)], signal);
    try {
      const owner = await ownerOf(process.pid);
      await chown(filename, owner.uid, owner.gid);
    } catch (cause) {
      throw new Fault("scratch-unusable", `giving ${filename} to QEMU ${process.pid}`, "later", cause);
    }
    await qmp.execute(
      "blockdev-add",
      {
        driver: "qcow2",
        "node-name": name,
        // Nothing of a scratch file has to survive anything: it never waits for its storage.
        file: { driver: "file", filename, cache: { direct: false, "no-flush": true } },
        cache: { direct: false, "no-flush": true },
        backing: top.name,
      },
      { signal },
    );
  }

  #pointDisk({ order, disk, top, plan }: PlannedDisk, path: string): PointDisk {
    return {
      order,
      sizeBytes: top.sizeBytes,
      format: disk.format,
      address: { kind: "unix", path },
      exportName: disk.device,
      reader: async (connect) => this.#parts.guard.reader(connect),
      plan,
      changesContext: plan.mode === "incremental" ? `qemu:dirty-bitmap:${CHANGES_BITMAP}` : undefined,
      next: {
        sizeBytes: top.sizeBytes,
        bitmap: this.#parts.request.bitmap,
        qemu: this.#parts.process,
        persistent: top.canKeepBitmaps,
        path: disk.path,
      },
    };
  }
}

/** Removes what any earlier attempt on this instance left: nobody else of this host works on it now. */
export async function clearLeftovers(
  context: DriverContext,
  qmp: QmpClient,
  instanceId: string,
  signal: AbortSignal,
): Promise<void> {
  const folders = await context.scratch.list(pointFoldersOf(instanceId));
  for (const folder of folders.length === 0 ? [pointFolder("none", instanceId)] : folders) {
    const socket = socketPath(context.scratch.folderOf(folder), "nbd.sock");
    await tearDown(qmp, { prefix: PREFIX, nbdServer: { kind: "unknown", socket } }, signal);
    await context.scratch.remove(folder);
  }
}

function topNode(disk: DomainDisk, nodes: readonly QemuNode[], tops: ReadonlyMap<string, string>): QemuNode {
  const topName = tops.get(disk.qdevId);
  // A bitmap below the top node misses writes without a sign of it, so the described node must be the real
  // top.
  if (topName !== disk.nodeName) {
    const what = `the top node of ${disk.qdevId} is ${topName ?? "absent"}, described as ${disk.nodeName}`;
    throw new Fault("disk-moved", what, "later");
  }
  const node = nodes.find((each) => each.name === topName);
  if (node === undefined) throw new Fault("disk-moved", `node ${topName} has gone`, "later");
  if (DEVICE_NAME.test(disk.device)) return node;
  throw new Fault(
    "bad-answer",
    `device name ${disk.device} has letters or a length not expected`,
    "after-operator",
  );
}

async function startServer(qmp: QmpClient, path: string, signal: AbortSignal): Promise<void> {
  try {
    await qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path } } }, { signal });
  } catch (cause) {
    throw new Fault("nbd-server-taken", "starting the block server of the instance's QEMU", "later", cause);
  }
}
