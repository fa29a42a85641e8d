import { readdirSync, readFileSync } from "node:fs";
import { hasCode } from "@cairn/kernel";
import { MARK } from "./environment.ts";

/** What says which process it is: a number alone is used again by the system. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the boot to its start. */
  readonly startTicks: string;
}

export interface ProcessState extends ProcessIdentity {
  readonly program: string;
  readonly group: number;
  readonly isZombie: boolean;
}

/**
 * `/proc/PID/stat` (proc(5)). The program's name stands in parentheses and may hold blanks and parentheses
 * itself, so fields are counted from the last one.
 */
export function parseStat(text: string): ProcessState {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  return {
    pid: Number(text.slice(0, open)),
    program: text.slice(open + 1, close),
    isZombie: fields[0] === "Z" || fields[0] === "X",
    group: Number(fields[2]),
    startTicks: fields[19] ?? "",
  };
}

/** The process of that number, or nothing when there is none. */
export function stateOf(pid: number): ProcessState | undefined {
  const text = readOfProcess(pid, "stat");
  return text === undefined ? undefined : parseStat(text);
}

/** Whether exactly that process runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  const state = stateOf(identity.pid);
  return state !== undefined && !state.isZombie && state.startTicks === identity.startTicks;
}

/** All living processes of which `wanted` says so, by state and the files `environ` and `cmdline`. */
export function findProcesses(
  wanted: (state: ProcessState, read: (file: "environ" | "cmdline") => readonly string[]) => boolean,
): ProcessState[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => stateOf(Number(name)) ?? [])
    .filter((state) => {
      const read = (file: "environ" | "cmdline"): readonly string[] =>
        readOfProcess(state.pid, file)?.split("\0") ?? [];
      return !state.isZombie && wanted(state, read);
    });
}

/** Whatever a cloud started and what that started in turn: services, agents' dnsmasq and haproxy. */
export function processesOfCloud(root: string): ProcessState[] {
  return findProcesses((_, read) => read("environ").includes(`${MARK}=${root}`));
}

/**
 * QEMU of the cloud's servers. libvirt gives it an environment of its own, but for the path that leads to the
 * cloud's programs first; a server's disks may all lie in Ceph.
 */
export function guestsOfCloud(bin: string): ProcessState[] {
  return findProcesses(
    ({ program }, read) =>
      program.startsWith("qemu-system") && read("environ").some((each) => each.startsWith(`PATH=${bin}:`)),
  );
}

function readOfProcess(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (cause) {
    // It ended between two looks, or is a kernel thread's.
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ESRCH") || hasCode(cause, "EACCES")) return undefined;
    throw cause;
  }
}
