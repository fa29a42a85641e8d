import { asId, Fault, type HostName, hasCode } from "@cairn/kernel";
import { isDisturbing, type Server } from "@cairn/openstack";
import { AT_REST_PAUSE_MS, AT_REST_WAIT_MS } from "./limits.ts";
import { findInstance } from "./observe-members.ts";
import type { FlowContext } from "./step.ts";

/** What looking for an instance takes. */
export type PlaceContext = Pick<FlowContext, "admin" | "clock" | "log" | "signal"> & {
  readonly run: Pick<FlowContext["run"], "projectId">;
};

/** An instance, and the host on which the plan saw it. */
export interface PlannedPlace {
  readonly instanceId: string;
  readonly instanceName: string;
  readonly host: string;
}

/**
 * The host on which an instance is, once Nova is doing nothing to it that a block job would hinder: a job may
 * just have made way for that, and a migration may have taken the instance elsewhere. While Nova gives no
 * answer the plan's host stands; the datamover there proves what it finds.
 */
export async function hostAtRest(context: PlaceContext, place: PlannedPlace): Promise<HostName> {
  const { clock, signal } = context;
  const deadline = clock.now() + AT_REST_WAIT_MS;
  for (;;) {
    const seen = await look(context, place);
    if (seen.kind === "unanswered") return asId(place.host);
    const { taskState } = seen.server;
    if (taskState === undefined || !isDisturbing(taskState)) return hostOf(context, place, seen.server);
    if (clock.now() >= deadline) {
      const what = `protecting instance ${place.instanceName}: it is being changed (${taskState})`;
      throw new Fault("instance-busy", `${what} for too long; try again when that is over`, "never");
    }
    await clock.sleep(AT_REST_PAUSE_MS, signal);
  }
}

type Look = { readonly kind: "seen"; readonly server: Server } | { readonly kind: "unanswered" };

async function look(context: PlaceContext, place: PlannedPlace): Promise<Look> {
  try {
    const server = await findInstance(context, place.instanceId);
    if (server !== undefined) return { kind: "seen", server };
  } catch (cause) {
    if (hasCode(cause, "openstack-unavailable")) return { kind: "unanswered" };
    throw cause;
  }
  const which = `instance ${place.instanceName} (${place.instanceId})`;
  throw new Fault(
    "instance-gone",
    `protecting ${which}: it does not exist any more; take it out of the workload`,
    "never",
  );
}

function hostOf({ log }: PlaceContext, place: PlannedPlace, { host, status }: Server): HostName {
  if (host === undefined) {
    const what = `protecting instance ${place.instanceName}: it is ${status} and on no compute node`;
    throw new Fault("instance-without-host", `${what}; try again when it is ACTIVE or SHUTOFF`, "never");
  }
  if (host !== place.host) {
    log.info("flow.instance-moved", { instance: place.instanceId, from: place.host, to: host });
  }
  return host;
}

/** The host on which an instance is, if that is another than the plan's: something of a run may be there. */
export async function hostToday(context: PlaceContext, place: PlannedPlace): Promise<HostName | undefined> {
  const today = (await findInstance(context, place.instanceId))?.host;
  return today === place.host ? undefined : today;
}
