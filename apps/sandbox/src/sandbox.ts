import { mkdirSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import type { Clock } from "@cairn/kernel";
import { barbican } from "./barbican/service.ts";
import { cinder } from "./cinder/service.ts";
import { resumeVolumes } from "./cinder/volume-life.ts";
import type { Cloud } from "./cloud.ts";
import { glance } from "./glance/service.ts";
import { hooks } from "./hooks/service.ts";
import { Hypervisors } from "./hosts/hypervisors.ts";
import { FaultPlan } from "./http/injection.ts";
import { buildServer } from "./http/serve.ts";
import { findActor } from "./keystone/principal.ts";
import { keystone } from "./keystone/service.ts";
import { neutron } from "./neutron/service.ts";
import { resumeServers, syncPower } from "./nova/server-life.ts";
import { nova } from "./nova/service.ts";
import { placement } from "./placement/service.ts";
import type { Seed } from "./seed/default.ts";
import { plant } from "./seed/plant.ts";
import { openState } from "./state/store.ts";
import { Tasks } from "./tasks.ts";

export interface SandboxOptions {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly seed: Seed;
  readonly transitionMs: number;
  /** What becomes of the QEMUs when the sandbox is told to stop. */
  readonly onExit: "kill" | "keep";
  readonly clock: Clock;
  readonly log: Cloud["log"];
}

export interface Sandbox {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** What the share has, unless a hook says otherwise: more than the machine, as its files are sparse. */
const STORAGE_GIB = 10_000;

/** Opens the folder, takes over what an earlier sandbox left there, and serves. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  rmSync(join(directory, "tmp"), { recursive: true, force: true });
  const { state, journal } = openState(directory);
  const { clock, log } = options;
  let url = "";
  const cloud: Cloud = {
    state,
    clock,
    directory,
    log,
    faults: new FaultPlan(),
    baseUrl: () => url,
    settings: { transitionMs: options.transitionMs, storageGiB: STORAGE_GIB },
    tasks: new Tasks((name, error) => {
      log("task.failed", {
        name,
        error,
      });
    }),
    hypervisors: new Hypervisors(directory, clock),
  };
  plant(cloud, options.seed);
  for (const host of state.hosts.all()) await cloud.hypervisors.adopt(host.id);
  cloud.hypervisors.onLost = (id) => {
    syncPower(cloud, id);
  };
  resumeVolumes(cloud);
  await resumeServers(cloud);
  const services = [keystone, nova, placement, cinder, glance, neutron, barbican, hooks];
  const app = buildServer(cloud, services, (token) => findActor(cloud, token));
  await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  url = `http://${options.host}:${port}`;
  return {
    port,
    url,
    close: async () => {
      await app.close();
      await cloud.tasks.close();
      await cloud.hypervisors.close(options.onExit);
      journal[Symbol.dispose]();
    },
  };
}
