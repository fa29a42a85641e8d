import { formatBytes, GiB, Rejection } from "@cairn/kernel";
import { ROOT_LENGTH_MAX } from "./layout.ts";
import type { Profile } from "./settings.ts";

/** What was seen of the machine. */
export interface MachineFacts {
  readonly isRoot: boolean;
  /** `ID` and `VERSION_ID` of /etc/os-release, such as `debian 12`. */
  readonly system: string;
  readonly architecture: string;
  /** What the kernel refused, with its own words: `network namespaces`, `bridges` … */
  readonly refused: readonly { readonly thing: string; readonly reason: string }[];
  readonly freeDiskBytes: number;
  readonly freeMemoryBytes: number;
  /** A folder above the cloud's that users other than root may not enter. */
  readonly closedFolder: string | undefined;
  readonly takenPorts: readonly { readonly port: number; readonly service: string }[];
  /** Signs that something else lives here that we would disturb: `libvirtd`, `namespace qrouter-…`. */
  readonly strangers: readonly string[];
}

export interface Wish {
  readonly profile: Profile;
  readonly root: string;
}

/** This machine cannot have a cloud, or not now; nothing of it was touched but for Debian's packages. */
export class UnfitMachine extends Rejection {
  constructor(problems: readonly string[]) {
    const list = problems.map((each) => `\n  - ${each}`).join("");
    super(`this machine cannot have a test cloud now:${list}`, { status: 409, remedy: "Stop it first." });
    this.name = "UnfitMachine";
  }
}

/** Packages, databases, the guest, and some servers. */
const DISK_BYTES: Readonly<Record<Profile, number>> = { light: 12 * GiB, full: 16 * GiB };
/** The services take 3.7 GiB, with Ceph and Horizon 4.3 GiB; a guest about 300 MiB. */
const MEMORY_BYTES: Readonly<Record<Profile, number>> = { light: 5 * GiB, full: 6 * GiB };

/** Why this machine cannot have a cloud, each as a sentence with its remedy; empty when it can. */
export function problemsOf(facts: MachineFacts, { profile, root }: Wish): string[] {
  const problems: string[] = [];
  if (!facts.isRoot) {
    problems.push("it needs root, for namespaces, mounts and Debian packages: run it as root or with sudo");
  }
  if (facts.system !== "debian 12" || facts.architecture !== "x64") {
    const here = `${facts.system === "" ? "unknown" : facts.system} on ${facts.architecture}`;
    problems.push(`its packages are those of Debian 12 on x64, and this is ${here}: use such a machine`);
  }
  for (const { thing, reason } of facts.refused) {
    problems.push(`the kernel gives no ${thing} (${reason}): use a virtual machine instead of a container`);
  }
  if (facts.freeDiskBytes < DISK_BYTES[profile]) {
    const has = formatBytes(facts.freeDiskBytes);
    const wanted = formatBytes(DISK_BYTES[profile]);
    problems.push(`${root} has ${has} free, and ${wanted} are needed: choose another with --folder`);
  }
  if (facts.freeMemoryBytes < MEMORY_BYTES[profile]) {
    const has = formatBytes(facts.freeMemoryBytes);
    problems.push(`${has} of memory are free, and ${formatBytes(MEMORY_BYTES[profile])} are needed`);
  }
  if (facts.closedFolder !== undefined) {
    const users = "MariaDB, RabbitMQ and QEMU, which are not root";
    problems.push(`${facts.closedFolder} is closed to ${users}: choose another with --folder`);
  }
  if (root.length > ROOT_LENGTH_MAX || !/^\/[\w./-]+$/.test(root)) {
    const limit = `at most ${ROOT_LENGTH_MAX} plain characters`;
    problems.push(
      `"${root}" must be an absolute path of ${limit} (sockets lie below it): choose with --folder`,
    );
  }
  for (const { port, service } of facts.takenPorts) {
    problems.push(`port ${port}, which ${service} needs, is taken: end what listens there (ss -ltnp)`);
  }
  for (const stranger of facts.strangers) {
    problems.push(`${stranger} is there already and not ours: end or remove it first`);
  }
  return problems;
}

/**
 * Ports that somebody listens on, from /proc/net/tcp and tcp6 (state 0A). Ones bound to any address count,
 * those of another address than loopback do not matter to us but are rare: they count as well.
 */
export function parseListeningPorts(text: string): number[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A")
    .map((fields) => Number.parseInt((fields[1] ?? "").split(":")[1] ?? "", 16));
}

/** `debian 12` from the text of /etc/os-release. */
export function parseSystem(text: string): string {
  const value = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return `${value("ID")} ${value("VERSION_ID")}`.trim();
}
