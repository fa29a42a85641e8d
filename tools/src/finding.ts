import type { SourceTree } from "./source-tree.ts";

/** Something that must be mended: where, and why it is wrong. */
export interface Finding {
  /** From the root of the repository. */
  readonly file: string;
  /** Counted from 1; absent when it is about the whole file or folder. */
  readonly line?: number;
  readonly reason: string;
}

/** What one checker saw. `seen` guards against success over nothing. */
export interface Outcome {
  readonly seen: number;
  readonly findings: readonly Finding[];
}

/** One kind of check, as `./cairn check --only NAME` calls it. */
export interface Check {
  readonly name: string;
  /** What `seen` counts, in the plural. */
  readonly unit: string;
  readonly run: (tree: SourceTree, signal: AbortSignal) => Promise<Outcome>;
}
