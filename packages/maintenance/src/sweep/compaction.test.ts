import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { Fault, newId } from "@cairn/kernel";
import {
  beginSession,
  type Child,
  encodeLeaf,
  encodePageAddress,
  encodeRoot,
  openRelocations,
  PAGE_PACK_BYTES,
  PackBuilder,
  type PageAddress,
  pageId,
  REGION_BYTES,
  type Region,
  type RepositoryHandle,
  readPage,
  readState,
  repositoryNames,
  sealPage,
  writeCommit,
  writeState,
} from "@cairn/repository";
import { faultyStore } from "@cairn/store";
import { storeSnapshot, type TestRepository, type TestSnapshot, testRepository } from "../test-repository.ts";
import {
  assertReadable,
  DAY_MS,
  namesOf,
  piecesOf,
  removeSnapshot,
  sweepOnce,
  writeInSession,
} from "./testing.ts";

describe("compaction", () => {
  it("moves what is in use, removes the old pack a day later, and everything reads on", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const full = await storeSnapshot(repository, piecesOf("a", 12));
    const thin = await storeSnapshot(repository, [...piecesOf("a", 2), "", "own"], { base: full });
    await removeSnapshot(repository, full);
    const before = full.chunks[0]?.pack ?? "";
    const report = await sweepOnce(repository);
    assert.equal(report.compacted.length, 1);
    const state = await readState(store, handle);
    assert.equal(state.relocations.length, 1);
    assert.deepEqual(state.condemned.map(({ why }) => why).toSorted(), ["moved", "unreferenced"]);
    assert.deepEqual(report.indexSegments.added, state.relocations);
    await assertReadable(repository, [thin]);
    clock.pass(DAY_MS);
    const second = await sweepOnce(repository);
    assert.equal(second.removed.filter(({ why }) => why === "moved since state 1").length, 1);
    assert.ok(!(await namesOf(repository, "p")).some((name) => name.endsWith(before)));
    assert.equal((await readState(store, handle)).relocations.length, 1);
    await assertReadable(repository, [thin]);
    clock.pass(DAY_MS);
    const third = await sweepOnce(repository);
    assert.deepEqual([third.condemned, third.compacted, third.removed], [[], [], []]);
    // And when nobody needs what was moved any more, the new pack and its relocations go, too.
    await removeSnapshot(repository, thin);
    await sweepOnce(repository);
    clock.pass(DAY_MS);
    await sweepOnce(repository);
    assert.deepEqual(
      [await namesOf(repository, "p"), await namesOf(repository, "m"), await namesOf(repository, "i")],
      [[], [], []],
    );
    assert.deepEqual((await readState(store, handle)).relocations, []);
  });

  it("leaves what it moved, though called damaged since, while it lies nowhere else", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const full = await storeSnapshot(repository, piecesOf("a", 12));
    const thin = await storeSnapshot(repository, [...piecesOf("a", 2), "", "own"], { base: full });
    await removeSnapshot(repository, full);
    await sweepOnce(repository);
    clock.pass(DAY_MS);
    await sweepOnce(repository);
    const state = await readState(store, handle);
    const damaged = (await namesOf(repository, "p")).map((name) => {
      return { pack: name.slice(5), kind: "chunk", ids: "all" } as const;
    });
    await writeState(store, handle, { state: { ...state, epoch: state.epoch + 1, damaged } });
    for (let day = 0; day < 3; day += 1) {
      clock.pass(DAY_MS);
      const { condemned, removed } = await sweepOnce(repository);
      assert.deepEqual([condemned, removed.filter(({ name }) => name.startsWith("p/"))], [[], []]);
      await assertReadable(repository, [thin]);
    }
  });

  it("waits until there is room: a full target gets its removals all the same", async () => {
    const repository = await testRepository();
    const { store, clock } = repository;
    const full = await storeSnapshot(repository, piecesOf("a", 12));
    const thin = await storeSnapshot(repository, [...piecesOf("a", 2), "", "own"], { base: full });
    const gone = await storeSnapshot(repository, piecesOf("g", 3));
    await removeSnapshot(repository, full);
    await removeSnapshot(repository, gone);
    const noRoom = faultyStore(store, ({ operation, name }) =>
      operation === "put" && /\/[pm]\//.test(name)
        ? { when: "before", error: new Fault("store-full", `storing ${name}`, "after-operator") }
        : undefined,
    );
    const first = await sweepOnce(repository, { store: noRoom, remover: noRoom });
    assert.ok(first.condemned.length > 0);
    assert.deepEqual(first.compacted, []);
    clock.pass(DAY_MS);
    const second = await sweepOnce(repository, { store: noRoom, remover: noRoom });
    assert.equal(
      second.removed.filter(({ name }) => name.startsWith("p/")).length,
      first.condemned.filter(({ kind }) => kind === "chunk").length,
    );
    const roomy = await sweepOnce(repository);
    assert.equal(roomy.compacted.length, 1);
    await assertReadable(repository, [thin]);
  });

  it("is undone for a pack of which a writer referred to more meanwhile", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const full = await storeSnapshot(repository, piecesOf("a", 12));
    const thin = await storeSnapshot(repository, piecesOf("a", 2), { base: full });
    await removeSnapshot(repository, full);
    const ids = { workloadId: newId(), snapshotId: newId() };
    await beginSession(store, handle, { sessionId: "slow", ...ids, bases: [] });
    await sweepOnce(repository);
    const late = await storeSnapshot(repository, piecesOf("a", 6), { base: full, ...ids });
    clock.pass(8 * DAY_MS);
    const report = await sweepOnce(repository);
    assert.equal(report.rescued.length, 1);
    await assertReadable(repository, [thin, late]);
    for (let day = 0; day < 3; day += 1) {
      clock.pass(DAY_MS);
      await sweepOnce(repository);
      await assertReadable(repository, [thin, late]);
    }
    assert.equal((await namesOf(repository, "p")).length, 1);
  });

  it("leaves a damaged pack where it is, and says so", async () => {
    const repository = await testRepository();
    const { store, handle } = repository;
    const full = await storeSnapshot(repository, piecesOf("a", 12));
    await storeSnapshot(repository, piecesOf("a", 2), { base: full });
    await removeSnapshot(repository, full);
    const [pack = ""] = await namesOf(repository, "p");
    const name = repositoryNames(handle.repositoryId).within(pack);
    const bytes = await store.get(name);
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
    await store.remove(name);
    await store.put(name, [bytes]);
    const report = await sweepOnce(repository);
    assert.deepEqual([report.compacted, report.damagedPacks.length], [[], 1]);
    assert.ok((await namesOf(repository, "p")).includes(pack));
  });

  it("again and again merges the relocations, of which the newest counts", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const limits = { relocationSegmentsMax: 2 };
    let kept = await storeSnapshot(repository, piecesOf("a", 6));
    const alive = [kept];
    for (let round = 0; round < 6; round += 1) {
      const wide = await writeInSession(repository, [...piecesOf("a", 1), ...piecesOf(`${round}`, 8)], {
        base: kept,
      });
      const narrow = await writeInSession(repository, piecesOf(`${round}`, 2), { base: wide });
      alive.push(narrow);
      await removeSnapshot(repository, wide);
      kept = narrow;
      await sweepOnce(repository, { limits });
      clock.pass(DAY_MS);
      await sweepOnce(repository, { limits });
      await assertReadable(repository, alive);
      const { relocations } = await readState(store, handle);
      assert.ok(relocations.length <= 3, `${relocations.length} relocation segments`);
    }
  });
});

/** Pages alone: trees of leaves whose chunks nobody ever reads. */
class Trees {
  readonly #repository: TestRepository;
  readonly #handle: RepositoryHandle;

  constructor(repository: TestRepository) {
    this.#repository = repository;
    this.#handle = repository.handle;
  }

  /** Disks of so many leaves, each new or taken over, in one pack of pages. Their roots, and all leaves. */
  async store(
    ...disks: readonly (readonly (Child | "new")[])[]
  ): Promise<{ readonly roots: readonly Disk[]; readonly leaves: readonly PageAddress[] }> {
    const pack = new PackBuilder(this.#handle, "page", Buffer.alloc(PAGE_PACK_BYTES));
    const add = (page: Buffer): PageAddress => {
      const id = pageId(this.#handle, page);
      return { id, pack: pack.packId, ...pack.add(id, sealPage(this.#handle, id, page), page.length) };
    };
    const leaves: PageAddress[] = [];
    const roots = disks.map((disk): Disk => {
      const children = disk.map((leaf) => (leaf === "new" ? add(encodeLeaf(randomRegions())) : leaf));
      leaves.push(...children.filter((child) => child !== undefined));
      const sizeBytes = disk.length * 256 * REGION_BYTES;
      return { sizeBytes, root: add(encodeRoot({ diskBytes: sizeBytes, level: 0, children })) };
    });
    await this.#repository.store.put(pack.name, [Buffer.from(pack.finish())]);
    return { roots, leaves };
  }

  async commit(disks: readonly Disk[]): Promise<TestSnapshot> {
    const { store, clock } = this.#repository;
    const ids = { workloadId: newId<"workload">(), snapshotId: newId<"snapshot">() };
    const createdAt = new Date(clock.now()).toISOString();
    const fixed = { formatVersion: 1, projectId: "p", type: "full", metadata: null } as const;
    const committed = disks.map(({ sizeBytes, root }, index) => {
      return { diskId: `${index}`, instanceId: "i", device: "vda", sizeBytes, root: encodePageAddress(root) };
    });
    const commit = { ...fixed, ...ids, createdAt, disks: committed, indexSegments: [] };
    await writeCommit(store, { ...this.#handle, commit });
    const [first] = disks;
    assert.ok(first !== undefined);
    return { ...ids, content: Buffer.alloc(0), chunks: [], root: first.root };
  }
}

interface Disk {
  readonly sizeBytes: number;
  readonly root: PageAddress;
}

function randomRegions(): Region[] {
  const pack = randomBytes(16).toString("hex");
  return Array.from({ length: 256 }, (_, index): Region => {
    const chunk = {
      id: randomBytes(32),
      pack,
      offset: 48 + index * 1000,
      storedBytes: 1000,
      plainBytes: REGION_BYTES,
    };
    return { kind: "whole", chunk };
  });
}

describe("compaction of pages", () => {
  it("moves pages and roots in use, and commits lead to them on", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const trees = new Trees(repository);
    const many = Array.from({ length: 20 }, () => "new" as const);
    const first = await trees.store(many, ["new"]);
    const whole = await trees.commit(first.roots);
    const second = await trees.store([first.leaves[1], undefined, "new", first.leaves[5]]);
    await trees.commit([...second.roots, ...first.roots.slice(1)]);
    await removeSnapshot(repository, whole);
    const report = await sweepOnce(repository);
    assert.deepEqual(
      report.compacted.map(({ kind }) => kind),
      ["page"],
    );
    assert.equal(report.found.pages, 6);
    clock.pass(DAY_MS);
    const removal = await sweepOnce(repository);
    assert.deepEqual(
      removal.removed.map(({ why }) => why),
      ["moved since state 1"],
    );
    assert.equal(removal.found.pages, 6);
    const relocations = openRelocations(store, handle);
    for (const page of [...second.leaves, first.roots[1]?.root, first.leaves[20]]) {
      assert.ok(page !== undefined);
      const moved = await relocations.find("page", page.id);
      await readPage(store, handle, { ...page, ...moved });
    }
    assert.equal((await namesOf(repository, "m")).length, 2);
    const again = await sweepOnce(repository);
    assert.deepEqual([again.condemned, again.rescued, again.found.pages], [[], [], 6]);
  });
});
