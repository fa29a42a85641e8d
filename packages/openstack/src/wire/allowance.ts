/** A quota and what is taken of it already. */
export interface Allowance {
  /** Undefined: without limit. */
  readonly max: number | undefined;
  readonly used: number;
}

/** Every service says -1 for "without limit". */
export function allowance(limit: number, used: number): Allowance {
  return { max: limit < 0 ? undefined : limit, used };
}
