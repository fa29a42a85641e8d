import { Fault, hasCode, mapLimited } from "@cairn/kernel";
import {
  beginSession,
  type CommitStructure,
  endSession,
  listCommits,
  mayCommit,
  type OpenSession,
  openRepository,
  type RecordKind,
  readCommitStructure,
  readState,
  repositoryNames,
  writeRelocations,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damageOf } from "./damage.ts";
import { meteredStore, newMeter } from "./meter.ts";
import {
  type CopyPorts,
  copyKeysAndMarker,
  copyObject,
  copyOwners,
  copyPack,
  copySegment,
  type Prove,
} from "./mirror-copy.ts";
import { type Need, planNeed, TargetContents } from "./mirror-need.ts";
import type { HeldBack, MirrorReport, MirrorRequest } from "./mirror-report.ts";
import { PageSet } from "./page-set.ts";
import { changeState } from "./record-damage.ts";
import { limiter } from "./token-bucket.ts";

const PARALLEL = 4;
/** How often a snapshot is planned anew because the source moved or lost something under it. */
const ATTEMPTS_MAX = 5;

/**
 * Copies the snapshots that the target lacks, encrypted as they are, oldest first. Structure keys are enough.
 * Of each snapshot: the packs that the target does not have, index segments, then (where the source has moved
 * records) new relocations and the target's next state, and last the commit: a snapshot that is visible at
 * the target is whole. Call again after a crash at any point: what was copied is not copied again.
 *
 * Writers and sweeps may go on at both sides. What cannot be copied whole is held back and named in the
 * report. Faults: those of either store, `wrong-key`, `session-expired` when it took longer than a session
 * may last.
 */
export async function mirror(request: MirrorRequest): Promise<MirrorReport> {
  const { handle, signal, clock } = request;
  const { repositoryId } = handle;
  const startedAt = clock.now();
  const ports = openPorts(request);
  await openRepository(ports.source, { repositoryId, signal });
  const session = await beginSession(ports.target, handle, {
    sessionId: request.sessionId,
    bases: [],
    signal,
  });
  const contents = await TargetContents.read(ports.target, handle, { state: session.state, signal });
  const run = new MirrorRun(request, ports, session, contents);
  const there = await snapshotsOf(ports.target, request);
  const all = await snapshotsOf(ports.source, request);
  const missing = all.filter(({ snapshotId }) => !there.some((each) => each.snapshotId === snapshotId));
  await run.mirrorAll(missing);
  const ownerBytes = await copyOwners(ports, request.workloads);
  await endSession(ports.target, handle, { sessionId: request.sessionId, signal });
  const done = run.report();
  const alreadyThere = all.length - missing.length;
  return { ...done, bytes: done.bytes + ownerBytes, alreadyThere, durationMs: clock.now() - startedAt };
}

function openPorts(request: MirrorRequest): CopyPorts {
  const { source, target, handle, clock, signal, bytesPerSecond } = request;
  const limit = bytesPerSecond === undefined ? undefined : limiter(clock, bytesPerSecond, signal);
  // What is written at the target is what was read at the source: one of them is limited.
  const limited = meteredStore(target, newMeter(), async (bytes) => limit?.(bytes));
  return { source, target: { ...limited, getRange: target.getRange.bind(target) }, handle, signal };
}

interface SnapshotIds {
  readonly workloadId: string;
  readonly snapshotId: string;
}

async function snapshotsOf(store: Store, request: MirrorRequest): Promise<SnapshotIds[]> {
  const { handle, workloads, signal } = request;
  const { repositoryId } = handle;
  if (workloads === undefined) return Array.fromAsync(listCommits(store, { repositoryId, signal }));
  const found: SnapshotIds[] = [];
  for (const workloadId of workloads) {
    found.push(...(await Array.fromAsync(listCommits(store, { repositoryId, workloadId, signal }))));
  }
  return found;
}

type Outcome =
  | { readonly kind: "mirrored" }
  | ({ readonly kind: "held-back" } & Pick<HeldBack, "because" | "what">);

class MirrorRun {
  readonly #request: MirrorRequest;
  readonly #ports: CopyPorts;
  readonly #session: OpenSession;
  readonly #contents: TargetContents;
  readonly #mirrored: SnapshotIds[] = [];
  readonly #heldBack: HeldBack[] = [];
  readonly #unusable = new Set<string>();
  #seen = new PageSet();
  #keysCopied = false;
  #known = 0;
  #packs = 0;
  #segments = 0;
  #relocated = 0;
  #bytes = 0;

  constructor(request: MirrorRequest, ports: CopyPorts, session: OpenSession, contents: TargetContents) {
    this.#request = request;
    this.#ports = ports;
    this.#session = session;
    this.#contents = contents;
  }

  report(): Omit<MirrorReport, "alreadyThere" | "durationMs"> {
    return {
      mirrored: this.#mirrored,
      heldBack: this.#heldBack,
      packs: this.#packs,
      segments: this.#segments,
      relocated: this.#relocated,
      bytes: this.#bytes,
    };
  }

  async mirrorAll(missing: readonly SnapshotIds[]): Promise<void> {
    this.#known = missing.length;
    const dated: { readonly ids: SnapshotIds; readonly createdAt: string }[] = [];
    for (const ids of missing) {
      const commit = await this.#readCommit(ids);
      if ("held" in commit) this.#heldBack.push({ ...ids, ...commit.held });
      else dated.push({ ids, createdAt: commit.createdAt });
    }
    // Oldest first: what a later one shares is there when it comes.
    dated.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    for (const { ids } of dated) {
      const { kind, ...why } = await this.#mirrorSnapshot(ids);
      if (kind === "mirrored") this.#mirrored.push(ids);
      else {
        this.#heldBack.push({ ...ids, because: "source-changing", what: "", ...why });
        // Of a snapshot that is held back, not all that was walked is at the target.
        this.#seen = new PageSet();
      }
      this.#progress();
    }
  }

  async #readCommit(
    ids: SnapshotIds,
  ): Promise<CommitStructure | { readonly held: Pick<HeldBack, "because" | "what"> }> {
    const { source, handle, signal } = this.#ports;
    const read = await damageOf(async () => readCommitStructure(source, { ...handle, ...ids, signal }));
    if ("result" in read) return read.result;
    const gone = hasCode(read.fault, "object-missing");
    return { held: { because: gone ? "gone" : "source-damaged", what: read.fault.message } };
  }

  async #mirrorSnapshot(ids: SnapshotIds): Promise<Outcome> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const commit = await this.#readCommit(ids);
      if ("held" in commit) return { kind: "held-back", ...commit.held };
      const { source, handle, signal } = this.#ports;
      const state = await readState(source, handle, { signal });
      const contents = this.#contents;
      const unusable = this.#unusable;
      const need = await planNeed(
        { source, handle, state, target: contents, unusable, seen: this.#seen, signal },
        commit,
      );
      if (need.blocked !== undefined)
        return { kind: "held-back", because: "target-sweeping", what: need.blocked };
      if (need.lost !== undefined) return this.#lost(ids, need.lost);
      if (this.#request.flaws?.commitsFirst === true) await this.#copyCommit(ids);
      const taken = await this.#copyPacks(need);
      if (taken !== undefined) return { kind: "held-back", because: "target-sweeping", what: taken };
      if (!this.#complete(need)) {
        this.#seen = new PageSet();
        continue;
      }
      await this.#copySegments(commit);
      await this.#tellMoved(need);
      return this.#copyCommit(ids);
    }
    return { kind: "held-back", because: "source-changing", what: "packs went away while they were copied" };
  }

  /** What is missing because the snapshot itself has been removed is no damage. */
  async #lost(ids: SnapshotIds, what: string): Promise<Outcome> {
    const again = await this.#readCommit(ids);
    if ("held" in again) return { kind: "held-back", ...again.held };
    return { kind: "held-back", because: "source-damaged", what };
  }

  /** Returns what is wrong when the target has other bytes under a pack's name. */
  async #copyPacks(need: Need): Promise<string | undefined> {
    // Chunks first: a page at the target never names a pack that is not there.
    for (const kind of ["chunk", "page"] as const) {
      let taken: string | undefined;
      const { parallel = PARALLEL } = this.#request;
      const copy = async (pack: string, signal: AbortSignal): Promise<void> => {
        const copied = await copyPack({ ...this.#ports, signal }, kind, pack);
        if (copied.kind === "unusable") this.#unusable.add(pack);
        else if (copied.kind === "taken") taken = `pack ${pack} is damaged at the target`;
        else this.#copied(kind, pack, copied.bytes);
      };
      await mapLimited([...need.packs[kind]], parallel, copy, this.#ports.signal);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  #copied(kind: RecordKind, pack: string, bytes: number): void {
    this.#contents.add(kind, pack);
    this.#packs += 1;
    this.#bytes += bytes;
    this.#progress();
  }

  #complete(need: Need): boolean {
    return (["chunk", "page"] as const).every((kind) =>
      [...need.packs[kind]].every((pack) => this.#contents.has(kind, pack)),
    );
  }

  async #copySegments(commit: CommitStructure): Promise<void> {
    const hasPack = async (pack: string): Promise<boolean> => {
      if (this.#contents.has("chunk", pack)) return true;
      if (this.#contents.avoids(pack) || this.#unusable.has(pack)) return false;
      const copied = await copyPack(this.#ports, "chunk", pack);
      if (copied.kind === "copied") this.#copied("chunk", pack, copied.bytes);
      else this.#unusable.add(pack);
      return copied.kind === "copied";
    };
    for (const segment of commit.indexSegments) {
      if (await copySegment(this.#ports, segment, hasPack)) this.#segments += 1;
    }
  }

  /**
   * The target's own state says where records lie that are not at their addresses. The source's is not
   * copied.
   */
  async #tellMoved(need: Need): Promise<void> {
    const { target: store, handle, signal } = this.#ports;
    const names: string[] = [];
    for (const kind of ["chunk", "page"] as const) {
      const entries = [...need.moved[kind].values()];
      if (entries.length === 0) continue;
      names.push((await writeRelocations(store, handle, { kind, entries, signal })).name);
      this.#relocated += entries.length;
    }
    if (names.length === 0) return;
    const by = `mirror ${this.#request.sessionId}`;
    await changeState({ store, handle, signal, by }, (state) => ({
      ...state,
      relocations: [...state.relocations, ...names],
    }));
  }

  async #copyCommit(ids: SnapshotIds): Promise<Outcome> {
    const { target, handle, signal } = this.#ports;
    if (!this.#keysCopied) this.#bytes += await copyKeysAndMarker(this.#ports);
    this.#keysCopied = true;
    if (!mayCommit(this.#session, await target.time(signal))) {
      throw new Fault("session-expired", `mirroring snapshot ${ids.snapshotId}: it took too long`, "later");
    }
    const name = repositoryNames(handle.repositoryId).commit(ids.workloadId, ids.snapshotId);
    try {
      const isSound: Prove = async (store) => readCommitStructure(store, { ...handle, ...ids, signal });
      this.#bytes += await copyObject(this.#ports, name, isSound);
    } catch (cause) {
      if (!hasCode(cause, "object-missing")) throw cause;
      return { kind: "held-back", because: "gone", what: `${name} was removed` };
    }
    await readCommitStructure(target, { ...handle, ...ids, signal });
    return { kind: "mirrored" };
  }

  #progress(): void {
    this.#request.onProgress?.({
      snapshots: this.#mirrored.length + this.#heldBack.length,
      snapshotsKnown: this.#known,
      packs: this.#packs,
      bytes: this.#bytes,
    });
  }
}
