import { existsSync, readdirSync, rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Fault } from "@cairn/kernel";
import { exportFolder } from "./config/cinder.ts";
import { type Down, down } from "./down.ts";
import { environmentOf, isInstalled } from "./environment.ts";
import { bridgeCleaning, isEmptyTable, withoutNeutron } from "./firewall.ts";
import { purgePlugin } from "./horizon-plugin.ts";
import { Journal } from "./journal.ts";
import type { Layout } from "./layout.ts";
import { mountPoints } from "./mounts.ts";
import { NEUTRON_INTERFACE, NEUTRON_NAMESPACE } from "./observe-machine.ts";
import { runCommand } from "./run-command.ts";
import { NETWORKS } from "./settings.ts";

const COMMAND_DEADLINE_MS = 60_000;
const UNMOUNT_ATTEMPTS_MAX = 20;
const UNMOUNT_PAUSE_MS = 500;

/**
 * Removes everything but Debian's packages: processes, namespaces, interfaces, firewall rules, mounts, what
 * was changed elsewhere, and the folder. Each part looks for what is there, so that an interrupted purge is
 * simply repeated; the folder with its notes goes last.
 */
export async function purge(what: Down, signal: AbortSignal): Promise<void> {
  const { layout } = what.settings;
  const run: Run = (words, input) =>
    runCommand(words, {
      environment: environmentOf(layout),
      deadlineMs: COMMAND_DEADLINE_MS,
      signal,
      ...(input === undefined ? {} : { input }),
    });
  await down(what, signal);
  await purgePlugin(what.settings, signal);
  await removeNetworks(run);
  await removeFirewallRules(run);
  await unmountAll(layout, run);
  new Journal(layout).putBack();
  rmSync(layout.root, { recursive: true, force: true });
  what.narrator.tell(`purged: ${layout.root} and all that belonged to it are gone; Debian's packages stay`);
}

type Run = (words: readonly string[], input?: string) => Promise<string>;

/** Neutron's things bear no mark, but `up` refuses a machine on which any were before. */
async function removeNetworks(run: Run): Promise<void> {
  for (const name of listed("/run/netns").filter((each) => NEUTRON_NAMESPACE.test(each))) {
    await run(["ip", "netns", "delete", name]);
  }
  const { external, tunnel } = NETWORKS;
  const ours = (name: string): boolean =>
    NEUTRON_INTERFACE.test(name) || name === external.bridge || name === tunnel.device;
  for (const name of listed("/sys/class/net").filter(ours)) {
    // The other end of a pair goes with the first.
    if (existsSync(`/sys/class/net/${name}`)) await run(["ip", "link", "delete", name]);
  }
  if (mountPoints().includes("/run/netns") && listed("/run/netns").length === 0) {
    await run(["umount", "/run/netns"]);
  }
}

/**
 * Chains and rules that Neutron's agents left; those of others stay as they are. Where a program is missing
 * `up` failed before any agent ran.
 */
async function removeFirewallRules(run: Run): Promise<void> {
  if (!["iptables", "nft", "ipset"].every((program) => isInstalled(program))) return;
  for (const program of ["iptables", "ip6tables"]) {
    const rules = await run([`${program}-save`]);
    if (rules.includes("neutron-")) await run([`${program}-restore`], withoutNeutron(rules));
  }
  if ((await run(["nft", "list", "tables"])).includes("table bridge nat")) {
    const table = await run(["nft", "--handle", "list", "table", "bridge", "nat"]);
    for (const words of bridgeCleaning(table)) await run(["nft", ...words]);
  }
  await removeEmptyTables(run);
  const sets = await run(["ipset", "list", "-name"]);
  for (const name of sets.split("\n").filter((each) => /^NIPv[46]/.test(each))) {
    await run(["ipset", "destroy", name]);
  }
}

/** iptables and ebtables make their tables when they are first asked, and never remove them. */
async function removeEmptyTables(run: Run): Promise<void> {
  for (const [, table = ""] of (await run(["nft", "list", "tables"])).matchAll(/^table (.+)$/gm)) {
    const words = table.split(" ");
    if (isEmptyTable(await run(["nft", "list", "table", ...words]))) {
      await run(["nft", "delete", "table", ...words]);
    }
  }
}

/** The latest first: shares lie upon others. A guest's QEMU that just ended may hold one for a moment. */
async function unmountAll(layout: Layout, run: Run): Promise<void> {
  const below = (): string[] =>
    mountPoints().filter((path) => path.startsWith(`${layout.data}/`) || path === exportFolder({ layout }));
  for (let attempt = 0; below().length > 0; attempt += 1) {
    const path = below().at(-1) ?? "";
    try {
      await run(["umount", path]);
    } catch (cause) {
      if (attempt < UNMOUNT_ATTEMPTS_MAX) await pause(UNMOUNT_PAUSE_MS);
      else throw new Fault("mount-remains", `unmounting ${path}`, "later", cause);
    }
  }
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
