import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type Clock, Fault } from "@cairn/kernel";

/** What one run of a tool cost. */
export interface Measured {
  readonly seconds: number;
  /** User and system time of the process and of all children that it waited for. */
  readonly cpuSeconds: number;
  /**
   * The most memory that the process and its descendants held together (resident, shared pages counted each
   * time).
   */
  readonly peakBytes: number;
  readonly output: string;
}

export interface Command {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** Everything that a measurement needs from outside. */
export interface Meter {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

const POLL_MS = 20;
/** The shell waits for the program and then says what it cost: its builtin asks the kernel (`getrusage`). */
const TIMED = '"$@"; code=$?; times >&3; exit $code';

/** Runs a command alone and measures it. A failure is a Fault with the end of what it said. */
export async function measure(meter: Meter, command: Command): Promise<Measured> {
  meter.signal.throwIfAborted();
  const started = meter.clock.now();
  // A group of its own, so that an interrupt ends whatever the tool has started.
  const child = spawn("bash", ["-c", TIMED, "bash", command.program, ...command.parameters], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
    cwd: command.folder,
    env: { ...meter.environment, ...command.environment },
  });
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  meter.signal.addEventListener("abort", end, { once: true });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [, output, errors, times] = child.stdio;
  const texts = Promise.all(
    [output, errors, times].map(async (each) => (each === null ? "" : readAll(each))),
  );
  let running = true;
  const polling = pollPeak(child.pid ?? 0, () => running, meter.clock);
  try {
    const code = await exited;
    running = false;
    const seconds = (meter.clock.now() - started) / 1000;
    const [said = "", complained = "", spent = ""] = await texts;
    meter.signal.throwIfAborted();
    if (code !== 0) {
      throw new Fault(
        "tool-failed",
        `${command.program}: exit code ${code}: ${complained.slice(-800)}`,
        "never",
      );
    }
    return { seconds, cpuSeconds: childSeconds(spent), peakBytes: await polling, output: said };
  } finally {
    running = false;
    meter.signal.removeEventListener("abort", end);
    await polling;
  }
}

async function readAll(stream: unknown): Promise<string> {
  return text(stream as NodeJS.ReadableStream);
}

/** The second line of `times`: user and system time of the children, as `0m1.234s 0m0.567s`. */
export function childSeconds(times: string): number {
  const line = times.trim().split("\n")[1] ?? "";
  return line
    .split(" ")
    .map((part) => /^(\d+)m([\d.]+)s$/.exec(part))
    .reduce((sum, match) => sum + Number(match?.[1] ?? 0) * 60 + Number(match?.[2] ?? 0), 0);
}

/**
 * The larger of two figures: the highest sum of resident memory over the tree in any poll, and the highest
 * mark that the kernel kept of any one process (which no poll can miss).
 */
async function pollPeak(pid: number, running: () => boolean, clock: Clock): Promise<number> {
  let peak = 0;
  while (running()) {
    let sum = 0;
    for (const each of await descendants(pid)) {
      const { resident, highest } = await memoryOf(each);
      sum += resident;
      peak = Math.max(peak, highest);
    }
    peak = Math.max(peak, sum);
    await clock.sleep(POLL_MS);
  }
  return peak;
}

async function descendants(pid: number): Promise<number[]> {
  const found: number[] = [];
  const tasks = await orNothing(async () => readdir(`/proc/${pid}/task`), []);
  for (const task of tasks) {
    const children = await orNothing(async () => readFile(`/proc/${pid}/task/${task}/children`, "utf8"), "");
    for (const child of children.split(" ").filter((each) => each !== "")) {
      found.push(Number(child), ...(await descendants(Number(child))));
    }
  }
  return found;
}

/** What a process holds, and the most that it ever held, in bytes. */
export async function memoryOf(pid: number): Promise<{ resident: number; highest: number }> {
  const status = await orNothing(async () => readFile(`/proc/${pid}/status`, "utf8"), "");
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
  return { resident: field("VmRSS"), highest: field("VmHWM") };
}

/** A process may end while it is looked at: then there is nothing to see. */
async function orNothing<Value>(look: () => Promise<Value>, nothing: Value): Promise<Value> {
  try {
    return await look();
  } catch {
    // The process has just ended (ENOENT, ESRCH).
    return nothing;
  }
}
