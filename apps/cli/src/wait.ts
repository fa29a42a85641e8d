import type { Progress } from "@cairn/contract";
import { looks } from "@cairn/sdk";
import { renderProgressBlock, renderProgressLine, type WaitView } from "./output/progress-block.ts";
import type { Screen, Shell } from "./shell.ts";

/** What one look at a snapshot or restore told. */
export interface Look {
  /** `snapshot nightly`, once its name is known; shown instead of what was waited for by id. */
  readonly title?: string;
  readonly status: string;
  readonly percent: number;
  readonly progress: Progress | null;
}

export interface WaitFor<Seen extends Look> {
  /** `snapshot 4f9c…`. */
  readonly title: string;
  readonly look: () => Promise<Seen>;
  readonly isOver: (seen: Seen) => boolean;
}

const LINE_EVERY_MS = 2_000;
/** The rate that is shown is that of the last few looks. */
const RATE_OVER_MS = 10_000;

/**
 * Looks until it is over, and shows the progress on standard error meanwhile. Throws the signal's reason on
 * Ctrl-C.
 */
export async function waitUntilOver<Seen extends Look>(shell: Shell, wait: WaitFor<Seen>): Promise<Seen> {
  const { clock, signal } = shell;
  const display = shell.err.isTerminal ? blockDisplay(shell.err) : lineDisplay(shell.err);
  const rate = new RateMeter();
  for await (const seen of looks(wait.look, { title: wait.title, clock, signal })) {
    const bytesPerSecond = rate.add(clock.now(), doneBytes(seen.progress));
    const isOver = wait.isOver(seen);
    display.show({ title: wait.title, ...seen, bytesPerSecond }, clock.now(), isOver);
    if (isOver) return seen;
  }
  throw new Error(`bug: looking at ${wait.title} ended by itself`);
}

function doneBytes(progress: Progress | null): number {
  return (progress?.disks ?? []).reduce((sum, disk) => sum + disk.done_bytes, 0);
}

/** Shows what is being waited for. */
interface Display {
  show(view: WaitView, nowMs: number, isLast: boolean): void;
}

/** One block that is drawn over itself. */
function blockDisplay(screen: Screen): Display {
  let drawn = 0;
  return {
    show: (view) => {
      const lines = renderProgressBlock(view, screen.columns ?? 80);
      const back = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`;
      screen.write(`${back}${lines.join("\n")}\n`);
      drawn = lines.length;
    },
  };
}

/** A line at each change of phase, and now and then between. */
function lineDisplay(screen: Screen): Display {
  let last = "";
  let phase = "";
  let atMs = Number.NEGATIVE_INFINITY;
  return {
    show: (view, nowMs, isLast) => {
      const line = renderProgressLine(view);
      const phaseNow = view.progress?.phase ?? view.status;
      const isDue = nowMs - atMs >= LINE_EVERY_MS || phaseNow !== phase || isLast;
      if (!isDue || line === last) return;
      screen.write(`${line}\n`);
      [last, phase, atMs] = [line, phaseNow, nowMs];
    },
  };
}

/** Bytes a second over the last seconds. */
export class RateMeter {
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** Takes what is done by now; gives the rate, or `undefined` while it cannot be told. */
  add(atMs: number, bytes: number): number | undefined {
    this.#samples = [...this.#samples, { atMs, bytes }].filter((each) => atMs - each.atMs <= RATE_OVER_MS);
    const first = this.#samples[0];
    if (first === undefined || atMs === first.atMs || bytes < first.bytes) return undefined;
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs);
  }
}
