import { rmSync } from "node:fs";
import type { Clock } from "@cairn/kernel";
import type { Narrator } from "./narrator.ts";
import { guestsOfCloud, processesOfCloud } from "./process-table.ts";
import { servicesOf } from "./services.ts";
import type { Settings } from "./settings.ts";
import { endProcesses, Supervisor } from "./supervisor.ts";
import { startOrder } from "./task.ts";

export interface Down {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly narrator: Narrator;
}

/**
 * Ends every process of the cloud, guests included, and keeps its data. The order is that of the start turned
 * round, so that agents can say good-bye to the bus and services to their database.
 */
export async function down({ settings, clock, narrator }: Down, signal: AbortSignal): Promise<void> {
  const { layout } = settings;
  rmSync(layout.readyFile, { force: true });
  const supervisor = new Supervisor(layout, clock);
  await endProcesses(() => guestsOfCloud(layout.bin), clock, signal);
  for (const tier of stopTiers(settings)) {
    const services = servicesOf(settings).filter(({ name }) => tier.includes(name));
    await Promise.all(services.map((service) => supervisor.stop(service, signal)));
  }
  // What agents started for networks (dnsmasq, haproxy) has left their groups, but bears our mark.
  await endProcesses(() => processesOfCloud(layout.root), clock, signal);
  await endProcesses(() => guestsOfCloud(layout.bin), clock, signal);
  narrator.tell("down: no process of the test cloud is left");
}

/** What all others stand on is stopped when they are gone. */
const FOUNDATION = [
  "mariadb",
  "rabbitmq",
  "epmd",
  "memcached",
  "libvirtd",
  "ceph-mon",
  "ceph-mgr",
  "ceph-osd",
];

/** Groups of services to stop, one after the other; those of one group side by side. */
export function stopTiers(settings: Settings): string[][] {
  const services = servicesOf(settings);
  const names = new Set(services.map(({ name }) => name));
  const order = startOrder(
    services.map(({ name, after }) => ({ name, after: after.filter((each) => names.has(each)) })),
  );
  const foundation = order.filter((name) => FOUNDATION.includes(name)).toReversed();
  return [order.filter((name) => !FOUNDATION.includes(name)), ...foundation.map((name) => [name])];
}
