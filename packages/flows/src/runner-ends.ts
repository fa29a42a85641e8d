/**
 * Why work on a run stops without an event of the run: this engine may not, or cannot, go on. Nothing is
 * undone and no order is cancelled: the run goes on elsewhere from its rows.
 */
export class Interruption extends Error {
  readonly kind: "lost" | "stopping" | "database-away";

  constructor(kind: Interruption["kind"], cause?: unknown) {
    super(`this engine stops working on the run: ${kind}`, cause === undefined ? undefined : { cause });
    this.name = "Interruption";
    this.kind = kind;
  }
}

/** Why steps that are being performed are aborted although this engine goes on: the run turns back. */
export class TurningBack extends Error {
  readonly because: "cancelled" | "failed";

  constructor(because: TurningBack["because"]) {
    super(because === "cancelled" ? "the run was cancelled" : "another step of the run failed");
    this.name = "TurningBack";
    this.because = because;
  }
}

/** The interruption behind a signal or an error, if that is what it is. */
export function asInterruption(reason: unknown): Interruption | undefined {
  return reason instanceof Interruption ? reason : undefined;
}
