import type { ProtectInstance } from "@cairn/contract";
import { Fault, hasCode } from "@cairn/kernel";
import type { DomainEvent } from "@cairn/libvirt";
import type { FreezeGuard, PointGuard } from "../../guard/port.ts";
import { listOf, optionalText } from "../../host/json.ts";
import { isRunning } from "../../host/process-identity.ts";
import { socketPath } from "../../host/scratch.ts";
import { removeBitmaps } from "../bitmaps.ts";
import { pointFolder, pointPrefix } from "../names.ts";
import type { Barrier, Point, PointDisk } from "../port.ts";
import { type Consistency, cutConsistently, type GuestAgent, wakeAgent } from "./agent.ts";
import { breaks } from "./breaks.ts";
import type { DriverContext } from "./context.ts";
import {
  CHANGES_BITMAP,
  exportChanges,
  makeScratch,
  pullJobOf,
  scratchIndexes,
  startBitmapActions,
} from "./cut.ts";
import type { DescribedDomain } from "./domain-xml.ts";
import { flushGuest } from "./flush.ts";
import { GUARD_THAWS_MS, noteFreeze, removeFreezeNote } from "./freeze-note.ts";
import {
  abortJob,
  type DomainHandle,
  findJob,
  JOB_END_MS,
  jobGone,
  removeExports,
  resumeAfterIoError,
} from "./job.ts";
import { domainMonitor, openLibvirt, type QemuProcess } from "./link.ts";
import { assertUnmoved, type PlannedDisk } from "./observe.ts";

/** Each disk may use so much of its share of scratch before the job is given up. */
const THRESHOLD_PERCENT = 70;
/** A guard answers within milliseconds. */
const CONFIRM_TIMEOUT_MS = 2_000;
/** A libvirt that is being restarted comes back within seconds. */
const RECONNECT_PAUSE_MS = 250;

/** A running instance whose point is to be taken. */
export interface PointParts {
  readonly context: DriverContext;
  readonly guard: PointGuard;
  readonly handle: DomainHandle;
  readonly described: DescribedDomain;
  readonly qemu: QemuProcess;
  readonly request: ProtectInstance;
  /** A guest that was paused before is nobody's to resume. */
  readonly wasPaused: boolean;
}

/** The point in time of a running instance: libvirt's pull job, and our exports on its scratch nodes. */
export class RunningPoint implements Point {
  #consistency: Point["consistency"] = { quality: "crash", reason: "the point was not taken" };
  #takenAtMs = 0;
  #disks: readonly PointDisk[] = [];
  #planned: readonly PlannedDisk[] = [];
  #takesBitmapsAway = false;
  /** Why the agent is not asked to freeze. */
  #refusal: string | undefined;
  /** How long it took to freeze and to thaw. */
  #agentMs: readonly [number, number] = [0, 0];
  #abandoning: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  #isLibvirtLost = false;
  readonly #parts: PointParts;
  readonly #folderName: string;
  readonly #broken = new AbortController();
  readonly #watching = new AbortController();
  readonly #listening: Disposable;

  constructor(parts: PointParts) {
    this.#parts = parts;
    this.#folderName = pointFolder(parts.request.snapshotId, parts.request.instanceId);
    this.#listening = parts.handle.client.listen((event) => {
      this.#notice(event);
    });
    void this.#watchLibvirt();
    const { broken } = parts.guard;
    broken.addEventListener("abort", () => {
      this.#broken.abort(broken.reason);
    });
  }

  get consistency(): Point["consistency"] {
    return this.#consistency;
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
   * Takes the point; the caller has cleared leftovers away and ends the point if this throws. While the guest
   * is frozen libvirt is asked for one thing, the job's start.
   */
  async take(planned: readonly PlannedDisk[], barrier: Barrier, signal: AbortSignal): Promise<void> {
    const { handle } = this.#parts;
    const monitor = domainMonitor(handle.client, handle.domain);
    this.#planned = planned;
    const backup = await this.#prepare(planned, signal);
    this.#refusal = await this.#readyToFreeze(signal);
    await barrier.gather(AbortSignal.any([signal, this.broken]));
    await assertUnmoved(monitor, planned, signal);
    // Nobody reads yet, so that the job may end while the guest thaws, which it goes on to do.
    const makeWay = (): void => {
      if (this.#takenAtMs > 0) void this.#giveUp();
    };
    signal.addEventListener("abort", makeWay);
    try {
      await this.#freezeAndCut(backup, barrier, signal);
      await barrier.thawed();
    } catch (cause) {
      // A job that makes way looks like one that somebody else has ended.
      signal.throwIfAborted();
      throw cause;
    } finally {
      signal.removeEventListener("abort", makeWay);
    }
    signal.throwIfAborted();
    const indexes = await scratchIndexes(handle, planned, signal);
    await this.#setThresholds(indexes, signal);
    await exportChanges(monitor, planned, indexes, signal);
    this.broken.throwIfAborted();
    this.#disks = planned.map((disk) => this.#pointDisk(disk));
  }

  async prove(signal: AbortSignal): Promise<void> {
    const { handle, qemu, request } = this.#parts;
    this.broken.throwIfAborted();
    if (!(await isRunning(qemu.identity)))
      throw new Fault("qemu-died", `QEMU of ${request.instanceId} ended`, "later");
    const job = await findJob(handle, signal);
    const jobs = listOf(
      await domainMonitor(handle.client, handle.domain).execute("query-jobs", {}, { signal }),
    );
    const runs = (device: string): boolean =>
      jobs.some(
        (each) =>
          optionalText(each, "id")?.startsWith(`backup-${device}-`) === true && each["status"] === "running",
      );
    const isWhole = job?.socket === this.#nbdSocket() && this.#planned.every(({ disk }) => runs(disk.device));
    if (!isWhole) throw new Fault("point-lost", "the job was ended by somebody else", "later");
  }

  async end(bitmaps: "keep" | "discard"): Promise<void> {
    this.#ended ??= this.#takeDown(bitmaps);
    await this.#ended;
  }

  /** All that needs no frozen guest; gives the job's description. */
  async #prepare(planned: readonly PlannedDisk[], signal: AbortSignal): Promise<string> {
    const { context, described, handle, qemu, request } = this.#parts;
    const { scratch } = context;
    await scratch.open(this.#folderName);
    await scratch.share(this.#folderName, qemu.groupId);
    await scratch.admit(planned.reduce((sum, { top }) => sum + top.allocatedBytes, 0));
    for (const kind of ["lifecycle", "blockThreshold", "jobCompleted", "ioErrorReason"] as const)
      await handle.client.register(kind, handle.domain, { signal });
    this.#takesBitmapsAway = true;
    const actions = startBitmapActions(planned, request.bitmap);
    await domainMonitor(handle.client, handle.domain).execute("transaction", { actions }, { signal });
    const fileOf = (device: string): string => `${scratch.folderOf(this.#folderName)}/${device}.qcow2`;
    await makeScratch(planned, { scratch, groupId: qemu.groupId, fileOf }, signal);
    return pullJobOf(described, planned, { socket: this.#nbdSocket(), scratchOf: fileOf });
  }

  /** What speaks against freezing the guest; it has nothing left to write back when nothing does. */
  async #readyToFreeze(signal: AbortSignal): Promise<string | undefined> {
    const agent = this.#agent(signal);
    return (await wakeAgent(agent)) ?? flushGuest(agent, signal);
  }

  async #freezeAndCut(backup: string, barrier: Barrier, signal: AbortSignal): Promise<void> {
    const { context, guard, request } = this.#parts;
    // Should the guard give up after this, it removes the folder, and a job that comes late has no scratch.
    await guard.confirm(AbortSignal.timeout(CONFIRM_TIMEOUT_MS));
    const stop = AbortSignal.any([signal, this.broken]);
    let cutMs = 0;
    const cut = async (): Promise<void> => {
      await barrier.hold(stop);
      // Freezing takes seconds at times: Nova fails at once on a job that begins after the word to make way.
      stop.throwIfAborted();
      const startedAtMs = context.clock.now();
      await this.#begin(backup, signal);
      barrier.taken();
      cutMs = this.#takenAtMs - startedAtMs;
    };
    this.#consistency = await this.#cutTogetherOrAlone(cut, signal);
    const { quality, freezeMs } = this.#consistency;
    const [askMs, thawMs] = this.#agentMs;
    context.log.info("point.taken", {
      instance: request.instanceId,
      disks: this.#planned.length,
      quality,
      cut_ms: cutMs,
      ...(freezeMs === undefined ? {} : { freeze_ms: freezeMs, asked_ms: askMs, thaw_ms: thawMs }),
    });
  }

  async #cutTogetherOrAlone(cut: () => Promise<void>, signal: AbortSignal): Promise<Consistency> {
    try {
      return await cutConsistently(this.#agent(signal), cut);
    } catch (cause) {
      if (!hasCode(cause, "barrier-broken")) throw cause;
      // The guest has been thawed, and the barrier holds up nobody any more.
      return cutConsistently(this.#agent(signal), cut);
    }
  }

  #agent(signal: AbortSignal): GuestAgent {
    const { context, described, handle, request, wasPaused } = this.#parts;
    const { clock, guard, place, scratch } = context;
    const { instanceId } = request;
    let freeze: FreezeGuard | undefined;
    return {
      ...handle,
      clock,
      state: described.agent,
      isPaused: wasPaused,
      refusal: this.#refusal,
      took: (...times) => {
        this.#agentMs = times;
      },
      oweThaw: async () => {
        freeze = await guard.watchFreeze({ instanceId, place, withinMs: GUARD_THAWS_MS }, signal);
        await noteFreeze(scratch.path, instanceId);
      },
      thawed: async () => {
        await removeFreezeNote(scratch.path, instanceId);
        return (await freeze?.thawed()) ?? "datamover";
      },
    };
  }

  /** The beginning itself is not broken off: a job that begins after we stopped waiting would be nobody's. */
  async #begin(backup: string, signal: AbortSignal): Promise<void> {
    const { context, handle } = this.#parts;
    this.broken.throwIfAborted();
    await handle.client.backupBegin(handle.domain, { backup, files: "given" });
    this.#takenAtMs = context.clock.now();
    if (signal.aborted) void this.#giveUp();
  }

  /** One event a disk, well before the room is used up: then there is time to end the job. */
  async #setThresholds(indexes: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const { context, guard, handle } = this.#parts;
    const shareBytes = (await context.scratch.roomBytes()) / this.#planned.length;
    const bytes = Math.max(1, Math.floor((shareBytes * THRESHOLD_PERCENT) / 100));
    const devices = this.#planned.map(({ disk }) => `${disk.device}[${indexes.get(disk.device)}]`);
    guard.expectThresholds(devices);
    for (const device of devices) {
      await handle.client.setBlockThreshold(handle.domain, { device, bytes }, { signal });
    }
  }

  #notice(event: DomainEvent): void {
    if (event.domain.uuid !== this.#parts.handle.domain.uuid) return;
    const fault = breaks(event);
    if (fault === undefined || this.#watching.signal.aborted) return;
    this.#broken.abort(fault);
    // At once, and without waiting for readers: a guest's write, or libvirt's handler of events, waits for
    // it.
    void this.#giveUp();
  }

  /** Ends the job and lets a guest run on that it made pause. Failures come up again when the point ends. */
  async #giveUp(): Promise<void> {
    this.#abandoning ??= this.#endJob(this.#parts.handle, AbortSignal.timeout(JOB_END_MS));
    try {
      await this.#abandoning;
    } catch (cause) {
      this.#parts.context.log.warn("point.give-up-failed", {
        instance: this.#parts.request.instanceId,
        fault: cause,
      });
    }
  }

  async #endJob(handle: DomainHandle, signal: AbortSignal): Promise<void> {
    await abortJob(handle, signal);
    await jobGone(handle, this.#parts.context.clock, signal);
    // At once, because others may be short of the room; the folder tells nobody anything any more.
    await this.#parts.context.scratch.remove(this.#folderName);
    if (this.#parts.wasPaused || !(await resumeAfterIoError(handle, signal))) return;
    this.#parts.context.log.warn("guest.resumed", { instance: this.#parts.request.instanceId });
  }

  async #takeDown(bitmaps: "keep" | "discard"): Promise<void> {
    const { context, guard, request } = this.#parts;
    this.#watching.abort(new Fault("point-ended", "the point has ended", "never"));
    await guard.settled();
    const signal = AbortSignal.timeout(JOB_END_MS);
    try {
      const handle = await this.#reach(signal);
      if (handle !== undefined) await this.#clear(handle, bitmaps, signal);
    } catch (cause) {
      // With the process all of it has gone, but for a persistent bitmap: inconsistent when it was killed,
      // and removed when it is next met. The scratch folder of a living one stays, so that the next attempt
      // finds what is left.
      if (await isRunning(this.#parts.qemu.identity))
        throw new Fault("teardown-failed", "taking the point down", "later", cause);
    } finally {
      this.#listening[Symbol.dispose]();
      this.#parts.handle.client.close();
      await guard.release();
    }
    await context.scratch.remove(this.#folderName);
    context.log.debug("point.ended", { instance: request.instanceId, bitmaps });
  }

  async #clear(handle: DomainHandle, bitmaps: "keep" | "discard", signal: AbortSignal): Promise<void> {
    const { request } = this.#parts;
    const monitor = domainMonitor(handle.client, handle.domain);
    await this.#giveUpOver();
    if (await this.#isOurJob(handle, signal)) {
      await removeExports(monitor, pointPrefix(request.snapshotId), signal);
      await this.#endJob(handle, signal);
    }
    if (bitmaps === "discard" && this.#takesBitmapsAway)
      await removeBitmaps(monitor, (name) => name === request.bitmap, signal);
    if (handle !== this.#parts.handle) handle.client.close();
  }

  async #giveUpOver(): Promise<void> {
    if (this.#abandoning !== undefined) await this.#giveUp();
  }

  async #isOurJob(handle: DomainHandle, signal: AbortSignal): Promise<boolean> {
    return (await findJob(handle, signal))?.socket === this.#nbdSocket();
  }

  /** The domain while it runs, over a new connection where the old one broke. */
  async #reach(signal: AbortSignal): Promise<DomainHandle | undefined> {
    const { context, handle, qemu } = this.#parts;
    if (!(await isRunning(qemu.identity))) return undefined;
    if (!this.#isLibvirtLost) return handle;
    for (;;) {
      try {
        const client = await openLibvirt(context.place, signal);
        return { client, domain: handle.domain };
      } catch (cause) {
        if (signal.aborted) throw cause;
        await context.clock.sleep(RECONNECT_PAUSE_MS, signal);
      }
    }
  }

  async #watchLibvirt(): Promise<void> {
    const cause = await this.#parts.handle.client.closed;
    this.#isLibvirtLost = true;
    if (this.#watching.signal.aborted) return;
    this.#broken.abort(new Fault("point-lost", "losing libvirt while disks were read", "later", cause));
  }

  #nbdSocket(): string {
    return socketPath(this.#parts.context.scratch.folderOf(this.#folderName), "nbd.sock");
  }

  #pointDisk({ order, disk, name, path, top, plan }: PlannedDisk): PointDisk {
    const isIncremental = plan.mode === "incremental";
    return {
      order,
      sizeBytes: top.sizeBytes,
      format: disk.format,
      address: { kind: "unix", path: this.#nbdSocket() },
      // libvirt names its own exports after the devices.
      exportName: isIncremental ? name : disk.device,
      reader: async (connect) => this.#parts.guard.reader(connect),
      plan,
      changesContext: isIncremental ? `qemu:dirty-bitmap:${CHANGES_BITMAP}` : undefined,
      next: {
        sizeBytes: top.sizeBytes,
        bitmap: this.#parts.request.bitmap,
        qemu: this.#parts.qemu.identity,
        persistent: top.canKeepBitmaps,
        path,
      },
    };
  }
}
