export type {
  ConcludedRun,
  Flow,
  FlowContext,
  Log,
  RunFacts,
  RunSubject,
  StepContext,
  StepDefinition,
  SucceededOutcome,
} from "./step.ts";
