import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, Fault, Rejection } from "@cairn/kernel";
import { installedPackages } from "./debian.ts";
import { makeFolders } from "./disk.ts";
import { MACHINE_ENVIRONMENT } from "./environment.ts";
import type { Narrator } from "./narrator.ts";
import { restart } from "./restart.ts";
import { runCommand } from "./run-command.ts";
import { PYTHON } from "./services.ts";
import type { Settings } from "./settings.ts";

export const PLUGIN_DEEDS = ["install", "remove"] as const;
export type PluginDeed = (typeof PLUGIN_DEEDS)[number];

export function isPluginDeed(word: string | undefined): word is PluginDeed {
  return PLUGIN_DEEDS.some((deed) => deed === word);
}

export interface PluginWork {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly narrator: Narrator;
}

const PACKAGE = "cairn-dashboard";
const BUILD = join(import.meta.dirname, "../../clients/horizon/build.py");
/** Debian's dashboard collects and compresses all of its static files anew when a package brings panels. */
const DEADLINE_MS = 300_000;

/**
 * Builds the plugin, installs its package, and starts Horizon anew. Done again it brings what is built now.
 * Refuses a cloud without Horizon, and a package that is somebody else's.
 */
export async function installPlugin(work: PluginWork, signal: AbortSignal): Promise<void> {
  const { settings, narrator } = work;
  const { plugin } = settings.layout;
  refuseWithoutHorizon(settings);
  if (!existsSync(plugin) && (await isInstalled(signal))) {
    throw new Rejection(`the package ${PACKAGE} is on this machine and not of this cloud`, {
      status: 409,
      remedy: `remove it first: dpkg --purge ${PACKAGE}`,
    });
  }
  // From here on `purge` knows that the package is this cloud's.
  makeFolders([plugin]);
  const built = await run(settings, [PYTHON, "-B", BUILD, plugin], signal);
  const file = built.split("\n").find((line) => line.endsWith(".deb"));
  if (file === undefined)
    throw new Fault("plugin-not-built", `building the plugin: ${built}`, "after-operator");
  await run(settings, ["dpkg", "--install", file], signal);
  narrator.tell(`${PACKAGE} is installed`);
  await restart(work, "horizon", signal);
}

/** Removes the package with all that belongs to it, and starts Horizon anew without it. */
export async function removePlugin(work: PluginWork, signal: AbortSignal): Promise<void> {
  refuseWithoutHorizon(work.settings);
  if (!existsSync(work.settings.layout.plugin)) {
    work.narrator.tell(`this cloud has not installed ${PACKAGE}`);
    return;
  }
  await purgePlugin(work.settings, signal);
  work.narrator.tell(`${PACKAGE} is removed`);
  await restart(work, "horizon", signal);
}

/** Removes the package where this cloud has brought it; Horizon is left as it is. */
export async function purgePlugin(settings: Settings, signal: AbortSignal): Promise<void> {
  if (!existsSync(settings.layout.plugin)) return;
  if (await isInstalled(signal)) await run(settings, ["dpkg", "--purge", PACKAGE], signal);
  rmSync(settings.layout.plugin, { recursive: true });
}

function refuseWithoutHorizon({ profile, layout }: Settings): void {
  if (profile === "full") return;
  throw new Rejection(`the cloud in ${layout.root} has no Horizon: its profile is ${profile}`, {
    status: 409,
    remedy: "make one with ./cairn testcloud up --profile full",
  });
}

async function isInstalled(signal: AbortSignal): Promise<boolean> {
  return (await installedPackages(signal)).has(PACKAGE);
}

async function run(settings: Settings, words: readonly string[], signal: AbortSignal): Promise<string> {
  const logFile = join(settings.layout.log, "horizon-plugin.log");
  return runCommand(words, { environment: MACHINE_ENVIRONMENT, deadlineMs: DEADLINE_MS, signal, logFile });
}
