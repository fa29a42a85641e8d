import { writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { runGuard } from "./loop.ts";

// The process beside a datamover that keeps guests safe when that is stopped, killed or too slow. It is
// started by the datamover, outlives it, and ends when nothing depends on it. File 3 is their channel.
const log = createLog("guard");
const ending = new AbortController();
process.on("SIGTERM", () => ending.abort());
// A Ctrl-C or a closed terminal is the datamover's to answer.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);
try {
  // proc(5): never to be killed for want of memory. Root's to say.
  await writeFile("/proc/self/oom_score_adj", "-1000");
} catch (cause) {
  log.debug("guard.may-be-killed-for-memory", { fault: cause });
}
await runGuard({
  channel: new Socket({ fd: 3, readable: true, writable: true }),
  clock: { now: () => performance.now(), sleep: async (ms, signal) => systemClock.sleep(ms, signal) },
  log,
  ending: ending.signal,
});
process.exit(0);
