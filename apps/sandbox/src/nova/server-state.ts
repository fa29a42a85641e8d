import { Fault } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { ApiError } from "../http/answer.ts";
import type { ServerDisk, ServerRow, TaskState, VmState } from "../state/compute-rows.ts";
import { plainTime } from "../state/moments.ts";

/** Changes a server; each change moves `updated`. */
export function patchServer(cloud: Cloud, id: string, fields: Partial<ServerRow>): ServerRow {
  return cloud.state.servers.patch(id, { ...fields, updated: plainTime(cloud.clock.now()) });
}

const POWER: Readonly<Record<VmState, ServerRow["power_state"]>> = {
  building: 0,
  active: 1,
  stopped: 4,
  paused: 3,
  suspended: 7,
  resized: 1,
  error: 0,
};

/** Brings a server to rest in a state. */
export function settle(cloud: Cloud, id: string, vm_state: VmState): ServerRow {
  return patchServer(cloud, id, { vm_state, task_state: null, power_state: POWER[vm_state] });
}

/** A server that failed says why in `fault`. */
export function failServer(cloud: Cloud, id: string, message: string): void {
  const fault = { code: 500, message, created: plainTime(cloud.clock.now()) };
  patchServer(cloud, id, { vm_state: "error", task_state: null, power_state: 0, fault });
}

/** Nova's refusal of an action in the wrong state, or in the middle of another one. */
export function demandState(server: ServerRow, action: string, allowed: readonly VmState[]): void {
  if (!allowed.includes(server.vm_state)) throw wrongState(server.id, action, `vm_state ${server.vm_state}`);
  if (server.task_state !== null) throw wrongState(server.id, action, `task_state ${server.task_state}`);
}

export const wrongState = (id: string, action: string, state: string): ApiError =>
  new ApiError(409, `Cannot '${action}' instance ${id} while it is in ${state}`);

/** The server as it is now; undefined when it has gone or is about to go. */
export function stillWanted(cloud: Cloud, id: string): ServerRow | undefined {
  const row = cloud.state.servers.find(id);
  return row === undefined || row.task_state === "deleting" ? undefined : row;
}

/**
 * Starts an operation on a server: `task` at once, the work a little later and after everything that goes on
 * with this server. A failure of the work puts the server into ERROR.
 */
export function startOperation(
  cloud: Cloud,
  id: string,
  task: TaskState,
  work: (server: ServerRow) => Promise<void>,
): void {
  patchServer(cloud, id, { task_state: task });
  cloud.tasks.startInOrder(id, `server ${id}: ${task}`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    const server = stillWanted(cloud, id);
    if (server === undefined) return;
    await hostIsBack(cloud, server.host, signal);
    try {
      await work(server);
    } catch (error) {
      failServer(cloud, id, messageOf(error));
      throw error;
    }
  });
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Orders to a host that is away wait in its queue until it is back. */
export async function hostIsBack(cloud: Cloud, host: string | null, signal: AbortSignal): Promise<void> {
  if (host === null) return;
  while (cloud.state.hosts.find(host)?.vanished === true) await cloud.clock.sleep(50, signal);
}

/** The host that a server is on; it has one as soon as it was built. */
export function hostOf(server: ServerRow): string {
  if (server.host === null) throw new Fault("no-host", `instance ${server.id} has no host`, "never");
  return server.host;
}

export function replaceDisk(
  server: ServerRow,
  device: string,
  disk: ServerDisk | undefined,
): readonly ServerDisk[] {
  const others = server.disks.filter((each) => each.device !== device);
  return disk === undefined ? others : [...others, disk];
}
