import { execFile } from "node:child_process";
import { access, constants, readFile, realpath } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { Fault } from "@cairn/kernel";
import type { CpioEntry } from "./cpio.ts";

const run = promisify(execFile);

/** Where a program of this machine is: on the path, or where administrators' programs are. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  const folders = [...new Set([...path.split(delimiter), "/usr/bin", "/bin", "/usr/sbin", "/sbin"])];
  for (const folder of folders) {
    const file = join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== "" && isThere) return realpath(file);
  }
  return undefined;
}

/** As `findProgram`. Fault `files-unavailable` names the package to install. */
export async function requireProgram(name: string, path: string, hint: string): Promise<string> {
  const found = await findProgram(name, path);
  if (found !== undefined) return found;
  throw new Fault("files-unavailable", `looking for the program ${name}: install ${hint}`, "after-operator");
}

/** A program under its name in the machine, and the libraries that this host's loader finds for it. */
export async function programEntries(file: string, name: string): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [{ kind: "file", name, bytes: await readFile(file) }];
  for (const library of await librariesOf(file)) {
    entries.push({ kind: "file", name: library.slice(1), bytes: await readFile(library) });
  }
  return entries;
}

/** `ldd` fails for programs that need no library. */
async function librariesOf(file: string): Promise<string[]> {
  const listed = await run("ldd", [file]).then(
    ({ stdout }) => stdout,
    () => "",
  );
  return Array.from(listed.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm), (match) => match[1] ?? "");
}

const PRAGMAS = "require strict; require warnings; print map { qq($_ $INC{$_}\\n) } keys %INC";

/** What the agent's two first lines load, as this host's perl finds it. */
export async function perlEntries(perl: string): Promise<CpioEntry[]> {
  const { stdout } = await run(perl, ["-e", PRAGMAS]);
  const pairs = stdout.trim().split("\n");
  return Promise.all(
    pairs.map(async (line) => {
      const [name = "", file = ""] = line.split(" ");
      return { kind: "file" as const, name: `lib/perl/${name}`, bytes: await readFile(file) };
    }),
  );
}
