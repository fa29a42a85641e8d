import type { Clock } from "@cairn/kernel";

/** Where text goes: standard output or standard error. */
export interface Screen {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; undefined when it is none. */
  readonly columns: number | undefined;
}

/** Everything outside that a command touches, as `main.ts` or a test gives it. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Screen;
  readonly err: Screen;
  readonly clock: Clock;
  readonly cwd: string;
  readonly home: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The text of a file, or undefined when there is none. */
  readFile(path: string): Promise<string | undefined>;
  /** Trusts these certificate authorities (PEM) beside the usual ones. */
  trustAuthorities(pem: string): void;
}
