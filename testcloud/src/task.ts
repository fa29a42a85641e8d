import { Fault } from "@cairn/kernel";

/** `already`: nothing was to be done. */
export type TaskOutcome = "done" | "already";

/** A step of `up`. It may be performed again at any time and does then only what is missing. */
export interface Task {
  readonly name: string;
  /** Tasks that must have been performed before. */
  readonly after: readonly string[];
  /** `heavy` ones keep a processor busy; only so many run side by side. */
  readonly weight: "light" | "heavy";
  readonly perform: (signal: AbortSignal) => Promise<TaskOutcome>;
}

type Ordered = Pick<Task, "name" | "after">;

/**
 * The names in an order in which each comes after what it needs; ties keep the order given. Fault
 * `order-impossible` when a name is unknown or given twice, or tasks wait for each other.
 */
export function startOrder(tasks: readonly Ordered[]): string[] {
  const names = new Set(tasks.map(({ name }) => name));
  if (names.size < tasks.length) throw impossible("a name is given twice");
  for (const { name, after } of tasks) {
    const unknown = after.find((each) => !names.has(each));
    if (unknown !== undefined) throw impossible(`"${name}" waits for "${unknown}", which does not exist`);
  }
  const order: string[] = [];
  let waiting = [...tasks];
  while (waiting.length > 0) {
    const next = waiting.find(({ after }) => after.every((each) => order.includes(each)));
    if (next === undefined) {
      throw impossible(`these wait for each other: ${waiting.map(({ name }) => name).join(", ")}`);
    }
    order.push(next.name);
    waiting = waiting.filter((each) => each !== next);
  }
  return order;
}

function impossible(reason: string): Fault {
  return new Fault("order-impossible", `ordering the test cloud's tasks: ${reason}`, "never");
}

export interface TaskProgress {
  readonly onStart: (task: Task) => void;
  readonly onEnd: (task: Task, outcome: TaskOutcome) => void;
}

/**
 * Performs all tasks, each as soon as what it needs is there, at most `heavyMax` heavy ones at once. The
 * first failure stops the rest through their signal, all are awaited, and that failure is thrown.
 */
export async function performTasks(
  tasks: readonly Task[],
  { heavyMax, signal, progress }: { heavyMax: number; signal: AbortSignal; progress: TaskProgress },
): Promise<void> {
  startOrder(tasks);
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const lanes = new Lanes(heavyMax);
  const ends = new Map<string, PromiseWithResolvers<void>>();
  for (const { name } of tasks) ends.set(name, Promise.withResolvers());
  const perform = async (task: Task): Promise<void> => {
    for (const name of task.after) await ends.get(name)?.promise;
    if (stop.aborted) return;
    const leave = task.weight === "heavy" ? await lanes.enter() : () => undefined;
    try {
      stop.throwIfAborted();
      progress.onStart(task);
      progress.onEnd(task, await task.perform(stop));
    } catch (cause) {
      failure.abort(cause);
    } finally {
      leave();
    }
  };
  // A task that was not performed ends, too: those behind it then see that all is stopped.
  await Promise.all(tasks.map((task) => perform(task).finally(() => ends.get(task.name)?.resolve())));
  stop.throwIfAborted();
}

/** So many may be inside; the others wait in line. */
class Lanes {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
    return () => this.#leave();
  }

  #leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
