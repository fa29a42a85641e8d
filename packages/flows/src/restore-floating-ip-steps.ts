import type { AssignFloatingIpStep } from "@cairn/domain";
import { Fault } from "@cairn/kernel";
import type { FloatingIp, FloatingIpCreation } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import type { PortOutput } from "./restore-network-steps.ts";
import { isRefusal } from "./restore-router-steps.ts";
import type { StepContext } from "./step.ts";
import { markOf } from "./volume-making.ts";

/** What `assign-floating-ip` gives. The id is null when the cloud refused. */
export interface FloatingIpOutput {
  readonly floatingIpId: string | null;
  readonly address: string | null;
  readonly isMade: boolean;
  readonly warnings: readonly string[];
}

/**
 * Gives a port its floating address, or another one. Until the restore is finished the description of one
 * that is made holds the run's mark. Refused in every form it is a warning: the instance is whole without
 * it.
 */
export const assignFloatingIpStep = defineStep<AssignFloatingIpStep, FloatingIpOutput>({
  perform: async (context, parameters) => {
    const portId = portOf(context, parameters);
    const attempts = [reuse, makeSame, makeAsAdmin, makeAnother];
    const refusals: string[] = [];
    const marked = await findMarked(context);
    if (marked !== undefined) return outputOf(parameters, marked, true);
    for (const attempt of attempts) {
      try {
        const floating = await attempt(context, parameters, portId);
        if (floating !== undefined) return outputOf(parameters, floating, attempt !== reuse);
      } catch (cause) {
        if (!isRefusal(cause)) throw cause;
        refusals.push(cause instanceof Fault ? cause.message : String(cause));
      }
    }
    const { instanceName, capturedAddress } = parameters;
    const why = refusals.at(-1) ?? "it is in use";
    const what = `Instance ${instanceName} gets no floating address in place of ${capturedAddress}`;
    const warning = `${what}: ${why}`;
    return { floatingIpId: null, address: null, isMade: false, warnings: [warning] };
  },
  undo: async (context, parameters, output) => {
    const { floatingIps } = context.cloud.neutron;
    const { existingId } = parameters;
    // One whose mark is taken off already is known by the step's output.
    const made = output?.isMade === true ? output.floatingIpId : (await findMarked(context))?.id;
    if (made !== undefined && made !== null) await removed(floatingIps.delete(made, context.signal));
    if (existingId === null) return;
    const existing = await floatingIps.find(existingId, context.signal);
    // Only what this step connected: the port of the run is the only one that it may have.
    if (existing?.portId === undefined || existing.portId !== portOf(context, parameters)) return;
    await floatingIps.update(existingId, { portId: null }, context.signal);
  },
});

function portOf(context: StepContext, { port }: AssignFloatingIpStep): string {
  return port.kind === "existing" ? port.portId : (context.output(port.portStep) as PortOutput).portId;
}

async function findMarked(context: StepContext): Promise<FloatingIp | undefined> {
  const filter = { projectId: context.run.projectId };
  const found = await context.cloud.neutron.floatingIps.list(filter, context.signal);
  return found.find((floating) => floating.description === markOf(context));
}

function outputOf(
  { instanceName, capturedAddress }: AssignFloatingIpStep,
  { id, address }: FloatingIp,
  isMade: boolean,
): FloatingIpOutput {
  const warnings =
    address === capturedAddress
      ? []
      : [`Instance ${instanceName} has the floating address ${address} instead of ${capturedAddress}`];
  return { floatingIpId: id, address, isMade, warnings };
}

async function reuse(
  context: StepContext,
  { existingId, fixedIpAddress }: AssignFloatingIpStep,
  portId: string,
): Promise<FloatingIp | undefined> {
  if (existingId === null) return undefined;
  const { floatingIps } = context.cloud.neutron;
  const found = await floatingIps.find(existingId, context.signal);
  if (found === undefined || found.portId === portId) return found;
  // Somebody was faster than this restore.
  if (found.portId !== undefined) return undefined;
  const change = { portId, ...(fixedIpAddress === null ? {} : { fixedIpAddress }) };
  return floatingIps.update(existingId, change, context.signal);
}

async function makeSame(
  context: StepContext,
  parameters: AssignFloatingIpStep,
  portId: string,
): Promise<FloatingIp | undefined> {
  const { existingId, address } = parameters;
  if (existingId !== null || address === null) return undefined;
  const creation = { ...creationOf(context, parameters, portId), address };
  return context.cloud.neutron.floatingIps.create(creation, context.signal);
}

/**
 * By Neutron's default policy only an administrator chooses an address
 * (`create_floatingip:floating_ip_address`); the service asks for the very one that the project had.
 */
async function makeAsAdmin(
  context: StepContext,
  parameters: AssignFloatingIpStep,
  portId: string,
): Promise<FloatingIp | undefined> {
  const { existingId, address } = parameters;
  if (existingId !== null || address === null) return undefined;
  const { projectId } = context.run;
  const creation = { ...creationOf(context, parameters, portId), address, projectId };
  return context.admin.neutron.floatingIps.create(creation, context.signal);
}

async function makeAnother(
  context: StepContext,
  parameters: AssignFloatingIpStep,
  portId: string,
): Promise<FloatingIp | undefined> {
  if (!parameters.mayTakeAnother) return undefined;
  const creation = creationOf(context, parameters, portId);
  return context.cloud.neutron.floatingIps.create(creation, context.signal);
}

function creationOf(
  context: StepContext,
  { networkId, fixedIpAddress }: AssignFloatingIpStep,
  portId: string,
): FloatingIpCreation {
  return {
    networkId,
    portId,
    description: markOf(context),
    ...(fixedIpAddress === null ? {} : { fixedIpAddress }),
  };
}
