import type {
  InstanceReference,
  StartServerStep,
  StopServerStep,
  WriteInstanceDiskStep,
} from "@cairn/domain";
import { asId, assert, Fault, type HostName, hasCode, type InstanceId } from "@cairn/kernel";
import type { Server } from "@cairn/openstack";
import { defineStep } from "./define-step.ts";
import { POWER_WAIT_MS } from "./limits.ts";
import type { ServerOutput } from "./restore-server-steps.ts";
import { repositoryOfSnapshot } from "./restore-source.ts";
import type { WriteOutput } from "./restore-volume-steps.ts";
import { expectOutcome } from "./snapshot-steps.ts";
import type { StepContext } from "./step.ts";

function instanceOf(context: StepContext, reference: InstanceReference): InstanceId {
  if (reference.kind === "existing") return asId(reference.instanceId);
  return (context.output(reference.serverStep) as ServerOutput).instanceId;
}

/** Stops an instance. Undone by starting it again, unless the run made it: then it is deleted instead. */
export const stopServerStep = defineStep<StopServerStep, null>({
  perform: async (context, { instance }) => {
    await ensureStopped(context, instanceOf(context, instance));
    return null;
  },
  undo: async (context, { instance }) => {
    if (instance.kind === "created") return;
    const id = instanceOf(context, instance);
    const server = await context.cloud.nova.servers.find(id, context.signal);
    if (server === undefined) return;
    // A stop that was asked for and not waited for would win against the start.
    if (server.taskState === "powering-off") await waitFor(context, id, "SHUTOFF");
    await ensureStarted(context, id);
  },
});

/** Starts an instance and waits until it runs. */
export const startServerStep = defineStep<StartServerStep, null>({
  perform: async (context, { instance }) => {
    await ensureStarted(context, instanceOf(context, instance));
    return null;
  },
});

async function ensureStopped(context: StepContext, id: InstanceId): Promise<void> {
  const { servers } = context.cloud.nova;
  const server = await servers.get(id, context.signal);
  if (server.status === "SHUTOFF" && server.taskState === undefined) return;
  if (server.taskState !== "powering-off") await unlessConflict(servers.stop(id, context.signal));
  await waitFor(context, id, "SHUTOFF");
}

async function ensureStarted(context: StepContext, id: InstanceId): Promise<void> {
  const { servers } = context.cloud.nova;
  const server = await servers.get(id, context.signal);
  if (server.status === "ACTIVE" && server.taskState === undefined) return;
  if (server.taskState !== "powering-on") await unlessConflict(servers.start(id, context.signal));
  await waitFor(context, id, "ACTIVE");
}

/** Nova says 409 when the instance is where it shall go already, or on its way: the wait tells. */
async function unlessConflict(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (cause) {
    if (!hasCode(cause, "openstack-conflict")) throw cause;
  }
}

async function waitFor(context: StepContext, id: InstanceId, goal: "ACTIVE" | "SHUTOFF"): Promise<void> {
  const { cloud, signal } = context;
  await cloud.nova.servers.waitFor(id, goal, { withinMs: POWER_WAIT_MS, signal });
}

/** What `write-instance-disk` gives. */
export interface InstanceDiskOutput extends WriteOutput {
  readonly instanceId: InstanceId;
  readonly instanceName: string;
  readonly isExisting: boolean;
}

/**
 * Writes a disk of a stopped instance on its host. Of a disk that was there before the run, nothing is
 * brought back: the undo says so, and the user reads it with the failure and with what the way back is.
 */
export const writeInstanceDiskStep = defineStep<WriteInstanceDiskStep, InstanceDiskOutput>({
  perform: async (context, parameters) => {
    const { instance, instanceName, source, disk, mode } = parameters;
    const { restoreId } = context.run.subject;
    assert(restoreId !== undefined, "a restore run names its restore");
    const instanceId = instanceOf(context, instance);
    const server = await context.admin.nova.servers.get(instanceId, context.signal);
    const host = hostOfStopped(server);
    const outcome = await context.order(
      host,
      {
        kind: "write-disk",
        restoreId,
        diskId: disk.diskId,
        root: disk.root,
        sizeBytes: disk.sizeBytes,
        destination: { kind: "instance", instanceId, source },
        mode,
      },
      await repositoryOfSnapshot(context),
    );
    const { writtenBytes } = expectOutcome(outcome, "written");
    const isExisting = instance.kind === "existing";
    return { instanceId, instanceName, isExisting, sizeBytes: disk.sizeBytes, writtenBytes };
  },
  undo: async (_context, { instance, instanceName, device }, output) => {
    if (instance.kind === "created") return;
    const state = output === undefined ? "may be partly overwritten" : "was overwritten";
    const message = `disk ${device} of instance ${instanceName} ${state}`;
    await Promise.reject(new Fault("disk-overwritten", message, "never"));
  },
});

function hostOfStopped(server: Server): HostName {
  if (server.status !== "SHUTOFF" || server.taskState !== undefined) {
    const state = server.taskState === undefined ? server.status : `${server.status} (${server.taskState})`;
    throw new Fault(
      "instance-not-stopped",
      `writing a disk of instance ${server.name}: it is ${state}`,
      "never",
    );
  }
  if (server.host === undefined) {
    throw new Fault(
      "instance-without-host",
      `writing a disk of instance ${server.name}: it is on no host`,
      "never",
    );
  }
  return server.host;
}
