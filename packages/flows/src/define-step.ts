import type { StepContext, StepDefinition } from "./step.ts";

/** A kind of step with its parameters and output typed: both were written as JSON by this program itself. */
export interface TypedStep<Parameters, Output> {
  perform(context: StepContext, parameters: Parameters): Promise<Output>;
  /** Absent: the step leaves nothing that is not undone with something else. */
  undo?(context: StepContext, parameters: Parameters, output: Output | undefined): Promise<void>;
  readonly meets?: boolean;
}

/** Makes a step definition of a typed one. */
export function defineStep<Parameters, Output>(step: TypedStep<Parameters, Output>): StepDefinition {
  return {
    meets: step.meets === true,
    perform: async (context, parameters) => step.perform(context, parameters as Parameters),
    undo: async (context, parameters, output) => {
      // A step that is done without an output and one that was only begun look alike, and are undone alike.
      const made = output === null ? undefined : (output as Output | undefined);
      await step.undo?.(context, parameters as Parameters, made);
    },
  };
}
