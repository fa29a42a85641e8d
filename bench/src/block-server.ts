import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "@cairn/qmp";
import type { Meter } from "./measure.ts";

const START_MS = 10_000;
const COMMAND_MS = 60_000;
const STOP_MS = 10_000;
const POLL_MS = 20;
/** Linux counts CPU time in hundredths for everybody, whatever the kernel's own tick is. */
const TICKS_A_SECOND = 100;

/** A QEMU storage daemon that serves one raw file over NBD, as the hypervisor does. */
export interface BlockServer {
  readonly socket: string;
  /** Offers the disk under a name; with `bitmap` read-only and with the changes that it recorded. */
  offer(name: string, bitmap?: string): Promise<void>;
  /** Begins to record changes. */
  record(bitmap: string): Promise<void>;
  /** CPU seconds that the daemon has used so far. */
  cpuSeconds(): Promise<number>;
  stop(): Promise<void>;
}

export async function startBlockServer(
  meter: Meter,
  place: { readonly folder: string; readonly name: string; readonly file: string },
): Promise<BlockServer> {
  const socket = join(place.folder, `${place.name}.nbd`);
  const monitor = join(place.folder, `${place.name}.qmp`);
  const daemon = spawn("qemu-storage-daemon", daemonParameters(place.file, socket, monitor), {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...meter.environment },
  });
  const qmp = await connectWhenReady(meter, daemon, monitor);
  return {
    socket,
    offer: async (name, bitmap) => {
      const common = { type: "nbd", id: name, "node-name": "disk", name };
      if (bitmap !== undefined)
        await qmp.execute("block-dirty-bitmap-disable", { node: "disk", name: bitmap });
      const how = bitmap === undefined ? { writable: true } : { writable: false, bitmaps: [bitmap] };
      await qmp.execute("block-export-add", { ...common, ...how });
    },
    record: async (bitmap) => {
      await qmp.execute("block-dirty-bitmap-add", { node: "disk", name: bitmap, granularity: 65_536 });
    },
    cpuSeconds: async () => cpuSecondsOf(daemon.pid ?? 0),
    stop: async () => {
      qmp.close();
      if (daemon.exitCode !== null || daemon.signalCode !== null) return;
      const exited = once(daemon, "exit");
      daemon.kill("SIGTERM");
      const overdue = setTimeout(() => daemon.kill("SIGKILL"), STOP_MS);
      await exited;
      clearTimeout(overdue);
    },
  };
}

function daemonParameters(file: string, socket: string, monitor: string): string[] {
  return [
    "--blockdev",
    `driver=file,node-name=file,filename=${file},discard=unmap`,
    "--blockdev",
    "driver=raw,node-name=disk,file=file,discard=unmap",
    "--nbd-server",
    `addr.type=unix,addr.path=${socket},max-connections=16`,
    "--chardev",
    `socket,id=monitor,path=${monitor},server=on,wait=off`,
    "--monitor",
    "chardev=monitor",
  ];
}

async function connectWhenReady(meter: Meter, daemon: ChildProcess, path: string): Promise<QmpClient> {
  const deadline = meter.clock.now() + START_MS;
  for (;;) {
    try {
      return await connectQmp({ path, timeoutMs: COMMAND_MS, signal: meter.signal });
    } catch (cause) {
      const starting = hasCode(cause, "ENOENT") || hasCode(cause, "ECONNREFUSED");
      if (!starting || meter.clock.now() > deadline || daemon.exitCode !== null) {
        daemon.kill("SIGKILL");
        throw new Fault("tool-failed", "starting qemu-storage-daemon", "never", cause);
      }
      await meter.clock.sleep(POLL_MS, meter.signal);
    }
  }
}

/** Fields 14 and 15 of /proc/pid/stat, after the name in brackets (proc(5)). */
async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}
