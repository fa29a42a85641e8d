import type { OrderBody, OrderOutcome } from "@cairn/contract";
import type { Database, Handle } from "@cairn/database";
import type { FlowName, PlanVerdict, RunResult } from "@cairn/domain";
import type {
  Clock,
  HostName,
  ProjectId,
  RepositoryId,
  RestoreId,
  RunId,
  Secret,
  SnapshotId,
  UserId,
  WorkloadId,
} from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { KeyPolicy } from "./repository-keys.ts";

/** Which rows a run is about. */
export interface RunSubject {
  readonly workloadId: WorkloadId;
  readonly snapshotId?: SnapshotId;
  readonly restoreId?: RestoreId;
}

/** The run as its steps see it: what was asked, by whom, about what. */
export interface RunFacts {
  readonly id: RunId;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly flow: FlowName;
  readonly subject: RunSubject;
  /** JSON as the API wrote it; parsed by the flow. */
  readonly request: unknown;
}

/** Structured log: an event name that never changes, and fields. */
export interface Log {
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void;
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What planning and steps have at hand. */
export interface FlowContext {
  readonly run: RunFacts;
  /** OpenStack as the tenant, through the trust. */
  readonly cloud: Cloud;
  /** OpenStack as the service user: only to observe, and where a tenant may not. */
  readonly admin: Cloud;
  readonly database: Database;
  /** The master key (32 bytes) that wraps repositories' keys. */
  readonly masterKey: Secret<Buffer>;
  /** What opens repositories besides the master key. */
  readonly keyPolicy: KeyPolicy;
  /** Which cloud this is, as the operator says; `cloudIdOf` knows it in any case. */
  readonly cloudId?: string | undefined;
  readonly clock: Clock;
  /** Aborted on cancellation, on the step's deadline, and when this engine lost the run. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What a step has at hand besides: its place in the run, earlier outputs, and datamovers. */
export interface StepContext extends FlowContext {
  readonly step: {
    readonly key: string;
    /** 1 the first time; grows with each retry, not with a redelivery after a crash. */
    readonly attempt: number;
  };
  /** JSON output of an earlier step of this run; asserts that it is done. */
  output(key: string): unknown;
  /**
   * Has a datamover carry out an order and waits for its outcome. The same call (the first, the second …) of
   * the same step and attempt finds the same order again after a crash, so a step calls in the same order
   * each time. On abort the order is cancelled, and the call returns (by throwing the signal's reason) only
   * when the datamover has let go of it or lost its lease. An outcome
   * `failed` is thrown as a Fault with its code and retry. Never handed to another host; a host whose
   * datamover was not seen for 60 s is a Fault `datamover-away`, retry later.
   */
  order(host: HostName, body: OrderBody, repositoryId?: RepositoryId): Promise<SucceededOutcome>;
}

/** The outcomes of an order that did what it was asked. */
export type SucceededOutcome = Exclude<OrderOutcome, { kind: "failed" }>;

/**
 * One kind of step. Both may be called twice, also after a crash in the middle. `undo` gets the output if the
 * step was done, and `undefined` if it was begun and not done; absent is undone.
 */
export interface StepDefinition {
  perform(context: StepContext, parameters: unknown): Promise<unknown>;
  undo(context: StepContext, parameters: unknown, output: unknown): Promise<void>;
  /** Steps of this kind meet each other: all of a stage are performed at once, however many. */
  readonly meets?: boolean;
}

/** A workflow: how it is planned, its kinds of step, and what is written when it ends. */
export interface Flow {
  readonly name: FlowName;
  /** Observes, then asks the pure planner. May be called again after a crash; makes nothing. */
  plan(context: FlowContext): Promise<PlanVerdict>;
  readonly steps: Readonly<Record<string, StepDefinition>>;
  /**
   * Writes what the end of the run means, in the transaction that ends it. Only database work, no waiting.
   */
  conclude(transaction: Handle, run: ConcludedRun, result: RunResult): Promise<void>;
}

/** A run at its end: what it was about, and what its steps gave (only those that are done). */
export interface ConcludedRun extends RunFacts {
  readonly outputs: ReadonlyMap<string, unknown>;
  /** Sentences on what could not be undone; empty when everything was. */
  readonly leftovers: readonly string[];
}
