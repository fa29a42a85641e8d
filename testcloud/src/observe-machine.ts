import { existsSync, mkdirSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { describeFault } from "@cairn/kernel";
import { readIfThere } from "./disk.ts";
import { isInstalled, MACHINE_ENVIRONMENT } from "./environment.ts";
import type { Layout } from "./layout.ts";
import { type MachineFacts, parseListeningPorts, parseSystem } from "./machine.ts";
import { findProcesses } from "./process-table.ts";
import { runCommand } from "./run-command.ts";
import { NETWORKS, PORTS, PORTS_OF_FULL, type Profile } from "./settings.ts";

const TRIAL_DEADLINE_MS = 20_000;
/** Namespaces and interfaces with these names are Neutron's. */
export const NEUTRON_NAMESPACE = /^q(?:dhcp|router)-/;
export const NEUTRON_INTERFACE = /^(?:tap|brq|vxlan-|qr-|qg-|ns-)/;

export interface Looking {
  readonly layout: Layout;
  readonly profile: Profile;
  /** A folder that was never used: what is ours cannot be there yet. */
  readonly isFirst: boolean;
  /** Ports on which our own services listen. */
  readonly ownPorts: ReadonlySet<number>;
}

/** Looks at the machine; what is tried (a namespace, a bridge) is taken away again. */
export async function observeMachine(looking: Looking, signal: AbortSignal): Promise<MachineFacts> {
  const { layout } = looking;
  const isRoot = process.getuid?.() === 0;
  const existing = nearestExisting(layout.root);
  const { bavail, bsize } = statfsSync(existing);
  return {
    isRoot,
    system: parseSystem(readIfThere("/etc/os-release") ?? ""),
    architecture: process.arch,
    refused: isRoot && looking.isFirst ? await tryKernel(signal) : [],
    freeDiskBytes: looking.isFirst ? bavail * bsize : Number.POSITIVE_INFINITY,
    freeMemoryBytes: looking.isFirst ? availableMemory() : Number.POSITIVE_INFINITY,
    closedFolder: closedFolderAbove(existing),
    takenPorts: takenPorts(looking),
    strangers: looking.isFirst ? strangers() : [],
  };
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === "/" ? path : nearestExisting(dirname(path));
}

function availableMemory(): number {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Number(kib ?? 0) * 1024;
}

function closedFolderAbove(path: string): string | undefined {
  const isClosed = (statSync(path).mode & 0o001) === 0;
  if (isClosed) return path;
  return path === "/" ? undefined : closedFolderAbove(dirname(path));
}

function takenPorts({ profile, ownPorts }: Looking): MachineFacts["takenPorts"] {
  const listening = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => parseListeningPorts(readIfThere(path) ?? "")),
  );
  return Object.entries(PORTS)
    .filter(([service]) => profile === "full" || !PORTS_OF_FULL.some((each) => each === service))
    .filter(([, port]) => listening.has(port) && !ownPorts.has(port))
    .map(([service, port]) => ({ port, service }));
}

/** Neutron's and libvirt's things have no mark of whose they are: all must be ours. */
function strangers(): string[] {
  const daemons = findProcesses(({ program }) => program === "libvirtd" || program === "virtqemud");
  const folder = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  const namespaces = folder("/run/netns").filter((name) => NEUTRON_NAMESPACE.test(name));
  const links = readdirSync("/sys/class/net").filter(
    (name) =>
      NEUTRON_INTERFACE.test(name) || name === NETWORKS.external.bridge || name === NETWORKS.tunnel.device,
  );
  const domains = folder("/etc/libvirt/qemu").filter((name) => name.endsWith(".xml"));
  return [
    ...daemons.map(({ program, pid }) => `${program} (process ${pid})`),
    ...namespaces.map((name) => `the network namespace ${name}`),
    ...links.map((name) => `the network interface ${name}`),
    ...domains.map((name) => `libvirt's domain ${name.slice(0, -".xml".length)}`),
  ];
}

interface Trial {
  readonly thing: string;
  readonly make: string;
  readonly undo: string;
}

const TRIALS: readonly Trial[] = [
  { thing: "network namespaces", make: "ip netns add cairn-trial", undo: "ip netns del cairn-trial" },
  {
    thing: "bridges",
    make: "ip link add cairn-trial type bridge",
    undo: "ip link del cairn-trial",
  },
  {
    thing: "pairs of virtual interfaces",
    make: "ip link add cairn-trial type veth peer name cairn-trial2",
    undo: "ip link del cairn-trial",
  },
  {
    thing: "VXLAN interfaces",
    make: "ip link add cairn-trial type vxlan id 1 local 127.0.0.1 dstport 0",
    undo: "ip link del cairn-trial",
  },
  { thing: "loop devices", make: "losetup --find", undo: "true" },
];

/** `ip` itself comes with the packages: where it is missing the kernel is tried when they are there. */
export function canTryKernel(): boolean {
  return isInstalled("ip");
}

async function tryKernel(signal: AbortSignal): Promise<MachineFacts["refused"]> {
  const options = { environment: MACHINE_ENVIRONMENT, deadlineMs: TRIAL_DEADLINE_MS, signal };
  const refused: { thing: string; reason: string }[] = [];
  if (!canTryKernel()) return refused;
  const hadNamespaces = existsSync("/run/netns");
  for (const { thing, make, undo } of TRIALS) {
    try {
      await runCommand(make.split(" "), options);
      await runCommand(undo.split(" "), options);
    } catch (cause) {
      signal.throwIfAborted();
      refused.push({ thing, reason: describeFault(cause).split("\n")[1]?.trim() ?? "refused" });
    }
  }
  if (!hadNamespaces) await removeNamespaceFolder(options);
  return refused;
}

/** The first `ip netns add` mounts its folder upon itself. */
async function removeNamespaceFolder(options: Parameters<typeof runCommand>[1]): Promise<void> {
  if (!existsSync("/run/netns")) mkdirSync("/run/netns");
  await runCommand(["sh", "-c", "umount -q /run/netns; rmdir /run/netns || true"], options);
}
