import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, Secret, systemClock } from "@cairn/kernel";
import type { BusHost } from "@cairn/openstack";
import { createLog, Status } from "@cairn/service";
import type { Subscription } from "./bus.ts";
import { type ListenerOptions, listenToBus } from "./listener.ts";

const common = { port: 5672, username: "u", password: new Secret("geheim"), vhost: "/", isTls: false };
const hosts: readonly BusHost[] = ["one", "two"].map((hostname) => ({ hostname, ...common }));

type Turn = "away" | "lost" | "stays";

interface Heard {
  readonly tried: string[];
  readonly pausesMs: number[];
  readonly lines: string[];
  caughtUp: number;
  closed: number;
}

/** Listens while the bus behaves by the list; ends with the last turn. */
async function listen(turns: readonly Turn[], fields: Partial<ListenerOptions> = {}): Promise<Heard> {
  const heard: Heard = { tried: [], pausesMs: [], lines: [], caughtUp: 0, closed: 0 };
  const stop = new AbortController();
  const subscribe = async ({ hostname }: BusHost): Promise<Subscription> => {
    const turn = turns[heard.tried.length];
    heard.tried.push(hostname);
    if (turn === "away") throw new Fault("bus-away", `connecting to ${hostname}`, "later");
    if (turn !== "lost") setImmediate(() => stop.abort());
    const close = async (): Promise<void> => {
      heard.closed += 1;
      await Promise.resolve();
    };
    const gone =
      turn === "lost" ? Promise.resolve(new Error("connection reset")) : new Promise<Error>(() => {});
    return Promise.resolve({ gone, close });
  };
  const sleep = async (ms: number): Promise<void> => {
    heard.pausesMs.push(ms);
    await Promise.resolve();
  };
  const catchUp = async (): Promise<void> => {
    heard.caughtUp += 1;
    await Promise.resolve();
  };
  const log = createLog("engine", { write: (line) => heard.lines.push(line) });
  const status = new Status("engine", systemClock);
  const clock = { now: () => 0, sleep };
  await listenToBus({ hosts, subscribe, catchUp, clock, log, status, ...fields }, stop.signal);
  return heard;
}

const said = ({ lines }: Heard, event: string): number => lines.filter((line) => line.includes(event)).length;

test("brokers are tried in turn with growing pauses, and their absence is said once", async () => {
  const heard = await listen(["away", "away", "away", "away", "away", "stays"]);
  assert.deepEqual(heard.tried, ["one", "two", "one", "two", "one", "two"]);
  assert.deepEqual(heard.pausesMs.slice(0, 5), [1000, 2000, 2000, 4000, 4000]);
  assert.equal(said(heard, "notifications.away"), 1);
  assert.equal(heard.caughtUp, 1);
  assert.ok(!heard.lines.join("").includes("geheim"));
});

test("a bus that goes away is subscribed to again, and what was missed is looked for", async () => {
  const heard = await listen(["lost", "away", "stays"]);
  assert.deepEqual(heard.tried, ["one", "two", "one"]);
  assert.deepEqual([heard.caughtUp, heard.closed], [2, 2]);
  assert.equal(said(heard, "notifications.gone"), 1);
});

test("who is told to stop does not wait for a broker that does not answer", async () => {
  const late = Promise.withResolvers<Subscription>();
  const closed = Promise.withResolvers<undefined>();
  const stop = new AbortController();
  const options: ListenerOptions = {
    hosts,
    subscribe: async () => {
      setImmediate(() => stop.abort());
      return late.promise;
    },
    catchUp: async () => Promise.resolve(),
    clock: systemClock,
    log: createLog("engine", { write: () => undefined }),
    status: new Status("engine", systemClock),
  };
  await listenToBus(options, stop.signal);
  const close = async (): Promise<void> => {
    closed.resolve(undefined);
    await Promise.resolve();
  };
  late.resolve({ gone: new Promise<Error>(() => {}), close });
  await closed.promise;
});

test("listening goes on although nobody could look for what was missed", async () => {
  const catchUp = async (): Promise<void> =>
    Promise.reject(new Fault("openstack-unavailable", "reading instance i", "later"));
  const heard = await listen(["lost", "stays"], { catchUp });
  assert.equal(heard.tried.length, 2);
  assert.equal(said(heard, "notifications.catch-up-failed"), 2);
});
