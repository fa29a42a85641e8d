import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CondemnedPack, EMPTY_STATE, type MaintenanceState } from "@cairn/repository";
import type { JudgedSession } from "./gather.ts";
import { SWEEP_LIMITS } from "./options.ts";
import { chooseCompactions, planSweep, type SweepFacts, suspectListing } from "./plan.ts";
import { seenSince } from "./transition.ts";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const NOW = 1000 * DAY;
const PACK = "ab".repeat(16);

function condemned(over: Partial<CondemnedPack> = {}): CondemnedPack {
  return { pack: PACK, kind: "chunk", epoch: 5, at: NOW - 2 * DAY, bytes: 100, why: "unreferenced", ...over };
}

function session(over: Partial<JudgedSession> = {}): JudgedSession {
  return {
    sessionId: "s",
    bases: [],
    epochSeen: 4,
    startedAt: NOW - HOUR,
    notAfter: NOW + DAY,
    live: true,
    basesGone: [],
    ...over,
  };
}

function facts(over: Partial<SweepFacts> = {}): SweepFacts {
  const state: MaintenanceState = { ...EMPTY_STATE, epoch: 7, condemned: [condemned()] };
  return {
    nowMs: NOW,
    state,
    sessions: [],
    snapshots: [],
    tombstones: [],
    heldSnapshots: new Set(),
    inUse: new Set(),
    unreferenced: [],
    lockedUntil: new Map(),
    liveBytes: 1000,
    confirmedBytes: 0,
    limits: SWEEP_LIMITS,
    flaws: {},
    ...over,
  };
}

const tombstone = { workloadId: "w", snapshotId: "x", requestedAt: "", requestedBy: "" };

describe("a condemned pack", () => {
  const cases: readonly [title: string, over: Partial<SweepFacts>, expected: string][] = [
    ["goes when nothing stands against it", {}, "removed"],
    ["is rescued when it is in use again", { inUse: new Set([`chunk/${PACK}`]) }, "rescued"],
    ["is not rescued by a pack of the other kind", { inUse: new Set([`page/${PACK}`]) }, "removed"],
    ["waits for the grace", { nowMs: NOW - 2 * DAY + 23 * HOUR }, "grace"],
    ["goes at the grace's end", { nowMs: NOW - DAY }, "removed"],
    ["waits for a session that began before it was condemned", { sessions: [session()] }, "session"],
    ["does not wait for one that saw it", { sessions: [session({ epochSeen: 5 })] }, "removed"],
    ["does not wait for one that is over", { sessions: [session({ live: false })] }, "removed"],
    [
      "waits for one whose base is gone, whatever it saw",
      { sessions: [session({ epochSeen: 7, basesGone: ["b"] })] },
      "base",
    ],
    ["waits for its lock", { lockedUntil: new Map([[`chunk/${PACK}`, NOW + 1]]) }, "lock"],
    [
      "does not wait for a lock that has lapsed",
      { lockedUntil: new Map([[`chunk/${PACK}`, NOW]]) },
      "removed",
    ],
    ["waits for a person's word when it is a large share", { liveBytes: 200 }, "confirmation"],
    ["goes with that word", { liveBytes: 200, confirmedBytes: 100 }, "removed"],
    ["waits for its turn", { limits: { ...SWEEP_LIMITS, packsPerSweepMax: 0 } }, "batch"],
  ];
  for (const [title, over, expected] of cases) {
    it(title, () => {
      const plan = planSweep(facts(over));
      const settled = !["rescued", "grace", "session", "base"].includes(expected);
      assert.equal(plan.settled.length, settled ? 1 : 0, "settled");
      const outcome =
        plan.removePacks.length > 0
          ? "removed"
          : plan.rescue.length > 0
            ? "rescued"
            : plan.waiting[0]?.waitsFor.kind;
      assert.equal(outcome, expected);
    });
  }

  it("goes at once with a sweeper that does not wait, and so does what was just found", () => {
    const over = { flaws: { neverWaits: true }, sessions: [session()], nowMs: NOW - 2 * DAY };
    const unreferenced = [{ pack: "cd".repeat(16), kind: "chunk", bytes: 1, liveBytes: 0 }] as const;
    assert.equal(planSweep(facts({ ...over, unreferenced })).removePacks.length, 2);
  });
});

describe("a tombstone", () => {
  const snapshots = [{ workloadId: "w", snapshotId: "x" }];
  const due = { ...tombstone, notBefore: new Date(NOW).toISOString() };
  const cases: readonly [title: string, over: Partial<SweepFacts>, commits: number][] = [
    ["that is due takes its snapshot away", {}, 1],
    ["that is not due yet does not", { nowMs: NOW - 1 }, 0],
    ["waits while the snapshot is held", { heldSnapshots: new Set(["x"]) }, 0],
    ["waits while a session builds on the snapshot", { sessions: [session({ bases: ["x"] })] }, 0],
    ["waits while a session is about to commit it", { sessions: [session({ snapshotId: "x" })] }, 0],
    ["does not wait for a session that is over", { sessions: [session({ bases: ["x"], live: false })] }, 1],
  ];
  for (const [title, over, commits] of cases) {
    it(title, () => {
      const plan = planSweep(facts({ snapshots, tombstones: [due], ...over }));
      assert.equal(plan.removeCommits.length, commits);
    });
  }

  const old = { ...tombstone, notBefore: new Date(NOW - 31 * DAY).toISOString() };
  const seen = { chunkPacks: 0, pagePacks: 0, segments: 0, sessions: [], commits: { w: ["x"] } };
  const ends: readonly [title: string, over: Partial<SweepFacts>, tombstones: number][] = [
    ["goes when its snapshot is long gone", {}, 1],
    ["stays for a month", { nowMs: NOW - 2 * DAY }, 0],
    ["stays while its snapshot is there", { snapshots }, 0],
    ["stays while the last sweep saw its snapshot", { state: { ...EMPTY_STATE, seen } }, 0],
    [
      "stays while a session names its snapshot",
      { sessions: [session({ live: false, snapshotId: "x" })] },
      0,
    ],
  ];
  for (const [title, over, tombstones] of ends) {
    it(title, () => {
      assert.equal(planSweep(facts({ tombstones: [old], ...over })).removeTombstones.length, tombstones);
    });
  }
});

describe("a session's record", () => {
  const end = { sessionId: "s", endedAt: NOW - 2 * DAY - 1 };
  const cases: readonly [title: string, over: Partial<JudgedSession>, removed: number][] = [
    ["goes two graces after its end", { live: false, end }, 1],
    ["stays before that", { live: false, end: { ...end, endedAt: NOW - 2 * DAY } }, 0],
    ["goes two graces after its time was over", { live: false, notAfter: NOW - 2 * DAY - HOUR }, 1],
    ["stays while it lives", { notAfter: NOW - 5 * DAY }, 0],
  ];
  for (const [title, over, removed] of cases) {
    it(title, () => {
      assert.equal(planSweep(facts({ sessions: [session(over)] })).removeSessions.length, removed);
    });
  }
});

describe("a listing", () => {
  const seen = { chunkPacks: 10, pagePacks: 4, segments: 3, sessions: [], commits: {} };
  const deleting = ["p/ab/1", "p/ab/2"].map((name) => ({ name, bytes: 1, why: "", by: "" }));
  const cases: readonly [
    title: string,
    state: Partial<MaintenanceState>,
    chunkPacks: number,
    suspect: boolean,
  ][] = [
    ["that shows what was there is trusted", { seen }, 10, false],
    ["that shows half is, too", { seen }, 5, false],
    ["that shows less is not", { seen }, 4, true],
    ["that shows less because of our own removals is", { seen, deleting }, 4, false],
    ["is trusted when no sweep has seen anything yet", {}, 0, false],
  ];
  for (const [title, state, chunkPacks, suspect] of cases) {
    it(title, () => {
      const found = suspectListing({ ...EMPTY_STATE, ...state }, { chunkPacks, pagePacks: 4 });
      assert.equal(found !== undefined, suspect, found);
    });
  }
});

describe("compaction", () => {
  const MB = 1_000_000;
  const pack = (id: string, liveBytes: number, bytes: number) => {
    return { pack: id, kind: "chunk", number: 0, liveBytes, bytes } as const;
  };

  it("takes packs of which less than the share is in use, those that free most first", () => {
    const packs = [pack("a", 39 * MB, 100 * MB), pack("b", 41 * MB, 100 * MB), pack("c", MB, 100 * MB)];
    const limits = { compactBelowShare: 0.4, compactSavesBytesMin: 64 * 1024, compactBytesMax: 1000 * MB };
    assert.deepEqual(
      chooseCompactions(packs, limits).map((each) => each.pack),
      ["c", "a"],
    );
    const less = { ...limits, compactBytesMax: 150 * MB };
    assert.deepEqual(
      chooseCompactions(packs, less).map((each) => each.pack),
      ["c"],
    );
  });

  it("leaves packs alone that are too small to matter", () => {
    const limits = { compactBelowShare: 0.4, compactSavesBytesMin: 64 * 1024, compactBytesMax: MB };
    assert.deepEqual(chooseCompactions([pack("a", 1, 60_000)], limits), []);
  });
});

describe("what a sweep has seen", () => {
  const ours = { chunkPacks: 2, pagePacks: 1, segments: 1, commits: {}, sessions: ["over", "new"] };
  const theirs = { ...ours, sessions: ["new"] };

  const change = { seen: ours, deleting: [] };

  it("is what the next one may insist on", () => {
    assert.deepEqual(seenSince({ epoch: 4 }, { epoch: 4, seen: theirs, deleting: [] }, change), ours);
  });

  it("does not count when another sweep was faster, which may have removed some of it", () => {
    assert.deepEqual(seenSince({ epoch: 4 }, { epoch: 6, seen: theirs, deleting: [] }, change), theirs);
    assert.deepEqual(seenSince({ epoch: 4 }, { epoch: 6, deleting: [] }, change), ours);
  });

  it("lacks what an earlier journal owed and this sweep has removed", () => {
    const owed = ["w/over/begin", "w/over/end", "p/aa/aa"];
    const deleting = owed.map((name) => ({ name, bytes: 0, why: "over", by: "another" }));
    const locked = deleting.filter(({ name }) => name.startsWith("p/"));
    const base = { epoch: 6, seen: ours, deleting };
    assert.deepEqual(seenSince({ epoch: 4 }, base, { seen: theirs, deleting: [] }), {
      ...ours,
      chunkPacks: 1,
      sessions: ["new"],
    });
    assert.deepEqual(seenSince({ epoch: 4 }, base, { seen: theirs, deleting: locked }), {
      ...ours,
      sessions: ["new"],
    });
  });
});
