import { existsSync } from "node:fs";
import type { Clock } from "@cairn/kernel";
import type { Narrator } from "./narrator.ts";
import { answers } from "./probe.ts";
import { guestsOfCloud } from "./process-table.ts";
import type { Service } from "./service.ts";
import type { ServiceState } from "./service-record.ts";
import { servicesOf } from "./services.ts";
import type { Settings } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";

export interface Status {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly narrator: Narrator;
}

export interface ServiceReport {
  readonly name: string;
  readonly state: ServiceState;
  readonly doesAnswer: boolean;
  readonly pid: number | undefined;
}

/** Shows each service; says whether the cloud is usable. */
export async function status({ settings, clock, narrator }: Status, signal: AbortSignal): Promise<boolean> {
  const { layout, profile } = settings;
  const supervisor = new Supervisor(layout, clock);
  const reports = await Promise.all(
    servicesOf(settings).map((service) => reportOf(service, supervisor, signal)),
  );
  narrator.plain(`test cloud "${profile}" in ${layout.root}`);
  for (const report of reports) narrator.plain(describeReport(report));
  narrator.plain(`  servers running: ${guestsOfCloud(layout.bin).length}`);
  const isUsable = existsSync(layout.readyFile) && reports.every((each) => each.doesAnswer);
  narrator.plain(
    isUsable ? "It is usable." : "It is not usable; ./cairn testcloud up starts what is missing.",
  );
  return isUsable;
}

async function reportOf(
  service: Service,
  supervisor: Supervisor,
  signal: AbortSignal,
): Promise<ServiceReport> {
  const state = supervisor.stateOf(service);
  const doesAnswer = state !== "stopped" && (await answers(service.ready, signal));
  const pid = state === "stopped" ? undefined : supervisor.recordOf(service)?.pid;
  return { name: service.name, state, doesAnswer, pid };
}

export function describeReport({ name, state, doesAnswer, pid }: ServiceReport): string {
  const process = pid === undefined ? "" : `process ${pid}`;
  const remark: Readonly<Record<ServiceState, string>> = {
    stopped: "stopped",
    running: doesAnswer ? "running" : "does not answer",
    outdated: "runs with a former configuration",
  };
  return `  ${name.padEnd(26)} ${remark[state].padEnd(33)} ${process}`.trimEnd();
}
