import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Fault } from "@cairn/kernel";
import type { Narrator } from "./narrator.ts";

const PROGRAM = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));

/** The product's command line, as the demo's tenant calls it. */
export interface CairnCommand {
  /**
   * Shows the command, runs it, and returns what it printed with `-f json`. Its progress goes to the story's
   * stream.
   */
  run(args: readonly string[], signal: AbortSignal): Promise<unknown>;
}

/**
 * The command line of this checkout with the given environment: all of it, with PATH and the `OS_*`
 * variables.
 */
export function cairnCommand(
  environment: Readonly<Record<string, string | undefined>>,
  narrator: Narrator,
): CairnCommand {
  return {
    run: async (args, signal) => {
      narrator.command(args);
      const text = await output([...args, "-f", "json"], environment, signal);
      return text.trim() === "" ? undefined : (JSON.parse(text) as unknown);
    },
  };
}

function output(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
    signal,
  });
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(parts).toString("utf8"));
      else
        reject(
          new Fault("command-failed", `cairn ${args.join(" ")} ended with code ${String(code)}`, "never"),
        );
    });
  });
}
