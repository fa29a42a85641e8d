import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Fault } from "@cairn/kernel";
import { FLUSH_MS, flushGuest } from "./flush.ts";

const domain = { name: "i", uuid: "u", id: 1 };

/** A guest whose `sync` ends after so many looks, on a clock that only sleeping moves. */
function guest(looks: number, started: () => object = () => ({ pid: 7 })) {
  let nowMs = 0;
  const said: string[] = [];
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const agentCommand = async (_: unknown, { line }: { line: string }): Promise<string> => {
    said.push(line);
    const isStart = line.includes('"guest-exec"');
    const answer = isStart ? started() : { exited: said.length > looks + 1 };
    return Promise.resolve(JSON.stringify({ return: answer }));
  };
  return { agent: { client: { agentCommand }, domain, clock }, said, now: () => nowMs };
}
const signal = AbortSignal.timeout(60_000);

void test("a guest writes back before it is frozen, and is asked until it has", async () => {
  const { agent, said } = guest(3);
  assert.equal(await flushGuest(agent, signal), undefined);
  assert.match(said[0] ?? "", /"path":"sync"/);
  assert.equal(said.length, 5);
  assert.match(said.at(-1) ?? "", /"pid":7/);
});

void test("one that does not come to an end is not frozen, and the reason is told", async () => {
  const { agent, now } = guest(Number.POSITIVE_INFINITY);
  assert.match((await flushGuest(agent, signal)) ?? "", /still writing back to its disks after 10 s/);
  assert.equal(now(), FLUSH_MS);
});

void test("an agent that may not run programs is frozen as it is", async () => {
  const { agent } = guest(0, () => {
    throw new Fault("libvirt-refused", "Command guest-exec has been disabled", "never");
  });
  assert.equal(await flushGuest(agent, signal), undefined);
});

void test("a snapshot that is cancelled meanwhile does not go on", async () => {
  const stop = new AbortController();
  const { agent } = guest(Number.POSITIVE_INFINITY, () => {
    stop.abort(new Error("cancelled"));
    return { pid: 7 };
  });
  await assert.rejects(flushGuest(agent, stop.signal), /cancelled/);
});
