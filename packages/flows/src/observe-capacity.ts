import type { CapacityFacts, CapacityQuestions, RoomDemand } from "@cairn/domain";
import { describeFault, hasCode, mapLimited } from "@cairn/kernel";
import type { StoragePool } from "@cairn/openstack";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import type { FlowContext } from "./step.ts";

/** What only administrators are shown: the service asks for it, and does without where it may not. */
const NOT_TOLD = [
  "openstack-forbidden",
  "openstack-not-found",
  "openstack-bad-request",
  "openstack-no-endpoint",
  "openstack-too-old",
];

/** Asks Placement, Cinder's scheduler and Glance whether there is room. */
export async function observeCapacity(
  context: FlowContext,
  { rooms, volumeTypes }: CapacityQuestions,
): Promise<CapacityFacts> {
  const { admin, cloud, signal } = context;
  const noRoom = await mapLimited(rooms, OBSERVATIONS_AT_ONCE, async (demand): Promise<RoomDemand[]> => {
    const hasRoom = await unlessUntold(context, async () => admin.placement.hasRoom(demand, signal));
    return hasRoom === false ? [demand] : [];
  });
  if (volumeTypes.length === 0) return { noRoom: noRoom.flat(), pools: {} };
  const glance = await unlessUntold(context, async () => cloud.glance.usage.get(signal));
  return {
    noRoom: noRoom.flat(),
    pools: await poolsOf(context, volumeTypes),
    images: glance?.images,
    imageMiB: glance?.totalMiB,
  };
}

/**
 * The pools for each of these volume types: those of the backend that the type names, which is how operators
 * tell them apart. Where a type asks by other properties or operators, no pool is ruled out by that.
 */
async function poolsOf(
  context: FlowContext,
  names: readonly string[],
): Promise<Record<string, readonly StoragePool[]>> {
  const { cinder } = context.admin;
  const pools = await unlessUntold(context, async () => cinder.pools.list(context.signal));
  if (pools === undefined) return {};
  const types = await cinder.volumeTypes.list(context.signal);
  const found = names.map((name) => {
    const backend = types.find((type) => type.name === name)?.extraSpecs["volume_backend_name"];
    const isPlain = backend !== undefined && /^[\w.-]+$/.test(backend);
    return [name, isPlain ? pools.filter((pool) => pool.backendName === backend) : pools] as const;
  });
  return Object.fromEntries(found);
}

async function unlessUntold<Told>({ log }: FlowContext, ask: () => Promise<Told>): Promise<Told | undefined> {
  try {
    return await ask();
  } catch (cause) {
    if (!NOT_TOLD.some((code) => hasCode(cause, code))) throw cause;
    log.info("flow.capacity-not-told", { fault: describeFault(cause) });
    return undefined;
  }
}
