import { createHash } from "node:crypto";
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "@cairn/kernel";
import { readIfThere } from "./disk.ts";
import { MACHINE_ENVIRONMENT } from "./environment.ts";
import { mountPoints } from "./mounts.ts";
import { findProcesses } from "./process-table.ts";
import { runCommand } from "./run-command.ts";

/** What a cloud could leave on a machine: each aspect is a list of lines. */
export type Footprint = Readonly<Record<string, readonly string[]>>;

export interface Difference {
  readonly aspect: string;
  /** `+` is there now and was not, `-` was there and is not. */
  readonly sign: "+" | "-";
  readonly line: string;
}

/** Folders in which packages, services and libvirt keep things; not below other file systems. */
const FOLDERS = [
  "/etc",
  "/run",
  "/var/lib",
  "/var/log",
  "/var/cache",
  "/var/tmp",
  "/usr/sbin",
  "/opt",
  "/srv",
];
/** Files whose content is kept as well: those that `up` could have changed. */
const CONTENTS = ["/etc/libvirt", "/etc/nova", "/etc/cinder", "/etc/neutron", "/etc/keystone", "/etc/glance"];
const KERNEL = ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"];
const DEADLINE_MS = 60_000;
const FILES_MAX = 1_000_000;

/** Looks at the machine as root. `ignored` folders are somebody else's. */
export async function footprint(ignored: readonly string[], signal: AbortSignal): Promise<Footprint> {
  const run = (command: string): Promise<string> =>
    runCommand(command.split(" "), { environment: MACHINE_ENVIRONMENT, deadlineMs: DEADLINE_MS, signal });
  const lines = async (command: string): Promise<string[]> =>
    (await run(command)).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const isOurs = (path: string): boolean => !ignored.some((each) => `${path}/`.startsWith(`${each}/`));
  // mount(8) makes its own folder when it is first called.
  const files = FOLDERS.flatMap((folder) => filesBelow(folder)).filter(
    (path) => isOurs(path) && path !== "/run/mount",
  );
  return {
    processes: findProcesses(({ pid }, read) => pid !== process.pid && read("cmdline").length > 1).map(
      ({ pid, program }) => `${program} ${pid}`,
    ),
    mounts: mountPoints(),
    interfaces: readdirSync("/sys/class/net"),
    namespaces: await lines("ip netns list"),
    "loop devices": await lines("losetup --list --noheadings --output NAME,BACK-FILE"),
    "IP sets": await lines("ipset list -name"),
    "firewall tables": await lines("nft list tables"),
    "kernel settings": KERNEL.map(
      (name) => `${name} ${readIfThere(join("/proc/sys", name))?.trim() ?? "none"}`,
    ),
    files,
    contents: CONTENTS.flatMap((folder) => filesBelow(folder).flatMap((path) => contentOf(path))),
  };
}

/** What differs, aspect by aspect. */
export function differences(before: Footprint, after: Footprint): Difference[] {
  return Object.keys(after).flatMap((aspect) => {
    const was = new Set(before[aspect] ?? []);
    const is = new Set(after[aspect] ?? []);
    return [
      ...[...is.difference(was)].map((line): Difference => ({ aspect, sign: "+", line })),
      ...[...was.difference(is)].map((line): Difference => ({ aspect, sign: "-", line })),
    ];
  });
}

function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined && found.length < FILES_MAX; next = waiting.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name);
      found.push(path);
      if (entry.isDirectory()) waiting.push(path);
    }
  }
  return found;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) return [];
    throw cause;
  }
}

function contentOf(path: string): string[] {
  try {
    return [`${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`];
  } catch (cause) {
    if (hasCode(cause, "EISDIR") || hasCode(cause, "ENOENT")) return [];
    throw cause;
  }
}
