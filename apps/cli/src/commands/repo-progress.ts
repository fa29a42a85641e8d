import { renderProgressBlock } from "../output/progress-block.ts";
import { clipped } from "../output/width.ts";
import type { Shell } from "../shell.ts";
import { RateMeter } from "../wait.ts";

const DRAW_EVERY_MS = 200;

/** One line on a terminal that is drawn over itself; nothing where standard error is no terminal. */
export interface StatusLine {
  show(text: string): void;
  clear(): void;
}

export function statusLine(shell: Shell): StatusLine {
  const block = drawnBlock(shell);
  return { show: (text) => block.draw(() => [text]), clear: () => block.clear() };
}

/** Progress of a disk that is being written. */
export interface DiskProgress {
  report(doneBytes: number, totalBytes: number): void;
  clear(): void;
}

/** A headline with rate and remaining time, and a bar, while a disk is written. Quiet without a terminal. */
export function diskProgress(shell: Shell, title: string, disk: string): DiskProgress {
  const block = drawnBlock(shell);
  const rate = new RateMeter();
  return {
    report: (doneBytes, totalBytes) => {
      block.draw((nowMs) => {
        const bytesPerSecond = rate.add(nowMs, doneBytes);
        const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
        const progress = {
          phase: "writing",
          bytes_per_second: null,
          remaining_seconds: null,
          disks: [
            {
              disk_id: disk,
              instance_id: "",
              instance: "",
              disk,
              done_bytes: doneBytes,
              total_bytes: totalBytes,
              stored_bytes: 0,
            },
          ],
        };
        const view = { title, status: "writing", percent, progress, bytesPerSecond };
        return renderProgressBlock(view, shell.err.columns ?? 80);
      });
    },
    clear: () => block.clear(),
  };
}

/** Lines that are drawn over themselves, a few times a second at most. */
function drawnBlock({ err, clock }: Shell) {
  let drawn = 0;
  let atMs = Number.NEGATIVE_INFINITY;
  const back = (): string => (drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`);
  return {
    draw: (lines: (nowMs: number) => readonly string[]): void => {
      const nowMs = clock.now();
      if (!err.isTerminal || nowMs - atMs < DRAW_EVERY_MS) return;
      const shown = lines(nowMs).map((line) => clipped(line, err.columns ?? 80));
      err.write(`${back()}${shown.join("\n")}\n`);
      [drawn, atMs] = [shown.length, nowMs];
    },
    clear: (): void => {
      if (drawn > 0) err.write(back());
      drawn = 0;
    },
  };
}
