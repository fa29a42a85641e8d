/** A file that `up` writes. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** 0600 for what holds a password; readable by all where a service that is not root reads it. */
  readonly mode: number;
}

export const PRIVATE = 0o600;
export const READABLE = 0o644;
export const PROGRAM = 0o755;
