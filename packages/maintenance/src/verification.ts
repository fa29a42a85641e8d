import { type Fault, hasCode } from "@cairn/kernel";
import {
  type PageAddress,
  type RecordKind,
  type Relocations,
  type RepositoryHandle,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type Damage, type DegradedSnapshot, toDamage } from "./damage.ts";
import type { KnownDamage } from "./known-damage.ts";
import { checkPack, type PackFinding } from "./pack-check.ts";
import { PageSet } from "./page-set.ts";
import { PageSource, packName } from "./page-source.ts";
import { type DiskOfSnapshot, PlaceFinder } from "./places.ts";
import { type RecordRef, RecordTable } from "./record-table.ts";
import { chunksOf, scanTree, type TreeVisitor } from "./tree-scan.ts";
import type { VerifyLevel, VerifyProgress } from "./verify-report.ts";

export interface VerificationOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly relocations: Relocations;
  readonly known: KnownDamage;
  readonly level: VerifyLevel;
  /**
   * Only chunks of these packs are looked at, and what is sound in them is kept in `sound`. All unless told.
   */
  readonly only?: (pack: string) => boolean;
  readonly recordBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Pick<VerifyProgress, "phase" | "packs" | "packsKnown" | "damaged">) => void;
}

/** A snapshot whose commit could be read. */
export interface SnapshotToVerify {
  readonly workloadId: string;
  readonly snapshotId: string;
  readonly createdAt: string;
  readonly disks: readonly DiskOfSnapshot[];
}

/** So many walks at most. */
const PARTS_MAX = 65_536;

/** Packs that belong to one walk over the trees: those whose number modulo `modulus` is `remainder`. */
interface Part {
  readonly modulus: number;
  readonly remainder: number;
}

/**
 * Walks the trees of snapshots, collects which records they name, and looks at these pack by pack: each pack
 * once, however many snapshots share it. When the records are more than fit in memory, the trees are walked
 * again for the next part of the packs.
 */
export class Verification {
  readonly damage: Damage[] = [];
  /** Chunks that cannot be read, with the number of their damage. */
  readonly failed = new RecordTable();
  /** With `only`: chunks that are sound in packs that are not. */
  readonly sound = new RecordTable();
  /** Chunks whose pack went when they were moved, and that cannot be read where they lie now. */
  readonly #moved = new RecordTable();
  /** Sound pages in packs that are known to be damaged. */
  readonly soundPages = new Map<string, PageAddress>();
  /** Packs all of which was read and is as it should be. */
  readonly soundPacks = new Set<string>();
  pages = 0;
  packs = 0;
  records = 0;
  relocated = 0;
  readonly #options: VerificationOptions;
  readonly #source: PageSource;
  readonly #failedPages = new Map<
    string,
    { readonly page: PageAddress | undefined; readonly damage: number }
  >();
  readonly #pagePacks = new Set<string>();
  readonly #numbers = new Map<string, number>();

  constructor(options: VerificationOptions) {
    this.#options = options;
    const { store, handle, relocations, known, signal } = options;
    const redirect = async (address: PageAddress): ReturnType<Relocations["find"]> =>
      known.covers("page", address) ? relocations.find("page", address.id) : undefined;
    this.#source = new PageSource({ store, handle, relocations, redirect, signal });
  }

  async run(snapshots: readonly SnapshotToVerify[]): Promise<void> {
    const parts: Part[] = [{ modulus: 1, remainder: 0 }];
    for (let part = parts.pop(), first = true; part !== undefined; part = parts.pop(), first = false) {
      const collected = await this.#collect(snapshots, part, { first, parts });
      await this.#checkChunkPacks(collected);
    }
    await this.#checkPagePacks();
  }

  /** The pages that cannot be read. */
  failedPages(): readonly PageAddress[] {
    return [...this.#failedPages.values()].flatMap(({ page }) => (page === undefined ? [] : [page]));
  }

  async #collect(
    snapshots: readonly SnapshotToVerify[],
    whole: Part,
    round: { readonly first: boolean; readonly parts: Part[] },
  ): Promise<RecordTable> {
    const table = new RecordTable();
    const pages = new PageSet();
    const recordsMax = Math.max(1, this.#options.recordBytes / RecordTable.bytesPerRecord);
    let part = whole;
    const visitor = (disk: DiskOfSnapshot): TreeVisitor => ({
      enter: (page) => pages.add(page),
      page: (page, found) => {
        this.#pagePacks.add(found.pack);
        const inDoubt = !found.relocated && this.#options.known.has("page", page.pack);
        if (inDoubt) this.soundPages.set(keyOf(page), page);
        if (round.first && found.relocated) this.relocated += 1;
      },
      leaf: async (regions, firstRegion) => {
        for (const [index, region] of regions.entries()) {
          for (const { chunk } of chunksOf(region, firstRegion + index, disk.sizeBytes)) {
            const ref = await this.#effective(chunk);
            if (belongs(part, ref.pack) && (await this.#isInQuestion(ref))) table.add(ref);
          }
        }
        while (table.size > recordsMax && part.modulus < PARTS_MAX) part = split(table, part, round.parts);
      },
      damaged: (page, _, fault) => void this.#pageDamage(page, disk.root, fault),
    });
    for (const { disks } of snapshots) {
      for (const disk of disks) await scanTree(this.#source, disk, visitor(disk));
    }
    if (round.first) this.pages = pages.size;
    this.records += table.size;
    return table;
  }

  /** Where a chunk is to be read: what is known to be damaged and lies elsewhere now is read there. */
  async #effective(ref: RecordRef): Promise<RecordRef> {
    const { known, relocations } = this.#options;
    if (!known.covers("chunk", ref)) return ref;
    const moved = await relocations.find("chunk", ref.id);
    if (moved === undefined) return ref;
    return { ...moved, id: ref.id };
  }

  /** With `only`: it lies in such a pack, or what its pack is without was moved into one. */
  async #isInQuestion(ref: RecordRef): Promise<boolean> {
    const { only, known, relocations } = this.#options;
    if (only === undefined || only(ref.pack)) return true;
    if (known.empty) return false;
    const moved = await relocations.find("chunk", ref.id);
    return moved !== undefined && only(moved.pack);
  }

  #pageDamage(page: PageAddress | undefined, root: string, fault: Fault): number {
    const key = page === undefined ? root : keyOf(page);
    const there = this.#failedPages.get(key);
    if (there !== undefined) return there.damage;
    const { handle } = this.#options;
    const object = page === undefined ? root : packName(handle, "page", page.pack);
    const record = page === undefined ? undefined : recordOf(page);
    const damage = this.damage.push(toDamage("page", object, fault, record)) - 1;
    this.#failedPages.set(key, { page, damage });
    return damage;
  }

  async #checkChunkPacks(table: RecordTable): Promise<void> {
    const doubtful = new RecordTable();
    const faults: { readonly fault: Fault; readonly whole: boolean; damage?: number }[] = [];
    for (const { pack, refs } of table.byPack()) {
      const finding = await this.#check("chunk", pack, refs);
      const whole = finding.pack === undefined ? -1 : faults.push({ fault: finding.pack, whole: true }) - 1;
      for (const { ref, fault } of finding.records) {
        doubtful.add(ref, fault === finding.pack ? whole : faults.push({ fault, whole: false }) - 1);
      }
      if (this.#options.only !== undefined) this.#keepSound(refs, finding);
      // A frame that is damaged around sound records. A pack that is gone may have been moved as a whole.
      if (finding.pack !== undefined && finding.records.length === 0)
        this.#packDamage("chunk", pack, finding.pack);
    }
    const { lost, elsewhere } = await this.#notElsewhere(doubtful);
    for (const { refs } of lost.byPack()) {
      for (const ref of refs) {
        const entry = faults[ref.number];
        if (entry === undefined) continue;
        const damage = elsewhere.get(ref.id.toString("latin1"));
        if (damage !== undefined && hasCode(entry.fault, "object-missing")) {
          this.#moved.add(ref, damage);
          continue;
        }
        entry.damage ??= entry.whole
          ? this.#packDamage("chunk", ref.pack, entry.fault)
          : this.#recordDamage(ref, entry.fault);
        this.failed.add(ref, entry.damage);
      }
    }
  }

  #keepSound(refs: readonly RecordRef[], finding: PackFinding): void {
    if (finding.pack === undefined && finding.records.length === 0) return;
    const failing = new RecordTable();
    for (const { ref } of finding.records) failing.add(ref);
    for (const ref of refs) if (failing.find(ref) === undefined) this.sound.add(ref);
  }

  /**
   * Those of the records that no relocation leads to a sound copy of, and by id the damage of the copies that
   * relocations lead to.
   */
  async #notElsewhere(
    doubtful: RecordTable,
  ): Promise<{ readonly lost: RecordTable; readonly elsewhere: ReadonlyMap<string, number> }> {
    const moved = new RecordTable();
    const lost = new RecordTable();
    const { relocations } = this.#options;
    const find = async (ref: RecordRef): Promise<RecordRef | undefined> => {
      const there = await relocations.find("chunk", ref.id);
      if (there === undefined || (there.pack === ref.pack && there.offset === ref.offset)) return undefined;
      return { ...there, id: ref.id };
    };
    for (const { refs } of doubtful.byPack()) {
      for (const ref of refs) {
        const there = await find(ref);
        if (there !== undefined) moved.add(there);
      }
    }
    const elsewhere = new Map<string, number>();
    for (const { pack, refs } of moved.byPack()) {
      for (const { ref, fault, isWhole } of await this.#checkMoved(pack, refs)) {
        const damage = isWhole ? this.#packDamage("chunk", pack, fault) : this.#recordDamage(ref, fault);
        this.failed.add(ref, damage);
        elsewhere.set(ref.id.toString("latin1"), damage);
      }
    }
    for (const { refs } of doubtful.byPack()) {
      for (const ref of refs) {
        const sound = (await find(ref)) !== undefined && !elsewhere.has(ref.id.toString("latin1"));
        if (sound) this.relocated += 1;
        else lost.add(ref, ref.number);
      }
    }
    return { lost, elsewhere };
  }

  async #checkMoved(pack: string, refs: readonly RecordRef[]) {
    const finding = await this.#check("chunk", pack, refs);
    if (this.#options.only !== undefined) this.#keepSound(refs, finding);
    if (finding.pack !== undefined && finding.records.length === 0)
      this.#packDamage("chunk", pack, finding.pack);
    return finding.records.map((each) => ({ ...each, isWhole: each.fault === finding.pack }));
  }

  async #check(kind: RecordKind, pack: string, refs: readonly RecordRef[]): Promise<PackFinding> {
    const { store, handle, level, signal } = this.#options;
    signal.throwIfAborted();
    const finding = await checkPack({ store, handle, kind, pack, level, refs, signal });
    this.packs += 1;
    if (finding.pack === undefined && finding.records.length === 0) this.soundPacks.add(pack);
    this.#progress("packs");
    return finding;
  }

  #packDamage(kind: RecordKind, pack: string, fault: Fault): number {
    const object = packName(this.#options.handle, kind, pack);
    return this.#noted(object, () => toDamage(`${kind}-pack`, object, fault));
  }

  #recordDamage(ref: RecordRef, fault: Fault): number {
    const object = packName(this.#options.handle, "chunk", ref.pack);
    return this.#noted(`${object} ${ref.offset}`, () => toDamage("chunk", object, fault, recordOf(ref)));
  }

  /** The number of a damage; one that trees and relocations lead to is told once. */
  #noted(place: string, damage: () => Damage): number {
    const there = this.#numbers.get(place);
    if (there !== undefined) return there;
    const number = this.damage.push(damage()) - 1;
    this.#numbers.set(place, number);
    return number;
  }

  /** Pages were opened when the trees were walked; here it is the packs' frames and checksums. */
  async #checkPagePacks(): Promise<void> {
    const failing = new Set(this.failedPages().map(({ pack }) => pack));
    for (const pack of this.#pagePacks) {
      const finding = await this.#check("page", pack, []);
      if (finding.pack !== undefined && !failing.has(pack)) this.#packDamage("page", pack, finding.pack);
    }
  }

  #progress(phase: VerifyProgress["phase"]): void {
    const { packs } = this;
    this.#options.onProgress({ phase, packs, packsKnown: packs, damaged: this.damage.length });
  }

  /** Which stretches of which disks the damage takes away. */
  async degraded(snapshots: readonly SnapshotToVerify[], rangesMax: number): Promise<DegradedSnapshot[]> {
    if (this.failed.size === 0 && this.#failedPages.size === 0) return [];
    const lookup = {
      chunk: async (chunk: RecordRef) => {
        const ref = await this.#effective(chunk);
        return this.failed.find(ref) ?? this.#moved.find(ref);
      },
      page: (page: PageAddress | undefined, root: string, fault: Fault) =>
        this.#pageDamage(page, root, fault),
    };
    const finder = new PlaceFinder(this.#source, lookup, rangesMax);
    const degraded: DegradedSnapshot[] = [];
    for (const { workloadId, snapshotId, createdAt, disks: all } of snapshots) {
      this.#progress("places");
      const disks = [];
      for (const disk of all) {
        const found = await finder.find(disk);
        if (found !== undefined) disks.push(found);
      }
      if (disks.length > 0) degraded.push({ workloadId, snapshotId, createdAt, disks });
    }
    return degraded;
  }
}

function keyOf(page: PageAddress): string {
  return `${page.pack}/${page.offset}/${page.id.toString("hex")}`;
}

function recordOf(record: Pick<RecordRef, "id" | "offset" | "storedBytes">): NonNullable<Damage["record"]> {
  return { id: record.id.toString("hex"), offset: record.offset, storedBytes: record.storedBytes };
}

/** Packs have random ids: any of their bytes spread them evenly. */
function belongs(part: Part, pack: string): boolean {
  return part.modulus === 1 || Number.parseInt(pack.slice(0, 8), 16) % part.modulus === part.remainder;
}

/** Keeps half of the packs for this walk and leaves the others to a later one. */
function split(table: RecordTable, part: Part, parts: Part[]): Part {
  const modulus = part.modulus * 2;
  parts.push({ modulus, remainder: part.remainder + part.modulus });
  const kept = { modulus, remainder: part.remainder };
  table.filter((pack) => belongs(kept, pack.toString("hex", 0, 4)));
  return kept;
}
