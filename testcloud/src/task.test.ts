import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { performTasks, startOrder, type Task, type TaskProgress } from "./task.ts";

const task = (name: string, after: readonly string[] = []): Pick<Task, "name" | "after"> => ({ name, after });
const silent: TaskProgress = { onStart: () => undefined, onEnd: () => undefined };

describe("the order of tasks", () => {
  it("puts each task after what it needs and else keeps the order given", () => {
    const order = startOrder([task("c", ["b"]), task("a"), task("b", ["a"]), task("d")]);
    assert.deepEqual(order, ["a", "b", "c", "d"]);
  });

  const impossible: readonly [string, Pick<Task, "name" | "after">[], RegExp][] = [
    ["two tasks of one name", [task("a"), task("a")], /given twice/],
    ["a need that does not exist", [task("a", ["x"])], /"a" waits for "x", which does not exist/],
    ["tasks that wait for each other", [task("a", ["b"]), task("b", ["a"])], /wait for each other: a, b/],
  ];
  for (const [what, tasks, reason] of impossible) {
    it(`refuses ${what}`, () => {
      assert.throws(() => startOrder(tasks), reason);
    });
  }
});

describe("performing tasks", () => {
  it("starts each as soon as what it needs is there, and only so many heavy ones at once", async () => {
    const events: string[] = [];
    let heavyNow = 0;
    let heavyMost = 0;
    const work = (name: string, after: readonly string[], weight: Task["weight"]): Task => ({
      ...task(name, after),
      weight,
      perform: async () => {
        if (weight === "heavy") heavyNow += 1;
        heavyMost = Math.max(heavyMost, heavyNow);
        await new Promise((resolve) => setImmediate(resolve));
        if (weight === "heavy") heavyNow -= 1;
        events.push(name);
        return "done";
      },
    });
    const heavy = ["h1", "h2", "h3", "h4"].map((name) => work(name, [], "heavy"));
    const tasks = [...heavy, work("last", ["h4", "light"], "light"), work("light", [], "light")];
    await performTasks(tasks, { heavyMax: 2, signal: new AbortController().signal, progress: silent });
    assert.equal(heavyMost, 2);
    assert.equal(events.at(-1), "last");
    assert.equal(events.length, tasks.length);
  });

  it("stops the others at the first failure, waits for them, and names that failure", async () => {
    let wasStopped = false;
    const performed: string[] = [];
    const tasks: Task[] = [
      {
        ...task("long"),
        weight: "light",
        perform: async (signal) => {
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
          wasStopped = true;
          return "done";
        },
      },
      { ...task("bad"), weight: "heavy", perform: () => Promise.reject(new Error("no disk")) },
      {
        ...task("behind", ["bad"]),
        weight: "light",
        perform: () => {
          performed.push("behind");
          return Promise.resolve("done");
        },
      },
    ];
    const performing = performTasks(tasks, {
      heavyMax: 1,
      signal: new AbortController().signal,
      progress: silent,
    });
    await assert.rejects(performing, /no disk/);
    assert.ok(wasStopped);
    assert.deepEqual(performed, []);
  });
});
