import type { CommandPage, PageOption } from "../manual/page.ts";
import { spellings } from "./arguments.ts";
import { type Command, isOption, type Parameter } from "./command.ts";
import { GLOBAL_OPTIONS, help, printOptions, valueName } from "./globals.ts";
import { COMMANDS } from "./table.ts";

const PROGRAM = "workloadmgr";

/** The program with all its commands as pages. */
export function programPage(): CommandPage {
  return {
    name: PROGRAM,
    summary: "Backups of OpenStack instances, by the commands of workloadmgr's client.",
    usage: "[options] <command> [arguments]",
    parameters: [],
    options: GLOBAL_OPTIONS.map(optionOf),
    examples: [
      "workloadmgr workload-create --display-name web instance-id=7c1de4a3-6d38-4ee8-a0ba-5dd4b2b4c2f3",
      "workloadmgr workload-snapshot web --full --display-name nightly",
      "workloadmgr snapshot-oneclick-restore nightly",
    ],
    notes: [
      "Credentials come from the OS_* variables, or from clouds.yaml with --os-cloud or OS_CLOUD; the " +
        "options for them may also stand behind the command.",
      "Results go to standard output. Errors go to standard error as ERROR:workloadmgr:TEXT, with what to " +
        "do about it in a second line; the exit code is 1, and 2 when the command line is wrong.",
      "The same service has a command line of its own: cairn(1).",
    ],
    children: [...COMMANDS.map(commandPage), completePage, helpPage],
  };
}

/** One command as a page. */
export function commandPage(command: Command): CommandPage {
  const positional = command.parameters.filter((each) => !isOption(each));
  const options = [help, ...command.parameters.filter(isOption), ...printOptions(command.result)];
  const required = options.filter((each) => each.required === true);
  const words = [
    options.length > required.length ? "[options]" : "",
    ...required.map((each) => `${each.name} ${valueName(each) ?? ""}`),
    ...positional.map(positionalName),
  ];
  return {
    name: `${PROGRAM} ${command.name}`,
    summary: command.summary,
    usage: words.filter((each) => each !== "").join(" "),
    parameters: positional.map((each) => ({ name: each.metavar ?? each.name, help: each.help })),
    options: options.map(optionOf),
    examples: command.examples.map((each) => `${PROGRAM} ${command.name} ${each}`.trim()),
    notes: [],
    children: [],
  };
}

function positionalName(parameter: Parameter): string {
  const name = `<${parameter.metavar ?? parameter.name}>`;
  return parameter.repeated === true ? `[${name} ...]` : name;
}

function optionOf(parameter: Parameter): PageOption {
  const choices = parameter.choices ?? (parameter.value === "boolean" ? ["True", "False"] : []);
  return { names: spellings(parameter), value: valueName(parameter), help: parameter.help, choices };
}

const completePage: CommandPage = {
  name: `${PROGRAM} complete`,
  summary: "Print a script that completes commands and options.",
  usage: "[--shell {bash,zsh,fish}]",
  parameters: [],
  options: [
    {
      names: ["--shell"],
      value: "{bash,zsh,fish}",
      help: "bash unless given",
      choices: ["bash", "zsh", "fish"],
    },
  ],
  examples: ["source <(workloadmgr complete --shell bash)"],
  notes: [],
  children: [],
};

const helpPage: CommandPage = {
  name: `${PROGRAM} help`,
  summary: "Show the commands, or the help of one.",
  usage: "[<command>]",
  parameters: [{ name: "command", help: "name of a command" }],
  options: [],
  examples: ["workloadmgr help workload-create"],
  notes: [],
  children: [],
};
