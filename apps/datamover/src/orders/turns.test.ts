import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

const never = new AbortController().signal;

void test("so many have a turn on one name, in order of arrival; other names do not wait", async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  const first = await turns.take("a", never);
  const second = await turns.take("a", never);
  const waiting = [3, 4].map(async (number) => {
    const turn = await turns.take("a", never);
    order.push(number);
    return turn;
  });
  (await turns.take("b", never))[Symbol.dispose]();
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  const third = await waiting[0];
  assert.deepEqual(order, [3]);
  second[Symbol.dispose]();
  const fourth = await waiting[1];
  assert.deepEqual(order, [3, 4]);
  third?.[Symbol.dispose]();
  fourth?.[Symbol.dispose]();
  (await turns.take("a", never))[Symbol.dispose]();
});

void test("who is cancelled while waiting leaves the queue, and the next one is not held up", async () => {
  const turns = new Turns(1);
  const cancel = new AbortController();
  const first = await turns.take("a", never);
  const cancelled = turns.take("a", cancel.signal);
  const last = turns.take("a", never);
  cancel.abort(new Error("cancelled"));
  await assert.rejects(cancelled, /cancelled/);
  first[Symbol.dispose]();
  (await last)[Symbol.dispose]();
  await assert.rejects(turns.take("a", cancel.signal), /cancelled/);
});
