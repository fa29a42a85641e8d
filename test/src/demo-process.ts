import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

const PROGRAM = resolve(import.meta.dirname, "../../apps/embedded/src/main.ts");

/** A demo that is going on, in a folder of its own. */
export interface Demo {
  readonly child: ChildProcess;
  readonly folder: string;
  story(): string;
  result(): string;
  readonly ended: Promise<number | null>;
}

/** Starts `demo --json` as its own process. */
export async function startDemo(): Promise<Demo> {
  const folder = await mkdtemp("/var/tmp/cairn-");
  const child = spawn(process.execPath, [PROGRAM, "demo", "--json", "--dir", folder], { detached: true });
  const written = { story: "", result: "" };
  child.stderr.on("data", (part: Buffer) => (written.story += part.toString()));
  child.stdout.on("data", (part: Buffer) => (written.result += part.toString()));
  const ended = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
  return { child, folder, ended, story: () => written.story, result: () => written.result };
}

/** Processes that name the folder in command line or environment, as every part of the tree does. */
export async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    const [command, environment] = await Promise.all(
      ["cmdline", "environ"].map(async (name) => readFile(join("/proc", pid, name), "utf8").catch(() => "")),
    );
    if (command?.includes(folder) === true || environment?.includes(folder) === true) {
      found.push(`${pid} ${command?.replaceAll("\0", " ") ?? ""}`);
    }
  }
  return found;
}
