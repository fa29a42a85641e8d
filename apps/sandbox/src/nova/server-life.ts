import type { Cloud } from "../cloud.ts";
import type { ServerRow } from "../state/compute-rows.ts";
import { releasePorts } from "./server-build.ts";
import { releaseVolumes } from "./server-disks.ts";
import { failServer, hostOf, patchServer, settle, startOperation } from "./server-state.ts";

/** Starts a server's removal; everything that goes on with it is waited for first. */
export function beginDelete(cloud: Cloud, id: string): void {
  patchServer(cloud, id, { task_state: "deleting" });
  cloud.tasks.startInOrder(id, `server ${id} is deleted`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    await finishDelete(cloud, id);
  });
}

/**
 * Ends the QEMU before its volumes are let go, so that nobody opens a file that is still written. On a
 * host that is away Nova deletes from its books alone; the folder goes when the host is back.
 */
async function finishDelete(cloud: Cloud, id: string): Promise<void> {
  const server = cloud.state.servers.find(id);
  if (server === undefined) return;
  const isAway = cloud.state.hosts.find(server.host ?? "")?.vanished === true;
  if (server.host !== null && !isAway) await cloud.hypervisors.undefine(server.host, id);
  releaseVolumes(cloud, server);
  releasePorts(cloud, server);
  cloud.state.servers.remove(id);
}

export function beginStop(cloud: Cloud, id: string): void {
  startOperation(cloud, id, "powering-off", async () => {
    await cloud.hypervisors.stop(id);
    settle(cloud, id, "stopped");
  });
}

export function beginStart(cloud: Cloud, id: string): void {
  startOperation(cloud, id, "powering-on", async (server) => {
    try {
      await cloud.hypervisors.start(hostOf(server), id);
      settle(cloud, id, "active");
    } catch (error) {
      // Nova leaves a server that could not be started in SHUTOFF.
      settle(cloud, id, "stopped");
      cloud.log("server.start-failed", { server: id, error: String(error) });
    }
  });
}

export function beginReboot(cloud: Cloud, id: string, kind: "SOFT" | "HARD"): void {
  startOperation(cloud, id, kind === "SOFT" ? "rebooting" : "rebooting_hard", async (server) => {
    await cloud.hypervisors.stop(id);
    await cloud.hypervisors.start(hostOf(server), id);
    settle(cloud, id, "active");
  });
}

/** Nova's power sync: an instance whose QEMU has ended by itself is stopped in the books too. */
export function syncPower(cloud: Cloud, id: string): void {
  const server = cloud.state.servers.find(id);
  if (server === undefined || server.task_state !== null) return;
  if (server.vm_state === "active" || server.vm_state === "paused") settle(cloud, id, "stopped");
}

export async function vanishHost(cloud: Cloud, host: string): Promise<void> {
  cloud.state.hosts.patch(host, { vanished: true });
  await Promise.all(cloud.hypervisors.instancesOn(host).map(async (id) => cloud.hypervisors.kill(id, true)));
}

/** What nova-compute does when it starts: stray instances go, lost ones are stopped. */
export async function returnHost(cloud: Cloud, host: string): Promise<void> {
  for (const id of cloud.hypervisors.instancesOn(host)) {
    if (cloud.state.servers.find(id) === undefined) await cloud.hypervisors.undefine(host, id);
    else if (!cloud.hypervisors.isRunning(id)) syncPower(cloud, id);
  }
  cloud.state.hosts.patch(host, { vanished: false });
}

/** What a restart of nova-compute does with what it finds half done (`ComputeManager._init_instance`). */
export async function resumeServers(cloud: Cloud): Promise<void> {
  for (const server of cloud.state.servers.all()) await resumeServer(cloud, server);
  for (const host of cloud.state.hosts.all()) {
    for (const id of cloud.hypervisors.instancesOn(host.id))
      if (cloud.state.servers.find(id) === undefined) await cloud.hypervisors.undefine(host.id, id);
  }
}

async function resumeServer(cloud: Cloud, server: ServerRow): Promise<void> {
  const { id, task_state: task } = server;
  const isRunning = cloud.hypervisors.isRunning(id);
  if (task === "deleting") {
    await finishDelete(cloud, id);
  } else if (server.vm_state === "building") {
    releasePorts(cloud, server);
    releaseVolumes(cloud, server);
    if (server.host !== null) await cloud.hypervisors.undefine(server.host, id);
    failServer(cloud, id, `Instance ${id} was interrupted while it was built.`);
  } else if (task === "powering-off") {
    await cloud.hypervisors.stop(id);
    settle(cloud, id, "stopped");
  } else if (task === "powering-on" || task === "rebooting" || task === "rebooting_hard") {
    if (!isRunning) await cloud.hypervisors.start(hostOf(server), id);
    settle(cloud, id, "active");
  } else {
    if (task !== null) patchServer(cloud, id, { task_state: null });
    if (!isRunning) syncPower(cloud, id);
  }
}
