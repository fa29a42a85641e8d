import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Fault } from "@cairn/kernel";
import { judgeVolume } from "../cinder/volume-goals.ts";
import { judgeImage } from "../glance/images.ts";
import { describeServer, judgeServer } from "../nova/server-goals.ts";
import { type Verdict, waitUntil } from "./waiting.ts";

/** A clock that only moves when somebody sleeps on it, and remembers how long. */
function sleeper(): Clock & { readonly pauses: number[] } {
  const pauses: number[] = [];
  let ms = 0;
  return {
    pauses,
    now: () => ms,
    sleep: (pause, signal) => {
      signal?.throwIfAborted();
      pauses.push(pause);
      ms += pause;
      return Promise.resolve();
    },
  };
}

async function wait(
  looks: readonly (string | Fault)[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<string | undefined> {
  let turn = 0;
  return waitUntil<string>({
    doing: "waiting for it to become good",
    clock,
    limit: { withinMs: 60_000, signal },
    observe: () => {
      const look = looks[Math.min(turn, looks.length - 1)];
      turn += 1;
      return look instanceof Fault ? Promise.reject(look) : Promise.resolve(look);
    },
    judge: (it) => (it === "good" ? "reached" : it === "bad" ? "broken" : "pending"),
    describe: (it) => it ?? "gone",
  });
}

void test("a wait looks again with growing pauses until the thing is there", async () => {
  const clock = sleeper();
  assert.equal(await wait(["slow", "slow", "slow", "good"], clock), "good");
  assert.deepEqual(clock.pauses, [200, 300, 450]);
});

void test("a wait ends at once when the thing is broken, and says how it is", async () => {
  const clock = sleeper();
  await assert.rejects(wait(["slow", "bad"], clock), { code: "openstack-broken", message: /it is bad$/ });
});

void test("a wait ends when its time is over, never later, and pauses at most five seconds", async () => {
  const clock = sleeper();
  await assert.rejects(wait(["slow"], clock), {
    code: "openstack-timeout",
    message: /for 60 s: it is slow$/,
  });
  assert.equal(clock.now(), 60_000);
  assert.equal(Math.max(...clock.pauses), 5000);
});

void test("a look that the cloud did not answer is taken again; another fault ends the wait", async () => {
  const away = new Fault("openstack-unavailable", "reading it", "later");
  assert.equal(await wait([away, away, "good"], sleeper()), "good");
  await assert.rejects(wait([away], sleeper()), { code: "openstack-timeout", cause: away });
  const forbidden = new Fault("openstack-forbidden", "reading it", "never");
  await assert.rejects(wait([forbidden, "good"], sleeper()), forbidden);
});

void test("a wait ends with the caller's own reason when it is aborted", async () => {
  const reason = new Error("cancelled");
  await assert.rejects(wait(["slow"], sleeper(), AbortSignal.abort(reason)), reason);
});

void test("an instance counts as arrived only when no task is under way", () => {
  const table: readonly [
    string | undefined,
    string | undefined,
    Parameters<typeof judgeServer>[1],
    Verdict,
  ][] = [
    ["ACTIVE", undefined, "ACTIVE", "reached"],
    ["ACTIVE", "powering-off", "ACTIVE", "pending"],
    ["BUILD", "spawning", "ACTIVE", "pending"],
    ["BUILD", undefined, "ACTIVE", "pending"],
    ["ERROR", undefined, "ACTIVE", "broken"],
    ["ERROR", "deleting", "absent", "pending"],
    ["ERROR", undefined, "absent", "broken"],
    ["SHUTOFF", undefined, "ACTIVE", "pending"],
    ["SHUTOFF", undefined, "SHUTOFF", "reached"],
    ["SHUTOFF", undefined, "built", "reached"],
    ["ACTIVE", undefined, "built", "reached"],
    ["BUILD", "spawning", "built", "pending"],
    ["ACTIVE", "powering-off", "SHUTOFF", "pending"],
    ["DELETED", undefined, "SHUTOFF", "broken"],
    ["SOFT_DELETED", undefined, "absent", "reached"],
    [undefined, undefined, "absent", "reached"],
    [undefined, undefined, "ACTIVE", "broken"],
  ];
  for (const [status, taskState, goal, verdict] of table) {
    const server = status === undefined ? undefined : { status, taskState, fault: undefined };
    assert.equal(judgeServer(server, goal), verdict, `${String(status)} ${String(taskState)} → ${goal}`);
  }
  const failed = {
    status: "ERROR",
    taskState: undefined,
    fault: { code: 500, message: "No valid host was found." },
  };
  assert.equal(describeServer(failed), "ERROR: No valid host was found.");
  assert.equal(
    describeServer({ status: "BUILD", taskState: "spawning", fault: undefined }),
    "BUILD (spawning)",
  );
});

void test("a volume's and an image's ways are judged by their tables", () => {
  const volumes: readonly [string | undefined, Parameters<typeof judgeVolume>[1], Verdict][] = [
    ["creating", "available", "pending"],
    ["downloading", "available", "pending"],
    ["detaching", "available", "pending"],
    ["available", "available", "reached"],
    ["error", "available", "broken"],
    ["error_restoring", "in-use", "broken"],
    ["deleting", "available", "broken"],
    ["attaching", "in-use", "pending"],
    ["in-use", "in-use", "reached"],
    ["deleting", "absent", "pending"],
    ["error", "absent", "pending"],
    ["error_deleting", "absent", "broken"],
    [undefined, "absent", "reached"],
    [undefined, "available", "broken"],
  ];
  for (const [status, goal, verdict] of volumes) {
    assert.equal(judgeVolume(status, goal), verdict, `${String(status)} → ${goal}`);
  }
  assert.equal(judgeImage("saving", "active"), "pending");
  assert.equal(judgeImage("active", "active"), "reached");
  assert.equal(judgeImage("killed", "active"), "broken");
  assert.equal(judgeImage("active", "absent"), "pending");
  assert.equal(judgeImage(undefined, "absent"), "reached");
});
