import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";

/** What a tool printed and how it ended. */
export interface ToolEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const BIN = resolve(import.meta.dirname, "../../node_modules/.bin");

/** Runs one of the locked development tools (`tsc`, `oxlint`, `biome`, `knip`) in a folder, to its end. */
export async function runTool(
  name: string,
  argv: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<ToolEnd> {
  return runCommand(join(BIN, name), argv, folder, signal);
}

/** Runs one of our own programs under the Node that runs this one. */
export async function runNode(
  argv: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<ToolEnd> {
  return runCommand(process.execPath, argv, folder, signal);
}

async function runCommand(
  command: string,
  argv: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<ToolEnd> {
  const child = spawn(command, argv, { cwd: folder, signal, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code: code ?? -1, stdout, stderr };
}

/** The end of what a tool said, for when it did not say what we can read. */
export function complaint({ stdout, stderr, code }: ToolEnd): string {
  return `exit code ${code}: ${`${stdout}\n${stderr}`.trim().slice(-2000)}`;
}
