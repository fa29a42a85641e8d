import type { CapacityFacts, CapacityQuestions, PoolFacts, RoomDemand } from "@cairn/domain";
import { describeFault, hasCode, mapLimited } from "@cairn/kernel";
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

/** Asks Placement and Cinder's scheduler whether there is room. */
export async function observeCapacity(
  context: FlowContext,
  { rooms, volumeTypes }: CapacityQuestions,
): Promise<CapacityFacts> {
  const { admin, signal } = context;
  const noRoom = await mapLimited(rooms, OBSERVATIONS_AT_ONCE, async (demand): Promise<RoomDemand[]> => {
    const hasRoom = await unlessUntold(context, async () => admin.placement.hasRoom(demand, signal));
    return hasRoom === false ? [demand] : [];
  });
  const pools = await mapLimited(
    volumeTypes,
    OBSERVATIONS_AT_ONCE,
    async (type): Promise<[string, readonly PoolFacts[]][]> => {
      const found = await unlessUntold(context, async () => admin.cinder.pools.list(type, signal));
      return found === undefined ? [] : [[type, found]];
    },
  );
  return { noRoom: noRoom.flat(), pools: Object.fromEntries(pools.flat()) };
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
