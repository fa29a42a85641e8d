/** A quota and what is taken of it already. */
export interface Allowance {
  /** Undefined: without limit. */
  readonly max: number | undefined;
  readonly used: number;
}
