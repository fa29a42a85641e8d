import { closeSync, existsSync, openSync, readFileSync, renameSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Change } from "./table.ts";

/**
 * Changes of the sandbox's state as lines of JSON. A line is handed to the kernel before the answer
 * leaves, so that it survives the end of the process (not of the machine: nothing is synced, it is a
 * sandbox).
 */
export class Journal implements Disposable {
  readonly #directory: string;
  #descriptor: number;

  constructor(directory: string) {
    this.#directory = directory;
    this.#descriptor = openSync(join(directory, "journal.jsonl"), "a");
  }

  append(change: Change): void {
    writeSync(this.#descriptor, `${JSON.stringify(change)}\n`);
  }

  /** Everything recorded so far: the last snapshot, then the lines after it. A torn last line is left out. */
  static read(directory: string): Change[] {
    const snapshot = join(directory, "state.json");
    const journal = join(directory, "journal.jsonl");
    const changes: Change[] = existsSync(snapshot)
      ? (JSON.parse(readFileSync(snapshot, "utf8")) as Change[])
      : [];
    if (!existsSync(journal)) return changes;
    const lines = readFileSync(journal, "utf8").split("\n");
    // What follows the last line end is empty, or a line that a kill cut: its answer never left.
    lines.pop();
    for (const line of lines) changes.push(JSON.parse(line) as Change);
    return changes;
  }

  /**
   * Replaces snapshot and journal by these rows. A crash between the two only replays lines that the
   * snapshot has.
   */
  compact(rows: readonly Change[]): void {
    const target = join(this.#directory, "state.json");
    const descriptor = openSync(`${target}.tmp`, "w");
    writeSync(descriptor, JSON.stringify(rows));
    closeSync(descriptor);
    renameSync(`${target}.tmp`, target);
    truncateSync(join(this.#directory, "journal.jsonl"), 0);
  }

  [Symbol.dispose](): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }
}
