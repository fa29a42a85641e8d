import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { type Clock, Fault, formatDuration } from "@cairn/kernel";
import type { Cloud } from "./cloud.ts";
import { readFolder, settingsFor, storeSettings } from "./cloud-folder.ts";
import { configFiles } from "./config/files.ts";
import { installPackages } from "./debian.ts";
import { makeFolders, writeConfig, writeWhole } from "./disk.ts";
import { Journal } from "./journal.ts";
import type { Layout } from "./layout.ts";
import { problemsOf, UnfitMachine } from "./machine.ts";
import type { Narrator } from "./narrator.ts";
import { canTryKernel, observeMachine } from "./observe-machine.ts";
import { servicesOf } from "./services.ts";
import { PORTS, type Profile, type Settings, urlOf } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";
import { performTasks, type TaskProgress } from "./task.ts";
import { tasksOf } from "./tasks.ts";

export interface Up {
  readonly layout: Layout;
  readonly profile: Profile | undefined;
  readonly proxies: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly narrator: Narrator;
}

/**
 * Brings everything up that is not: packages, configuration, services, contents. May be called at any time
 * and after any interruption. UnfitMachine when this machine cannot have a cloud.
 */
export async function up(wish: Up, signal: AbortSignal): Promise<void> {
  const { layout, clock, narrator } = wish;
  const isFirst = readFolder(layout).kind !== "cloud";
  const settings = settingsFor(layout, wish.profile);
  const supervisor = new Supervisor(layout, clock);
  const running = servicesOf(settings).filter((service) => supervisor.stateOf(service) !== "stopped");
  narrator.tell(`test cloud "${settings.profile}" in ${layout.root}: ${running.length} services run`);
  const known = { isFirst, running: running.map(({ name }) => name) };
  const wasKernelTried = canTryKernel();
  await refuseUnfitMachine(settings, known, signal);
  prepareFolder(settings);
  await getPackages(wish, settings, signal);
  if (!wasKernelTried) await refuseUnfitMachine(settings, known, signal);
  for (const file of configFiles(settings)) writeConfig(file);
  const isComplete = servicesOf(settings).every((service) => supervisor.stateOf(service) === "running");
  if (!isComplete) rmSync(layout.readyFile, { force: true });
  const journal = new Journal(layout);
  const cloud: Cloud = { settings, supervisor, journal, clock, proxies: wish.proxies };
  await performTasks(tasksOf(cloud), {
    heavyMax: availableParallelism(),
    signal,
    progress: tellTasks(wish),
  });
  writeWhole(layout.readyFile, "", 0o644);
  summarise(settings, narrator);
}

/** Ports of a service that runs are not taken by others; what a stopped one needs must be free. */
async function refuseUnfitMachine(
  settings: Settings,
  { isFirst, running }: { isFirst: boolean; running: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const { layout, profile } = settings;
  const ownPorts = new Set(portsOf(running));
  const facts = await observeMachine({ layout, profile, isFirst, ownPorts }, signal);
  const problems = problemsOf(facts, { profile, root: layout.root });
  if (problems.length > 0) throw new UnfitMachine(problems);
}

/** Some services listen on several ports, and some ports belong to a service of another name. */
const PORTS_OF_SERVICE: Readonly<Record<string, readonly (keyof typeof PORTS)[]>> = {
  keystone: ["keystone"],
  "glance-api": ["glance"],
  placement: ["placement"],
  "nova-api": ["nova", "novaMetadata"],
  "neutron-server": ["neutron"],
  "cinder-api": ["cinder"],
  mariadb: ["database"],
  rabbitmq: ["rabbit", "rabbitDistribution"],
  epmd: ["epmd"],
  memcached: ["memcached"],
  "ceph-mon": ["cephMonitor"],
  radosgw: ["s3"],
  horizon: ["horizon"],
};

export function portsOf(services: readonly string[]): number[] {
  return services.flatMap((name) => (PORTS_OF_SERVICE[name] ?? []).map((port) => PORTS[port]));
}

function prepareFolder(settings: Settings): void {
  const { layout } = settings;
  makeFolders([dirname(layout.root), layout.root]);
  storeSettings(settings);
  makeFolders([layout.conf, layout.run, layout.log, layout.data, layout.bin, layout.home]);
}

async function getPackages(
  { narrator, layout, proxies }: Up,
  { profile }: Settings,
  signal: AbortSignal,
): Promise<void> {
  const begunMs = narrator.elapsedMs();
  const onMissing = (missing: readonly string[]): void => {
    narrator.tell(`installing ${missing.length} Debian packages and what they need`);
  };
  const logFile = join(layout.log, "packages.log");
  const isInstalled = await installPackages({ profile, logFile, proxies, onMissing }, signal);
  if (isInstalled) narrator.tell("packages installed", narrator.elapsedMs() - begunMs);
}

function tellTasks({ narrator }: Up): TaskProgress {
  const begun = new Map<string, number>();
  return {
    onStart: ({ name }) => begun.set(name, narrator.elapsedMs()),
    onEnd: ({ name }, outcome) => {
      if (outcome === "already") return;
      narrator.tell(name, narrator.elapsedMs() - (begun.get(name) ?? 0));
    },
  };
}

function summarise({ layout, profile }: Settings, narrator: Narrator): void {
  narrator.tell(`up: the test cloud is usable after ${formatDuration(narrator.elapsedMs())}`);
  const lines = [
    `  Keystone    ${urlOf("keystone", "/v3")}`,
    `  administrator  . ${join(layout.root, "openrc")}        (cloud "admin" of clouds.yaml)`,
    `  project demo   . ${join(layout.root, "openrc-demo")}   (cloud "demo")`,
    `  clouds.yaml    ${join(layout.root, "clouds.yaml")}`,
    `  bus, libvirt, S3 and Ceph: ${join(layout.root, "access.json")}`,
    "  image guest, flavors t1, t1.disk, t2.disk, network priv, floating IPs of ext",
  ];
  if (profile === "full") {
    lines.push(`  S3          ${urlOf("s3")}`);
    lines.push(`  Horizon     ${urlOf("horizon", "/")}`);
    lines.push(`  Ceph        --conf ${join(layout.conf, "ceph.conf")}`);
  }
  lines.push(`  logs        ${layout.log}`);
  for (const line of lines) narrator.plain(line);
}

/** For commands that need a cloud. */
export function existingSettings(layout: Layout): Settings {
  const content = readFolder(layout);
  if (content.kind === "cloud") return content.settings;
  throw new Fault("no-cloud", `looking for a test cloud in ${layout.root}: there is none`, "after-operator");
}
