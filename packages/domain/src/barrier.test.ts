import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BARRIER_FREEZE_MS,
  BARRIER_GATHER_MS,
  BARRIER_SKEW_MS,
  type BarrierSays,
  type BarrierState,
  type BarrierVerdict,
  barrierDueMs,
  barrierStep,
  openBarrier,
  workloadPoint,
} from "./barrier.ts";

/** A barrier at which instances say things, at times that the test gives. */
class Meeting {
  state: BarrierState;
  constructor(members: readonly string[]) {
    this.state = openBarrier(members, 0);
  }
  say(instanceId: string, at: BarrierSays["at"], nowMs: number, attempt = "1"): BarrierVerdict {
    const { state, verdict } = barrierStep(
      this.state,
      { instanceId, at, attempt, because: "it died" },
      nowMs,
    );
    this.state = state;
    return verdict;
  }
}

const verdict = ({ verdict: word }: BarrierVerdict): string => word;

test("nobody is frozen before all are prepared, and no point is taken before all are frozen", () => {
  const meeting = new Meeting(["a", "b", "c"]);
  assert.equal(verdict(meeting.say("a", "prepared", 10)), "wait");
  assert.equal(verdict(meeting.say("b", "prepared", 20)), "wait");
  assert.equal(verdict(meeting.say("c", "prepared", 30)), "freeze");
  assert.equal(verdict(meeting.say("a", "prepared", 31)), "freeze");
  assert.equal(verdict(meeting.say("a", "frozen", 100)), "wait");
  assert.equal(verdict(meeting.say("b", "prepared", 101)), "freeze");
  assert.equal(verdict(meeting.say("b", "frozen", 150)), "wait");
  assert.equal(verdict(meeting.say("c", "frozen", 200)), "cut");
  assert.equal(verdict(meeting.say("a", "frozen", 201)), "cut");
  assert.deepEqual(meeting.say("a", "taken", 260), { verdict: "noted", afterMs: 60 });
  assert.deepEqual(meeting.say("a", "thawed", 300), { verdict: "noted", afterMs: 270 });
});

test("an instance that is not ready in time is not waited for: all go on alone, and are told why", () => {
  const meeting = new Meeting(["a", "b"]);
  assert.equal(verdict(meeting.say("a", "prepared", 0)), "wait");
  assert.equal(barrierDueMs(meeting.state), BARRIER_GATHER_MS);
  const told = meeting.say("a", "prepared", BARRIER_GATHER_MS);
  assert.ok(told.verdict === "alone" && /not ready within 60 s: instance b/.test(told.because));
  assert.equal(verdict(meeting.say("b", "prepared", BARRIER_GATHER_MS + 1)), "alone");
});

test("a freeze that takes too long does not keep the others frozen", () => {
  const meeting = new Meeting(["a", "b"]);
  meeting.say("a", "prepared", 0);
  meeting.say("b", "prepared", 0);
  assert.equal(verdict(meeting.say("a", "frozen", 100)), "wait");
  assert.equal(barrierDueMs(meeting.state), BARRIER_FREEZE_MS);
  assert.equal(verdict(meeting.say("a", "frozen", BARRIER_FREEZE_MS)), "cut");
  assert.equal(verdict(meeting.say("b", "frozen", BARRIER_FREEZE_MS + 700)), "cut");
  assert.deepEqual(meeting.say("b", "taken", BARRIER_FREEZE_MS + 800), { verdict: "noted", afterMs: 800 });
});

test("an instance that fails while others are frozen lets them go at once", () => {
  const meeting = new Meeting(["a", "b"]);
  meeting.say("a", "prepared", 0);
  meeting.say("b", "prepared", 0);
  assert.equal(verdict(meeting.say("a", "frozen", 10)), "wait");
  meeting.say("b", "left", 20);
  const told = meeting.say("a", "frozen", 21);
  assert.ok(told.verdict === "alone" && /instance b failed at the barrier: it died/.test(told.because));
  assert.equal(verdict(meeting.say("b", "prepared", 5_000, "2")), "alone");
});

test("an instance that fails before anything is frozen may come again", () => {
  const meeting = new Meeting(["a", "b"]);
  meeting.say("b", "prepared", 0);
  meeting.say("b", "left", 5);
  assert.equal(verdict(meeting.say("a", "prepared", 10)), "wait");
  assert.equal(verdict(meeting.say("b", "prepared", 900, "2")), "freeze");
  assert.equal(verdict(meeting.say("b", "left", 901, "1")), "noted");
  assert.equal(verdict(meeting.say("a", "frozen", 950)), "wait");
});

test("a second attempt of an instance whose first was frozen is too late for the others' points", () => {
  const meeting = new Meeting(["a", "b"]);
  for (const id of ["a", "b"]) meeting.say(id, "prepared", 0);
  for (const id of ["a", "b"]) meeting.say(id, "frozen", 10);
  assert.equal(verdict(meeting.say("b", "prepared", 20, "2")), "alone");
  assert.equal(verdict(meeting.say("a", "taken", 30)), "noted");
});

const together = { kind: "together", takenMs: 40, thawedMs: 500 } as const;

test("a snapshot's points are one when all were taken at the barrier, within the skew that is told", () => {
  const later = { ...together, takenMs: 120, thawedMs: 400 };
  const members = [
    { name: "a", barrier: together },
    { name: "b", barrier: later },
  ];
  assert.deepEqual(workloadPoint(members), { kind: "together", skewMs: 120, windowMs: 500 });
  assert.equal(workloadPoint([{ name: "a" }]), undefined);
});

test("one point that was taken alone, or too late, makes them many", () => {
  const apart = { kind: "apart", because: "it was stopped" } as const;
  assert.deepEqual(
    workloadPoint([
      { name: "a", barrier: together },
      { name: "b", barrier: apart },
    ]),
    { kind: "apart", because: "b: it was stopped" },
  );
  const late = { ...together, takenMs: BARRIER_SKEW_MS + 1 };
  assert.equal(workloadPoint([{ name: "a", barrier: late }])?.kind, "apart");
});
