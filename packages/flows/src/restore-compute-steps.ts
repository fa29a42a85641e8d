import type { CreateFlavorStep, CreateServerGroupStep, NoteStep } from "@cairn/domain";
import { hasCode } from "@cairn/kernel";
import type { Flavor } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import type { StepContext } from "./step.ts";

/** What `note` gives. */
export interface NoteOutput {
  readonly warnings: readonly string[];
}

/** Hands the planner's warnings on to the restore's row, which is written from what steps gave. */
export const noteStep = defineStep<NoteStep, NoteOutput>({
  perform: async (_context, { warnings }) => Promise.resolve({ warnings }),
});

/** What `create-flavor` gives. */
export interface FlavorOutput {
  readonly flavorId: string;
  readonly name: string;
}

/**
 * Makes a flavor for the restoring project alone; planned only for administrators. Nova's names of flavors
 * are unique and this one was free, so it is what a repeated step and an undo find it by.
 */
export const createFlavorStep = defineStep<CreateFlavorStep, FlavorOutput>({
  perform: async (context, { name, flavor }) => {
    const { flavors } = context.cloud.nova;
    const half = await findFlavor(context, name);
    // Extra specs are set after a flavor is made: one without them is what a crash left.
    const isWhole =
      half !== undefined &&
      Object.entries(flavor.extraSpecs).every(([key, value]) => half.extraSpecs[key] === value);
    if (half !== undefined && !isWhole) await removed(flavors.delete(half.id, context.signal));
    const made =
      half !== undefined && isWhole
        ? half
        : await flavors.create({ ...flavor, name, isPublic: false }, context.signal);
    await grant(context, made.id);
    return { flavorId: made.id, name };
  },
  undo: async (context, { name }, output) => {
    const flavorId = output?.flavorId ?? (await findFlavor(context, name))?.id;
    if (flavorId !== undefined) await removed(context.cloud.nova.flavors.delete(flavorId, context.signal));
  },
});

/** A second time Nova answers 409: it is granted. */
async function grant(context: StepContext, flavorId: string): Promise<void> {
  try {
    await context.cloud.nova.flavors.grant(flavorId, context.run.projectId, context.signal);
  } catch (cause) {
    if (!hasCode(cause, "openstack-conflict")) throw cause;
  }
}

async function findFlavor(context: StepContext, name: string): Promise<Flavor | undefined> {
  const found = await context.cloud.nova.flavors.list(context.signal);
  return found.find((flavor) => flavor.name === name);
}

/** What `create-server-group` gives. */
export interface ServerGroupOutput {
  readonly serverGroupId: string;
  readonly name: string;
}

/**
 * Makes a server group. Nova lets nobody write a mark on one, nor change it: it is found again as the group
 * of this name, policy and no member that was not there when the plan was made.
 */
export const createServerGroupStep = defineStep<CreateServerGroupStep, ServerGroupOutput>({
  perform: async (context, parameters) => {
    const { name, policy, maxServersPerHost } = parameters;
    const found = await findServerGroup(context, parameters);
    if (found !== undefined) return { serverGroupId: found, name };
    const group = await context.cloud.nova.serverGroups.create(
      { name, policy, ...(maxServersPerHost === null ? {} : { maxServersPerHost }) },
      context.signal,
    );
    return { serverGroupId: group.id, name };
  },
  undo: async (context, parameters, output) => {
    const id = output?.serverGroupId ?? (await findServerGroup(context, parameters));
    if (id !== undefined) await removed(context.cloud.nova.serverGroups.delete(id, context.signal));
  },
});

async function findServerGroup(
  context: StepContext,
  { name, policy, knownIds }: CreateServerGroupStep,
): Promise<string | undefined> {
  const groups = await context.cloud.nova.serverGroups.list(context.signal);
  const found = groups.find(
    (group) =>
      group.name === name &&
      group.policy === policy &&
      group.members.length === 0 &&
      !knownIds.includes(group.id),
  );
  return found?.id;
}
