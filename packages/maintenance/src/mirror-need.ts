import type { Fault } from "@cairn/kernel";
import {
  type CommitStructure,
  type MaintenanceState,
  openRelocations,
  packsToAvoid,
  type RecordKind,
  RelocationList,
  type Relocations,
  type RepositoryHandle,
  repositoryNames,
  type SegmentEntry,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { KnownDamage } from "./known-damage.ts";
import type { PageSet } from "./page-set.ts";
import { PageSource } from "./page-source.ts";
import type { RecordRef } from "./record-table.ts";
import { LISTED, PackTable } from "./sweep/pack-table.ts";
import { chunksOf, scanTree } from "./tree-scan.ts";

/** What a commit needs at the target and does not find there. */
export interface Need {
  readonly packs: Readonly<Record<RecordKind, ReadonlySet<string>>>;
  /** Records that lie elsewhere than their addresses say: the target must be told where. */
  readonly moved: Readonly<Record<RecordKind, ReadonlyMap<string, SegmentEntry>>>;
  /** The target is removing it, or has it damaged. */
  readonly blocked: string | undefined;
  /** The source does not have it whole. */
  readonly lost: string | undefined;
}

/** What lies at the target, and how far it can be relied on. */
export class TargetContents {
  readonly #tables = { chunk: new PackTable("chunk"), page: new PackTable("page") };
  readonly #avoid: ReadonlySet<string>;
  readonly #relocations: RelocationList;

  private constructor(avoid: ReadonlySet<string>, relocations: RelocationList) {
    this.#avoid = avoid;
    this.#relocations = relocations;
  }

  /**
   * The state must be one that was read after this work's session had begun. A listing that misses something
   * costs a copy; what it shows and a sweep has removed since is in the state.
   */
  static async read(
    store: Store,
    handle: RepositoryHandle,
    options: { readonly state: MaintenanceState; readonly signal: AbortSignal },
  ): Promise<TargetContents> {
    const { state, signal } = options;
    const relocations = new RelocationList(store, handle, {
      names: state.relocations,
      damaged: "skip",
      signal,
    });
    const contents = new TargetContents(packsToAvoid(state), relocations);
    for (const kind of ["chunk", "page"] as const) {
      const prefix = repositoryNames(handle.repositoryId).packs(kind);
      for await (const name of store.list(prefix, signal))
        contents.add(kind, name.slice(prefix.length + "00/".length));
    }
    return contents;
  }

  add(kind: RecordKind, pack: string): void {
    const table = this.#tables[kind];
    table.set(table.numberOfHex(pack), LISTED);
  }

  has(kind: RecordKind, pack: string): boolean {
    const table = this.#tables[kind];
    return table.has(table.numberOfHex(pack), LISTED) && !this.#avoid.has(pack);
  }

  avoids(pack: string): boolean {
    return this.#avoid.has(pack);
  }

  /** Whether a record can be read here, at its address or where it was moved to. */
  async finds(kind: RecordKind, ref: Pick<RecordRef, "id" | "pack">): Promise<boolean> {
    if (this.has(kind, ref.pack)) return true;
    const moved = this.#relocations.empty ? undefined : await this.#relocations.find(kind, ref.id);
    return moved !== undefined && this.has(kind, moved.pack);
  }
}

export interface NeedRequest {
  readonly source: Store;
  readonly handle: RepositoryHandle;
  readonly state: MaintenanceState;
  readonly target: TargetContents;
  /** Packs of the source that turned out to be gone or damaged. */
  readonly unusable: ReadonlySet<string>;
  /** Pages below which everything is at the target already; what is walked now is added. */
  readonly seen: PageSet;
  readonly signal: AbortSignal;
}

/** Walks the trees of a commit at the source. Faults: those of the store. */
export async function planNeed(request: NeedRequest, commit: CommitStructure): Promise<Need> {
  const planner = new NeedPlanner(request);
  for (const disk of commit.disks) await planner.walk(disk);
  return planner.need;
}

class NeedPlanner {
  readonly #request: NeedRequest;
  readonly #relocations: Relocations;
  readonly #known: KnownDamage;
  readonly #source: PageSource;
  readonly #packs = { chunk: new Set<string>(), page: new Set<string>() };
  readonly #moved = { chunk: new Map<string, SegmentEntry>(), page: new Map<string, SegmentEntry>() };
  #blocked: string | undefined;
  #lost: string | undefined;

  constructor(request: NeedRequest) {
    const { source: store, handle, state, signal } = request;
    this.#request = request;
    this.#known = new KnownDamage(state);
    const relocations = openRelocations(store, handle, { hint: state.epoch, signal });
    this.#relocations = relocations;
    this.#source = new PageSource({ store, handle, relocations, signal });
  }

  get need(): Need {
    return { packs: this.#packs, moved: this.#moved, blocked: this.#blocked, lost: this.#lost };
  }

  async walk(disk: { readonly root: string; readonly sizeBytes: number }): Promise<void> {
    const pages: { readonly ref: RecordRef; readonly at: SegmentEntry }[] = [];
    const settlePages = async (): Promise<void> => {
      for (const { ref, at } of pages.splice(0)) await this.#settle("page", ref, at);
    };
    await scanTree(this.#source, disk, {
      enter: (page) => this.#request.seen.add(page),
      page: (page, { pack, offset, storedBytes, bytes }) => {
        const plainBytes = bytes.length;
        pages.push({
          ref: { ...page, plainBytes },
          at: { id: page.id, pack, offset, storedBytes, plainBytes },
        });
      },
      leaf: async (regions, first) => {
        await settlePages();
        for (const [index, region] of regions.entries()) {
          for (const { chunk } of chunksOf(region, first + index, disk.sizeBytes))
            await this.#settle("chunk", chunk);
        }
      },
      damaged: (_page, _place, fault) => this.#lose(fault),
    });
    await settlePages();
  }

  #lose(fault: Fault): void {
    this.#lost ??= fault.message;
  }

  /** Decides for one record: it is there, its pack is to be copied, or the place where it lies now. */
  async #settle(kind: RecordKind, ref: RecordRef, readAt?: SegmentEntry): Promise<void> {
    const { target, unusable } = this.#request;
    if (await target.finds(kind, ref)) return;
    const readElsewhere = readAt !== undefined && (readAt.pack !== ref.pack || readAt.offset !== ref.offset);
    if (!readElsewhere && !unusable.has(ref.pack) && !this.#known.covers(kind, ref)) {
      this.#take(kind, ref.pack);
      return;
    }
    const found = readElsewhere ? readAt : await this.#relocations.find(kind, ref.id);
    if (found === undefined || unusable.has(found.pack)) {
      this.#lost ??= `${kind} at ${ref.offset} of pack ${ref.pack} is damaged or missing`;
      return;
    }
    this.#moved[kind].set(ref.id.toString("latin1"), { ...found, id: ref.id });
    if (!target.has(kind, found.pack)) this.#take(kind, found.pack);
  }

  #take(kind: RecordKind, pack: string): void {
    if (this.#request.target.avoids(pack))
      this.#blocked ??= `pack ${pack} is condemned or damaged at the target`;
    this.#packs[kind].add(pack);
  }
}
