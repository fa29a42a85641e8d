import { readFile } from "node:fs/promises";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import process from "node:process";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { hasCode, systemClock } from "@cairn/kernel";
import type { Screen } from "./shell.ts";

// What Node compiled is kept between calls: it halves the time until a command does something.
enableCompileCache();
const { runCommandLine } = await import("./program.ts");

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());

for (const stream of [process.stdout, process.stderr]) {
  // `cairn … | head` closes the pipe: that is no error of ours.
  stream.on("error", (error: Error) => process.exit(hasCode(error, "EPIPE") ? 0 : 1));
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
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
