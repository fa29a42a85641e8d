import { type SpawnOptions, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { Fault, withDeadline } from "@cairn/kernel";

export interface CommandOptions {
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly input?: string;
  /** Both outputs are appended to it. */
  readonly logFile?: string;
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const LINES_SHOWN_MAX = 12;
const LINE_SHOWN_MAX = 160;

/**
 * Runs a program to its end and gives its standard output. Fault `command-failed`, with the end of what it
 * said, when it cannot be started, fails, is late or says more than 16 MiB.
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<string> {
  const [program = "", ...rest] = argv;
  const signal = withDeadline(options.deadlineMs, options.signal);
  const spawnOptions: SpawnOptions = {
    env: options.environment,
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
    signal,
  };
  const child = spawn(program, rest, spawnOptions);
  const output = { standard: "", both: "" };
  const collect = (chunk: Buffer, isStandard: boolean): void => {
    if (options.logFile !== undefined) appendFileSync(options.logFile, chunk);
    if (output.both.length + chunk.length > OUTPUT_BYTES_MAX) child.kill("SIGKILL");
    else output.both += chunk.toString();
    if (isStandard) output.standard += chunk.toString();
  };
  child.stdout?.on("data", (chunk: Buffer) => collect(chunk, true));
  child.stderr?.on("data", (chunk: Buffer) => collect(chunk, false));
  // A program that ends without reading its input is judged by its exit code.
  child.stdin?.on("error", () => child.stdin?.destroy());
  child.stdin?.end(options.input ?? "");
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once("error", (cause) => reject(failure(argv, output.both, cause)));
    child.once("close", (exit, signalName) => resolve(exit ?? signalName ?? "a signal"));
  });
  if (code !== 0) throw failure(argv, `${output.both}\nended with ${code}`);
  return output.standard;
}

function failure(argv: readonly string[], output: string, cause?: unknown): Fault {
  const told = output
    .trim()
    .split("\n")
    .slice(-LINES_SHOWN_MAX)
    .map((line) => `\n  ${line}`)
    .join("");
  const line = argv.join(" ");
  const command = line.length > LINE_SHOWN_MAX ? `${line.slice(0, LINE_SHOWN_MAX)} …` : line;
  return new Fault("command-failed", `running ${command}${told}`, "after-operator", cause);
}
