import assert from "node:assert/strict";
import { test } from "node:test";
import { MiB } from "@cairn/kernel";
import type { FromGuard, GuardSettings, ToGuard } from "./codec.ts";
import { freshState, type GuardAction, type GuardEvent, type GuardState, isBusy, isOver } from "./state.ts";
import { ATTEMPTS_MAX, MEASURE_MS_MAX, READER_TICKS_MAX, RETRY_MS, step } from "./step.ts";

const SETTINGS: GuardSettings = {
  datamover: { pid: 0, startTicks: "0" },
  scratchPath: "/scratch",
  reserveBytes: 100 * MiB,
  budgetBytes: 50 * MiB,
  intervalMs: 250,
  silenceMs: 10_000,
};
const PLACE = { socket: "/run/libvirt", uri: "qemu:///system" };
const QEMU = { kind: "qemu-folder", monitor: "/m", qemu: { pid: 7, startTicks: "1" } } as const;

const instance = (letter: string): string => letter.repeat(8);
const watch = (letter: string): ToGuard => {
  const point = { instanceId: instance(letter), snapshotId: "ssssssss", reach: QEMU };
  return { type: "watch", point };
};
const id = (letter: string): string => `p-ssssssss-${instance(letter)}`;
const FREEZE: ToGuard = {
  type: "freeze",
  freeze: { instanceId: instance("a"), place: PLACE, withinMs: 5_000 },
};

/** A guard with a clock that the test sets; it keeps what the guard wants done since it was asked last. */
class Bench {
  state: GuardState = freshState(SETTINGS, 0);
  nowMs = 0;
  /** Whether scratch says how much room it has; it is plenty. */
  answers = true;
  #actions: GuardAction[] = [];

  static with(...letters: string[]): Bench {
    const bench = new Bench();
    for (const letter of letters) bench.say(watch(letter));
    bench.take();
    return bench;
  }

  happen(event: GuardEvent): this {
    const { state, actions } = step(this.state, event, this.nowMs);
    this.state = state;
    this.#actions.push(...actions);
    return this;
  }

  say(message: ToGuard): this {
    return this.happen({ kind: "message", message });
  }

  /** The datamover lives on, and the guard looks as often as it should. */
  pass(ms: number, how: "heard" | "silent"): this {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; ) {
      this.nowMs += SETTINGS.intervalMs;
      if (how === "heard") this.say({ type: "alive" });
      this.happen({ kind: "tick" });
      if (this.answers) this.measure(1000);
    }
    return this;
  }

  measure(freeMib: number, used: Readonly<Record<string, number>> = {}): this {
    const usedBytes = new Map(Object.entries(used).map(([letter, mib]) => [id(letter), mib * MiB]));
    return this.happen({ kind: "measured", freeBytes: freeMib * MiB, usedBytes });
  }

  /** What was wanted since the last call, without notes, measuring and heartbeats. */
  take(): readonly string[] {
    const taken = this.#actions;
    this.#actions = [];
    return taken.flatMap(words);
  }
}

function words(action: GuardAction): string[] {
  switch (action.kind) {
    case "measure":
    case "listen":
    case "note":
      return [];
    case "abort":
      return [`abort ${action.id.slice(-1)}${action.mayResume ? " and resume" : ""}`];
    case "end-datamover":
      return ["end the datamover"];
    case "thaw":
      return [`thaw ${action.id.slice(-1)}`];
    case "tell":
      return tellWords(action.message);
  }
}

function tellWords(message: FromGuard): string[] {
  switch (message.type) {
    case "alive":
    case "ready":
      return [];
    case "given-up":
      return [`given up ${message.id.slice(-1)}: ${message.because.kind}`];
    case "thaw-known":
      return [`thawed by ${message.by}`];
    case "watched":
    case "confirmed":
    case "released":
    case "aborted":
    case "abort-failed":
    case "freeze-watched":
      return [`${message.type} ${message.id.slice(-1)}`];
  }
}

void test("without points and freezes there is nothing to look at", () => {
  const bench = new Bench();
  assert.equal(isBusy(bench.state), false);
  bench.say(watch("a"));
  assert.deepEqual(bench.take(), ["watched a"]);
  assert.equal(isBusy(bench.state), true);
  bench.say({ type: "release", id: id("a") });
  assert.deepEqual(bench.take(), ["released a"]);
  assert.equal(isBusy(bench.state), false);
});

const looks: readonly [string, number, Readonly<Record<string, number>>, readonly string[]][] = [
  ["enough room changes nothing", 100, { a: 50, b: 1 }, []],
  [
    "a touched reserve ends the point that uses most",
    99,
    { a: 3, b: 4 },
    ["given up b: reserve", "abort b and resume"],
  ],
  [
    "half of the reserve gone ends all points",
    49,
    { a: 3, b: 4 },
    ["given up a: reserve", "abort a and resume", "given up b: reserve", "abort b and resume"],
  ],
  ["a point over its budget ends", 200, { a: 51, b: 4 }, ["given up a: budget", "abort a and resume"]],
];
for (const [name, freeMib, used, expected] of looks) {
  void test(`a look at scratch: ${name}`, () => {
    assert.deepEqual(Bench.with("a", "b").measure(freeMib, used).take(), expected);
  });
}

void test("while one point is being aborted the next is spared until the room is looked at again", () => {
  const bench = Bench.with("a", "b").measure(99, { a: 4, b: 3 });
  bench.take();
  bench.measure(98, { a: 4, b: 3 });
  assert.deepEqual(bench.take(), []);
  bench.happen({ kind: "abort-ended", id: id("a"), resumed: false });
  assert.deepEqual(bench.take(), ["aborted a"]);
  bench.measure(98, { b: 3 });
  assert.deepEqual(bench.take(), ["given up b: reserve", "abort b and resume"]);
});

void test("scratch that does not answer, or only with an error, ends all points", () => {
  const bench = Bench.with("a").happen({ kind: "unmeasurable", why: "EIO" });
  assert.deepEqual(bench.take(), ["given up a: unusable", "abort a and resume"]);
  const slow = Bench.with("a");
  slow.answers = false;
  slow.pass(MEASURE_MS_MAX, "heard");
  assert.deepEqual(slow.take(), []);
  slow.pass(2 * SETTINGS.intervalMs, "heard");
  assert.deepEqual(slow.take(), ["given up a: unusable", "abort a and resume"]);
});

void test("a block threshold ends the point whose device it names, and no other", () => {
  const bench = Bench.with("a", "b");
  bench.say({ type: "thresholds", id: id("a"), devices: ["vda[4]"] });
  bench.happen({ kind: "threshold", instanceId: instance("b"), device: "vda[4]" });
  bench.happen({ kind: "threshold", instanceId: instance("a"), device: "vdb[5]" });
  assert.deepEqual(bench.take(), []);
  bench.happen({ kind: "threshold", instanceId: instance("a"), device: "vda[4]" });
  assert.deepEqual(bench.take(), ["given up a: threshold", "abort a and resume"]);
});

void test("a silent datamover has its points given up after its time, once, and learns of it later", () => {
  const bench = Bench.with("a").pass(SETTINGS.silenceMs - 250, "silent");
  assert.deepEqual(bench.take(), []);
  bench.pass(250, "silent");
  assert.deepEqual(bench.take(), ["given up a: silence", "abort a"]);
  bench.happen({ kind: "abort-ended", id: id("a"), resumed: false }).take();
  bench.pass(RETRY_MS, "silent");
  assert.deepEqual(bench.take(), []);
  bench.say({ type: "confirm", id: id("a") });
  assert.deepEqual(bench.take(), ["given up a: silence"]);
  bench.say({ type: "release", id: id("a") });
  assert.deepEqual(bench.take(), ["released a"]);
});

void test("one that wakes up and falls silent again is aborted again: it may have made more", () => {
  const bench = Bench.with("a").pass(SETTINGS.silenceMs, "silent");
  bench.happen({ kind: "abort-ended", id: id("a"), resumed: false }).pass(1000, "heard");
  bench.take();
  bench.pass(SETTINGS.silenceMs / 2, "silent");
  assert.deepEqual(bench.take(), []);
  bench.pass(SETTINGS.silenceMs / 2, "silent");
  assert.deepEqual(bench.take(), ["abort a"]);
});

void test("a guard that was stopped itself does not take that for the datamover's silence", () => {
  const bench = Bench.with("a").pass(1000, "heard");
  bench.take();
  bench.nowMs += 60_000;
  bench.happen({ kind: "tick" });
  assert.deepEqual(bench.take(), []);
  bench.pass(SETTINGS.silenceMs, "silent");
  assert.deepEqual(bench.take(), ["given up a: silence", "abort a"]);
});

void test("a datamover that ended leaves its points until its time is over; then the guard ends, too", () => {
  const bench = Bench.with("a").happen({ kind: "channel-ended" });
  bench.pass(SETTINGS.silenceMs / 2, "silent");
  assert.deepEqual(bench.take(), []);
  bench.pass(SETTINGS.silenceMs / 2, "silent");
  assert.deepEqual(bench.take(), ["given up a: silence", "abort a"]);
  assert.equal(isOver(bench.state), false);
  bench.happen({ kind: "abort-ended", id: id("a"), resumed: false });
  assert.equal(isOver(bench.state), true);
});

for (const order of [
  ["channel-ended", "told-to-end"],
  ["told-to-end", "channel-ended"],
] as const) {
  void test(`told to end, with its datamover gone, it does at once what it owes: ${order[0]} first`, () => {
    const bench = Bench.with("a").happen({ kind: order[0] });
    assert.deepEqual(bench.take(), []);
    bench.happen({ kind: order[1] });
    assert.deepEqual(bench.take(), ["given up a: silence", "abort a"]);
  });
}

void test("a failed abort is tried again every second, and in the end no more", () => {
  const bench = Bench.with("a").measure(1, {});
  bench.take();
  bench.happen({ kind: "abort-failed", id: id("a"), why: "no monitor" });
  assert.deepEqual(bench.take(), ["abort-failed a"]);
  bench.pass(RETRY_MS, "heard");
  assert.deepEqual(bench.take(), ["abort a and resume"]);
  bench.happen({ kind: "channel-ended" });
  for (let attempt = 2; attempt <= ATTEMPTS_MAX; attempt += 1) {
    assert.equal(isOver(bench.state), false);
    bench.happen({ kind: "abort-failed", id: id("a"), why: "no monitor" }).pass(RETRY_MS, "silent");
  }
  assert.equal(isOver(bench.state), true);
});

void test("whoever lets go of a point waits for the abort that is on its way", () => {
  const bench = Bench.with("a").measure(1, {});
  bench.take();
  bench.say({ type: "release", id: id("a") });
  assert.deepEqual(bench.take(), []);
  bench.happen({ kind: "abort-ended", id: id("a"), resumed: true });
  assert.deepEqual(bench.take(), ["aborted a", "released a"]);
});

void test("a point is confirmed while it is watched; one that the guard does not know is not", () => {
  const bench = Bench.with("a").say({ type: "confirm", id: id("a") });
  assert.deepEqual(bench.take(), ["confirmed a"]);
  bench.say({ type: "confirm", id: id("b") });
  assert.deepEqual(bench.take(), ["given up b: unusable"]);
});

void test("a thaw in time is the datamover's", () => {
  const bench = new Bench().say(FREEZE);
  assert.deepEqual(bench.take(), ["freeze-watched a"]);
  bench.pass(4_750, "heard").say({ type: "thawed", id: instance("a") });
  assert.deepEqual(bench.take(), ["thawed by datamover"]);
  assert.equal(isBusy(bench.state), false);
});

void test("a thaw that is overdue is the guard's, who says so when the datamover comes", () => {
  const bench = new Bench().say(FREEZE).pass(5_000, "silent");
  assert.deepEqual(bench.take(), ["freeze-watched a", "thaw a"]);
  bench.happen({ kind: "thaw-ended", id: instance("a") });
  bench.say({ type: "thawed", id: instance("a") });
  assert.deepEqual(bench.take(), ["thawed by guard"]);
});

void test("a datamover that comes while the guard thaws hears of it when that is done", () => {
  const bench = new Bench().say(FREEZE).pass(5_000, "heard");
  bench.take();
  bench.say({ type: "thawed", id: instance("a") });
  assert.deepEqual(bench.take(), []);
  bench.happen({ kind: "thaw-ended", id: instance("a") });
  assert.deepEqual(bench.take(), ["thawed by guard"]);
});

void test("a guest whose datamover has ended is thawed at once, again and again until it is", () => {
  const bench = new Bench().say(FREEZE);
  bench.take();
  bench.happen({ kind: "channel-ended" });
  assert.deepEqual(bench.take(), ["thaw a"]);
  bench.happen({ kind: "thaw-failed", id: instance("a"), why: "no agent" }).pass(RETRY_MS, "silent");
  assert.deepEqual(bench.take(), ["thaw a"]);
  bench.happen({ kind: "thaw-ended", id: instance("a") });
  assert.equal(isOver(bench.state), true);
});

void test("a point that is read is aborted when nobody reads it any more", () => {
  const bench = Bench.with("a", "b").say({ type: "readers", id: id("a"), open: 2 });
  bench.measure(99, { a: 4, b: 3 });
  assert.deepEqual(bench.take(), ["given up a: reserve"]);
  bench.measure(99, { a: 4, b: 3 });
  assert.deepEqual(bench.take(), [], "the next point is spared meanwhile");
  bench.say({ type: "confirm", id: id("a") });
  assert.deepEqual(bench.take(), ["given up a: reserve"]);
  bench.say({ type: "readers", id: id("a"), open: 1 });
  assert.deepEqual(bench.take(), []);
  bench.say({ type: "readers", id: id("a"), open: 0 });
  assert.deepEqual(bench.take(), ["abort a and resume"]);
});

void test("a datamover that does not let go of its point is ended, and then the point", () => {
  const bench = Bench.with("a").say({ type: "readers", id: id("a"), open: 1 });
  bench.pass(SETTINGS.silenceMs, "silent");
  assert.deepEqual(bench.take(), ["given up a: silence"]);
  bench.pass((READER_TICKS_MAX - 2) * SETTINGS.intervalMs, "silent");
  assert.deepEqual(bench.take(), []);
  bench.pass(SETTINGS.intervalMs, "silent");
  assert.deepEqual(bench.take(), ["end the datamover"]);
  bench.happen({ kind: "channel-ended" });
  assert.deepEqual(bench.take(), ["abort a"]);
});

void test("a point that its datamover takes down itself is nobody's to abort", () => {
  const bench = Bench.with("a").say({ type: "readers", id: id("a"), open: 1 });
  bench.measure(99, { a: 4 }).say({ type: "release", id: id("a") });
  assert.deepEqual(bench.take(), ["given up a: reserve", "released a"]);
  assert.equal(isBusy(bench.state), false);
});
