import type { ProjectId } from "@cairn/kernel";

/** Deliveries of one project that an engine has on their way at once. */
const OF_PROJECT_MAX = 3;
const REST_MS = { first: 5_000, max: 60_000 } as const;

/**
 * Which receivers and projects an engine has enough to do with: deliveries of one lane go one after the
 * other, and a lane whose receiver did not answer rests, longer each time. So a dead mail server, or a
 * tenant's ten dead webhooks, hold up nothing but what goes there.
 */
export class Lanes {
  readonly #going = new Map<string, ProjectId>();
  readonly #resting = new Map<string, { readonly untilMs: number; readonly pauseMs: number }>();

  get count(): number {
    return this.#going.size;
  }

  begin(lane: string, projectId: ProjectId): void {
    this.#going.set(lane, projectId);
  }

  /** `answered`: the receiver is there, whatever it said. */
  end(lane: string, answered: boolean, nowMs: number): void {
    this.#going.delete(lane);
    const before = this.#resting.get(lane);
    this.#resting.delete(lane);
    if (answered) return;
    const pauseMs = before === undefined ? REST_MS.first : Math.min(before.pauseMs * 2, REST_MS.max);
    this.#resting.set(lane, { untilMs: nowMs + pauseMs, pauseMs });
  }

  /** The lanes that nothing may be begun in now. */
  closed(nowMs: number): string[] {
    for (const [lane, { untilMs }] of this.#resting) {
      // Long over: nothing goes there any more, or it would have ended again.
      if (untilMs + 10 * REST_MS.max < nowMs) this.#resting.delete(lane);
    }
    const resting = [...this.#resting].filter(([, { untilMs }]) => untilMs > nowMs);
    return [...new Set([...this.#going.keys(), ...resting.map(([lane]) => lane)])];
  }

  /** The projects that have enough on its way. */
  busyProjects(): ProjectId[] {
    const counts = Map.groupBy(this.#going.values(), (projectId) => projectId);
    return [...counts].flatMap(([projectId, all]) => (all.length >= OF_PROJECT_MAX ? [projectId] : []));
  }
}
