import assert from "node:assert/strict";
import { test } from "node:test";
import { planAdmission } from "./admission.ts";
import { type AdmittedRun, AGED_MS, type WaitingRun } from "./admission-queue.ts";
import { type AdmissionRule, type HoursRule, isWithinHours } from "./admission-rules.ts";

const NOW = Date.parse("2026-03-02T12:00:00Z"); // a Monday

function waiting(runId: string, fields: Partial<WaitingRun> = {}): WaitingRun {
  return {
    runId,
    projectId: "p1",
    targetId: "t1",
    hosts: ["h1"],
    isScheduled: true,
    askedMs: NOW - 60_000,
    ...fields,
  };
}

const running = (runId: string, fields: Partial<AdmittedRun> = {}): AdmittedRun => waiting(runId, fields);

function plan(
  rules: readonly AdmissionRule[],
  queue: readonly WaitingRun[],
  active: readonly AdmittedRun[] = [],
) {
  return planAdmission({ rules, waiting: queue, running: active, nowMs: NOW });
}

test("without a rule everybody begins, in order", () => {
  const { admitted, waiting: held } = plan([], [waiting("b"), waiting("a")]);
  assert.deepEqual(admitted, ["a", "b"]);
  assert.deepEqual(held, []);
});

const caps = [
  ["cloud", { kind: "cap", scope: "cloud", max: 1 }, "1 of 1 snapshots of the cloud run"],
  ["target", { kind: "cap", scope: "target", subject: "t1", max: 1 }, "1 of 1 snapshots of target t1 run"],
  ["host", { kind: "cap", scope: "host", max: 1 }, "1 of 1 snapshots of host h1 run"],
  ["project", { kind: "cap", scope: "project", max: 1 }, "1 of 1 snapshots of project p1 run"],
] as const;

for (const [what, rule, text] of caps) {
  test(`a cap by ${what} holds back the next one, which says so`, () => {
    const { admitted, waiting: held } = plan([rule], [waiting("a"), waiting("b")]);
    assert.deepEqual(admitted, ["a"]);
    assert.deepEqual(held, [{ runId: "b", place: 1, reason: { code: "cap", text } }]);
    assert.deepEqual(plan([rule], [waiting("b")], [running("a")]).admitted, []);
  });
}

test("a rule that names a host stands in place of the one for each host", () => {
  const rules: AdmissionRule[] = [
    { kind: "cap", scope: "host", max: 1 },
    { kind: "cap", scope: "host", subject: "big", max: 3 },
  ];
  const queue = ["a", "b", "c", "d"].map((id) => waiting(id, { hosts: ["big"] }));
  assert.deepEqual(plan(rules, queue).admitted, ["a", "b", "c"]);
});

test("a snapshot on several hosts needs a place on each, and takes one on each", () => {
  const rule: AdmissionRule = { kind: "cap", scope: "host", max: 1 };
  const queue = [
    waiting("a", { hosts: ["h1", "h2"] }),
    waiting("b", { hosts: ["h2"] }),
    waiting("c", { hosts: ["h3"] }),
  ];
  assert.deepEqual(plan([rule], queue).admitted, ["a", "c"]);
});

test("a snapshot that a person asked for goes before scheduled ones that wait longer", () => {
  const rule: AdmissionRule = { kind: "cap", scope: "cloud", max: 1 };
  const queue = [waiting("old", { askedMs: NOW - 900_000 }), waiting("mine", { isScheduled: false })];
  assert.deepEqual(plan([rule], queue).admitted, ["mine"]);
});

test("projects take turns, however much one of them asks for", () => {
  const rule: AdmissionRule = { kind: "cap", scope: "cloud", max: 4 };
  const many = ["a1", "a2", "a3", "a4"].map((id, index) => waiting(id, { askedMs: NOW - 90_000 + index }));
  const few = [waiting("b1", { projectId: "p2" }), waiting("c1", { projectId: "p3" })];
  assert.deepEqual(plan([rule], [...many, ...few]).admitted, ["a1", "b1", "c1", "a2"]);
});

test("who has waited for an hour comes before everybody, and keeps a place where it needs one", () => {
  const rules: AdmissionRule[] = [{ kind: "cap", scope: "host", max: 1 }];
  const large = waiting("large", { hosts: ["h1", "h2"], askedMs: NOW - AGED_MS });
  const small = waiting("small", { hosts: ["h2"], isScheduled: false });
  const held = plan(rules, [small, large], [running("r", { hosts: ["h1"] })]);
  assert.deepEqual(held.admitted, []);
  assert.deepEqual(
    held.waiting.map(({ runId, reason }) => [runId, reason.code]),
    [
      ["large", "cap"],
      ["small", "reserved"],
    ],
  );
  assert.deepEqual(plan(rules, [small, large]).admitted, ["large"]);
});

test("a limit of none holds one back without keeping places from others", () => {
  const rules: AdmissionRule[] = [
    { kind: "cap", scope: "host", subject: "down", max: 0 },
    { kind: "cap", scope: "host", max: 1 },
  ];
  const stuck = waiting("stuck", { hosts: ["down", "h2"], askedMs: NOW - 2 * AGED_MS });
  assert.deepEqual(plan(rules, [stuck, waiting("free", { hosts: ["h2"] })]).admitted, ["free"]);
});

const night: HoursRule = {
  kind: "window",
  scope: "cloud",
  timeZone: "Europe/Rome",
  weekdays: [0, 1, 2, 3, 4],
  fromMinute: 20 * 60,
  toMinute: 6 * 60,
};

const instants = [
  ["2026-03-02T19:30:00Z", true, "Monday 20:30"],
  ["2026-03-03T04:59:00Z", true, "Tuesday 05:59, since Monday"],
  ["2026-03-03T05:00:00Z", false, "Tuesday 06:00"],
  ["2026-03-02T03:00:00Z", false, "Monday 04:00: no window began on Sunday"],
  ["2026-03-07T04:00:00Z", true, "Saturday 05:00, since Friday"],
  ["2026-03-07T20:00:00Z", false, "Saturday 21:00"],
  ["2026-03-30T18:30:00Z", true, "Monday 20:30 in summer"],
] as const;

for (const [instant, isOpen, sentence] of instants) {
  test(`a window of the night of weekdays is ${isOpen ? "open" : "closed"} on ${sentence}`, () => {
    assert.equal(isWithinHours(night, Date.parse(instant)), isOpen);
  });
}

test("outside of the window scheduled snapshots wait, those of people do not", () => {
  const { admitted, waiting: held } = plan([night], [waiting("s"), waiting("mine", { isScheduled: false })]);
  assert.deepEqual(admitted, ["mine"]);
  assert.equal(
    held[0]?.reason.text,
    "outside of the backup window of the cloud (mon-fri 20:00-06:00 Europe/Rome)",
  );
});

test("in a blackout nothing begins; that of a host concerns whoever is on it", () => {
  const noon: HoursRule = {
    ...night,
    kind: "blackout",
    scope: "host",
    subject: "h1",
    fromMinute: 0,
    toMinute: 0,
  };
  const mine = waiting("mine", { isScheduled: false });
  const { admitted, waiting: held } = plan([noon], [mine, waiting("else", { hosts: ["h2"] })]);
  assert.deepEqual(admitted, ["else"]);
  assert.equal(held[0]?.reason.code, "blackout");
});

/** A small generator of numbers, the same for the same seed. */
function numbers(seed: number): (max: number) => number {
  let state = seed;
  return (max) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * max);
  };
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`whatever comes, no cap is passed and nobody waits for ever (seed ${seed})`, () => {
    const pick = numbers(seed);
    const rules: AdmissionRule[] = [
      { kind: "cap", scope: "cloud", max: 6 },
      { kind: "cap", scope: "host", max: 2 },
      { kind: "cap", scope: "project", subject: "p0", max: 1 },
    ];
    let queue: WaitingRun[] = [];
    let active: (WaitingRun & { endMs: number })[] = [];
    const waited: number[] = [];
    for (let minute = 0; minute < 2_000; minute += 1) {
      const nowMs = NOW + minute * 60_000;
      active = active.filter((run) => run.endMs > nowMs);
      // A third of what the cloud can do, and now and then a workload that is everywhere.
      if (minute < 1_700 && pick(4) === 0) {
        const hosts = pick(12) === 0 ? ["h0", "h1", "h2", "h3"] : [`h${pick(4)}`];
        const fields = { projectId: `p${pick(4)}`, hosts, isScheduled: pick(3) > 0, askedMs: nowMs };
        queue.push(waiting(`r${minute}`, fields));
      }
      const { admitted, waiting: held } = planAdmission({ rules, waiting: queue, running: active, nowMs });
      assert.equal(admitted.length + held.length, queue.length);
      for (const id of admitted) {
        const run = queue.find((each) => each.runId === id);
        assert.ok(run !== undefined);
        waited.push(nowMs - run.askedMs);
        active.push({ ...run, endMs: nowMs + (1 + pick(20)) * 60_000 });
      }
      queue = queue.filter((run) => !admitted.includes(run.runId));
      assert.ok(active.length <= 6);
      assert.ok(active.filter((run) => run.projectId === "p0").length <= 1);
      for (const host of ["h0", "h1", "h2", "h3"]) {
        assert.ok(active.filter((run) => run.hosts.includes(host)).length <= 2, host);
      }
    }
    assert.deepEqual(queue, [], "all of them began");
    assert.ok(Math.max(...waited) < 4 * AGED_MS, `longest wait ${Math.max(...waited) / 60_000} min`);
  });
}

test("twenty thousand that wait are judged in well under a second", () => {
  const queue = Array.from({ length: 20_000 }, (_, index) =>
    waiting(`r${index}`, { projectId: `p${index % 200}`, hosts: [`h${index % 50}`], askedMs: NOW - index }),
  );
  const before = process.cpuUsage();
  const { admitted } = plan([{ kind: "cap", scope: "cloud", max: 100 }], queue);
  const { user, system } = process.cpuUsage(before);
  assert.equal(admitted.length, 100);
  assert.ok(user + system < 2_000_000, `${(user + system) / 1000} ms of CPU`);
});
