import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, type Clock, Fault } from "@cairn/kernel";
import type { Cloud, Server } from "@cairn/openstack";
import { hostAtRest, type PlaceContext } from "./instance-place.ts";

type Seen = Partial<Pick<Server, "status" | "taskState" | "host">> | "gone" | "away";

/**
 * A context in which Nova answers by the list, whose last entry stands for ever; time passes in sleep only.
 */
function contextOf(answers: readonly Seen[]): PlaceContext & { readonly looks: () => number } {
  let looks = 0;
  let nowMs = 0;
  const find = async (): Promise<Server | undefined> => {
    const answer = answers[Math.min(looks, answers.length - 1)] ?? "gone";
    looks += 1;
    if (answer === "away") throw new Fault("openstack-unavailable", "reading instance i", "later");
    if (answer === "gone") return Promise.resolve(undefined);
    return Promise.resolve({ projectId: "p", status: "ACTIVE", host: "one", ...answer } as Server);
  };
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
      await Promise.resolve();
    },
  };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const admin = { nova: { servers: { find } } } as unknown as Cloud;
  const { signal } = new AbortController();
  return { admin, clock, log, signal, run: { projectId: asId("p") }, looks: () => looks };
}

const place = { instanceId: "i", instanceName: "web", host: "one" };
const refusal = async (answers: readonly Seen[]): Promise<Fault> => {
  const fault = await hostAtRest(contextOf(answers), place).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(fault instanceof Fault && fault.retry === "never");
  return fault;
};

test("an instance is read where it is today, once Nova has done what it was doing to it", async () => {
  const context = contextOf([
    { taskState: "powering-off" },
    { taskState: "migrating" },
    { host: asId("two") },
  ]);
  assert.equal(await hostAtRest(context, place), "two");
  assert.equal(context.looks(), 3);
  assert.equal(await hostAtRest(contextOf([{ taskState: "image_uploading" }]), place), "one");
});

test("while Nova gives no answer an instance is looked for where the plan saw it", async () => {
  assert.equal(await hostAtRest(contextOf(["away"]), place), "one");
});

test("an instance that cannot be read any more is named with what to do", async () => {
  assert.match(
    (await refusal(["gone"])).message,
    /instance web \(i\): it does not exist any more; take it out/,
  );
  const shelved: Seen = { status: "SHELVED_OFFLOADED", host: undefined };
  assert.match((await refusal([shelved])).message, /SHELVED_OFFLOADED and on no compute node; try again/);
  assert.match(
    (await refusal([{ taskState: "migrating" }])).message,
    /being changed \(migrating\) for too long/,
  );
});
