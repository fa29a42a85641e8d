import type { Probe } from "./probe.ts";

/** A program that stays. */
export interface Service {
  readonly name: string;
  /** Tasks and services that must be there before; services are waited for until they answer. */
  readonly after: readonly string[];
  readonly command: readonly string[];
  /** Beyond the environment that all have. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Configuration that it reads at its start: when that has changed it is started anew. */
  readonly reads: readonly string[];
  readonly ready: Probe;
  /**
   * `group` ends all that it started; `leader` only the program itself: guests outlive libvirtd, and it takes
   * them up again.
   */
  readonly stops: "group" | "leader";
}
