import { existsSync } from "node:fs";
import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { releaseWorkload, setSnapshotStatus } from "@cairn/database";
import type { Flow, StepContext } from "@cairn/flows";
import { Fault } from "@cairn/kernel";

/** What a toy run is asked to do. */
export interface ToyRequest {
  readonly stages: number;
  readonly stepMs: number;
  /** The stage whose step fails for good. */
  readonly failAt?: number;
  /** A file of the world that steps wait for. */
  readonly gate?: string;
}

const GATE_LOOK_MS = 20;

async function opened({ clock, signal }: StepContext, gate: string): Promise<void> {
  while (!existsSync(gate)) await clock.sleep(GATE_LOOK_MS, signal);
}

/**
 * A workflow whose cloud is a folder: each step makes a file named after run and step, and its undo removes
 * it. Every performance is also a line of `performed`, so that a test can count them.
 */
export function toyFlow(world: string, engine: string): Flow {
  return {
    name: "snapshot",
    plan: async ({ run }) => {
      const { stages } = run.request as ToyRequest;
      const numbers = Array.from({ length: stages }, (_, stage) => stage);
      const stageOf = (stage: number) => [{ key: `s${stage}`, kind: "make", parameters: { stage } }];
      return { kind: "planned", plan: { stages: numbers.map(stageOf) } };
    },
    steps: {
      make: {
        perform: async (context, parameters) => {
          const { stepMs, failAt, gate } = context.run.request as ToyRequest;
          const { stage } = parameters as { stage: number };
          await writeFile(join(world, `${context.run.id}-${context.step.key}`), "");
          await appendFile(join(world, "performed"), `${context.run.id} ${context.step.key} ${engine}\n`);
          if (gate !== undefined) await opened(context, join(world, gate));
          await context.clock.sleep(stepMs, context.signal);
          if (stage === failAt) throw new Fault("toy", "the toy breaks", "never");
          return { stage };
        },
        undo: async ({ run, step }) => {
          await rm(join(world, `${run.id}-${step.key}`), { force: true });
        },
      },
    },
    conclude: async (transaction, run, result) => {
      const { workloadId, snapshotId } = run.subject;
      const status = { succeeded: "available", failed: "error", cancelled: "cancelled" } as const;
      if (snapshotId !== undefined) await setSnapshotStatus(transaction, snapshotId, status[result.kind]);
      await releaseWorkload(transaction, { workloadId, runId: run.id });
    },
  };
}
