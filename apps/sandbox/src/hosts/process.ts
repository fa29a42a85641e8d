import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, type Clock, hasCode } from "@cairn/kernel";
import type { DomainDisk } from "./domain-file.ts";

/** Of coreutils. */
const LINE_BY_LINE = "stdbuf";

/**
 * A process that cannot be mistaken for a later one of the same number: start time in clock ticks
 * since boot.
 */
export interface ProcessId {
  readonly pid: number;
  readonly startTicks: string;
}

/** The start time of a process, from field 22 of `/proc/<pid>/stat`; undefined for none and for a zombie. */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in field 2 may hold spaces and brackets; what follows its last bracket starts with field 3.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    // ENOENT or ESRCH: there is no such process.
    return undefined;
  }
}

export function isAlive(id: ProcessId): boolean {
  return startTicksOf(id.pid) === id.startTicks;
}

export function signalProcess(id: ProcessId, signal: "SIGTERM" | "SIGKILL"): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, signal);
  } catch (cause) {
    // It may have ended between the look and the signal, which is what the signal was for.
    if (!hasCode(cause, "ESRCH")) throw cause;
  }
}

/** Waits until the process is gone; false when it is still there after `ms`. */
export async function waitForEnd(id: ProcessId, clock: Clock, ms: number): Promise<boolean> {
  const deadlineMs = clock.now() + ms;
  while (isAlive(id)) {
    if (clock.now() > deadlineMs) return false;
    await clock.sleep(10);
  }
  return true;
}

export interface QemuSpec {
  readonly folder: string;
  readonly instanceId: string;
  readonly disks: readonly DomainDisk[];
}

/** The block nodes of a disk: a format node with a name of its own over the file. */
export function blockdevOf(disk: DomainDisk): object {
  return {
    driver: disk.format,
    "node-name": disk.nodeName,
    discard: "unmap",
    file: {
      driver: "file",
      "node-name": disk.nodeName.replace(/-format$/, "-storage"),
      filename: disk.path,
      discard: "unmap",
    },
  };
}

/** The device that the guest would see. SCSI, because it can be unplugged without a guest's consent. */
export function deviceOf(disk: DomainDisk): Readonly<Record<string, string>> {
  return {
    driver: "scsi-hd",
    id: disk.qdevId,
    drive: disk.nodeName,
    bus: "scsi0.0",
    ...(disk.serial === undefined ? {} : { serial: disk.serial }),
  };
}

function parametersOf(spec: QemuSpec): string[] {
  const disks = spec.disks.flatMap((disk) => [
    "-blockdev",
    JSON.stringify(blockdevOf(disk)),
    "-device",
    Object.entries(deviceOf(disk))
      .map(([key, value]) => (key === "driver" ? value : `${key}=${value}`))
      .join(","),
  ]);
  const identity = ["-name", spec.instanceId, "-uuid", spec.instanceId, "-pidfile", "qemu.pid"];
  const machine = ["-machine", "pc", "-accel", "tcg", "-m", "16", "-S", "-nodefaults", "-no-user-config"];
  // Each serves one client: the datamover, the sandbox, the datamover's guard.
  const monitors = ["qmp.sock", "monitor.sock", "guard.sock"].flatMap((name) => [
    "-qmp",
    `unix:${name},server=on,wait=off`,
  ]);
  const bus = ["-display", "none", "-device", "virtio-scsi-pci,id=scsi0"];
  return [...identity, ...machine, ...monitors, ...bus, ...disks];
}

/**
 * Starts a QEMU in the instance's folder, in a process group of its own, so that neither Ctrl-C nor the
 * end of the sandbox reaches it. `stdbuf` makes its standard output line by line: `qemu-io` reports
 * there.
 */
export function spawnQemu(spec: QemuSpec): ProcessId {
  const log = openSync(join(spec.folder, "qemu.log"), "w");
  const child = spawn(LINE_BY_LINE, ["-oL", "qemu-system-x86_64", ...parametersOf(spec)], {
    cwd: spec.folder,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  // A missing program shows as a process that is not there; the caller reports it with the log.
  child.on("error", () => undefined);
  child.unref();
  const { pid } = child;
  assert(pid !== undefined, "stdbuf (coreutils) and qemu-system-x86_64 are installed");
  return { pid, startTicks: startTicksOf(pid) ?? "" };
}
