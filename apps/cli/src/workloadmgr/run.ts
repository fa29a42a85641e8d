import { Rejection } from "@cairn/kernel";
import { EXIT, endingOf } from "../exit-codes.ts";
import { completionScript } from "../manual/completion.ts";
import type { Shell } from "../shell.ts";
import { VERSION } from "../version.ts";
import { demandAlone, type Given, parseArguments, parseGlobals, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { CLOUD_OPTIONS, GLOBAL_OPTIONS, help, printOptions, version } from "./globals.ts";
import { helpText, usageText } from "./help.ts";
import { commandPage, programPage } from "./page.ts";
import { perform } from "./perform.ts";
import { valueOf, withDefaults } from "./request.ts";
import { COMMANDS } from "./table.ts";

/** As the reference: 1 for whatever goes wrong, 2 for a wrong command line. */
const FAILED = 1;

/**
 * Runs one command line of workloadmgr (without Node and script) and gives its exit code. What differs from
 * command to command stands in the table alone.
 */
export async function runWorkloadmgr(argv: readonly string[], shell: Shell): Promise<number> {
  try {
    const { given, rest } = parseGlobals(argv, GLOBAL_OPTIONS);
    const [name, ...words] = rest;
    if (given.has(version)) return say(shell, `workloadmgr ${VERSION}\n`);
    if (name === undefined) return overview(shell, given.has(help));
    if (words.includes("-h") || words.includes("--help")) return explain(shell, name);
    if (name === "help") return explain(shell, words[0]);
    if (name === "complete") return complete(shell, words);
    const command = COMMANDS.find((each) => each.name === name);
    if (command === undefined) return unknown(shell, name);
    if (given.has(help)) return explain(shell, name);
    return await runCommand(command, words, { shell, globals: given });
  } catch (cause) {
    return failed(shell, cause);
  }
}

interface Place {
  readonly shell: Shell;
  /** What stood before the command's name. */
  readonly globals: Given;
}

async function runCommand(
  command: Command,
  words: readonly string[],
  { shell, globals }: Place,
): Promise<number> {
  const page = commandPage(command);
  try {
    const options = [...printOptions(command.result), ...CLOUD_OPTIONS];
    const given = parseArguments(words, [...command.parameters, help, ...options]);
    demandAlone(given, command.parameters);
    for (const [parameter, each] of given) valueOf(parameter, each);
    const texts = withDefaults(given, command.parameters);
    const values = new Map([...texts].map(([parameter, each]) => [parameter, valueOf(parameter, each)]));
    await perform({ command, given: new Map([...globals, ...given]), values, shell });
    return EXIT.ok;
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    shell.err.write(`${usageText(page)}\n${page.name}: error: ${cause.message}\n`);
    return EXIT.usage;
  }
}

function overview(shell: Shell, isAsked: boolean): number {
  (isAsked ? shell.out : shell.err).write(helpText(programPage(), shell.out.columns));
  return isAsked ? EXIT.ok : EXIT.usage;
}

function explain(shell: Shell, name: string | undefined): number {
  const program = programPage();
  const page =
    name === undefined ? program : program.children.find((each) => each.name === `workloadmgr ${name}`);
  return page === undefined ? unknown(shell, name ?? "") : say(shell, helpText(page, shell.out.columns));
}

function complete(shell: Shell, words: readonly string[]): number {
  const last = words.at(-1) ?? "bash";
  return say(shell, completionScript(programPage(), last.replace(/^--shell=/, "")));
}

function say(shell: Shell, text: string): number {
  shell.out.write(text);
  return EXIT.ok;
}

function unknown(shell: Shell, name: string): number {
  const near = COMMANDS.map((each) => each.name).filter((each) => each.startsWith(name.slice(0, 4)));
  const hint =
    near.length === 0 ? "" : `Did you mean one of these?\n${near.map((each) => `  ${each}\n`).join("")}`;
  shell.err.write(`workloadmgr: '${name}' is not a workloadmgr command. See 'workloadmgr --help'.\n${hint}`);
  return EXIT.usage;
}

/** `ERROR:workloadmgr:` and the text as the reference prints it; what to do about it in a line of its own. */
function failed(shell: Shell, cause: unknown): number {
  if (shell.signal.aborted) {
    shell.err.write("ERROR:workloadmgr:interrupted\n");
    return EXIT.interrupted;
  }
  if (cause instanceof UsageError) {
    shell.err.write(`${usageText(programPage())}\nworkloadmgr: error: ${cause.message}\n`);
    return EXIT.usage;
  }
  const isOurs = cause instanceof Rejection;
  const text = isOurs ? cause.message : endingOf(cause).message;
  const hint = isOurs ? `HINT:workloadmgr:${cause.remedy}\n` : "";
  shell.err.write(`ERROR:workloadmgr:${text.replaceAll("\n", " ")}\n${hint}`);
  return FAILED;
}
