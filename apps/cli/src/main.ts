#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { basename } from "node:path";
import process from "node:process";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { hasCode, systemClock } from "@cairn/kernel";
import type { Screen, Shell } from "./shell.ts";

type CommandLine = (argv: readonly string[], shell: Shell) => Promise<number>;

// What Node compiled is kept between calls: it halves the time until a command does something.
enableCompileCache();
const run = await commandLineOf(basename(process.argv[1] ?? ""));

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());

for (const stream of [process.stdout, process.stderr]) {
  // `cairn … | head` closes the pipe: that is no error of ours.
  stream.on("error", (error: Error) => process.exit(hasCode(error, "EPIPE") ? 0 : 1));
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: screen(process.stdout),
  err: screen(process.stderr),
  clock: systemClock,
  cwd: process.cwd(),
  home: homedir(),
  signal: interrupted.signal,
  readFile: readText,
  trustAuthorities: (pem) => setDefaultCACertificates([...getCACertificates("default"), pem]),
});

/** Called `workloadmgr` it has that program's commands. Each spelling loads only what it needs. */
async function commandLineOf(name: string): Promise<CommandLine> {
  if (name === "workloadmgr") return (await import("./workloadmgr/run.ts")).runWorkloadmgr;
  return (await import("./program.ts")).runCommandLine;
}

function screen(stream: NodeJS.WriteStream): Screen {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR", "EACCES", "EISDIR"].some((code) => hasCode(cause, code))) return undefined;
    throw cause;
  }
}
