import type { Command, Option } from "commander";

/** What the help, the manual page and the completion of a command tell, before anybody decided how. */
export interface CommandPage {
  /** The whole name: `cairn workload create`. */
  readonly name: string;
  readonly summary: string;
  /** What stands behind the name, such as `[options] <name>`. */
  readonly usage: string;
  readonly parameters: readonly PageParameter[];
  readonly options: readonly PageOption[];
  readonly examples: readonly string[];
  /** Paragraphs at the end. */
  readonly notes: readonly string[];
  readonly children: readonly CommandPage[];
}

export interface PageParameter {
  readonly name: string;
  readonly help: string;
}

export interface PageOption {
  /** `-f`, `--format`: the long one last. */
  readonly names: readonly string[];
  /** What stands for its value; none when it takes none. */
  readonly value: string | undefined;
  readonly help: string;
  readonly choices: readonly string[];
}

/** A command and all below it, each after the one that it belongs to. */
export function withDescendants(page: CommandPage): CommandPage[] {
  return [page, ...page.children.flatMap(withDescendants)];
}

/** The pages of a program that is built of commander's commands. */
export function pagesOf(command: Command, parent = ""): CommandPage {
  const name = parent === "" ? command.name() : `${parent} ${command.name()}`;
  const { examples, notes } = textAfterHelp(command);
  return {
    name,
    summary: command.description(),
    usage: command.usage(),
    parameters: command.registeredArguments.map((each) => ({
      name: each.name(),
      help: each.description,
    })),
    options: [
      ...command.options.filter((each) => !each.hidden).map(optionOf),
      { names: ["-h", "--help"], value: undefined, help: "display help for command", choices: [] },
    ],
    examples,
    notes,
    children: command.commands.map((each) => pagesOf(each, name)),
  };
}

function optionOf(option: Option): PageOption {
  const names = [option.short, option.long].filter((each) => each !== undefined);
  const value = /[<[].*$/.exec(option.flags)?.[0];
  return { names, value, help: option.description, choices: option.argChoices ?? [] };
}

/** The examples and the paragraphs that a command adds to its help: only the printed help has them. */
function textAfterHelp(command: Command): Pick<CommandPage, "examples" | "notes"> {
  let text = "";
  const former = { ...command.configureOutput() };
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  command.configureOutput(former);
  const added = text.slice(command.helpInformation().length);
  const lines = added.split("\n").map((line) => line.trim());
  const from = lines.indexOf("Examples:");
  const to = from < 0 ? -1 : lines.indexOf("", from);
  const examples = from < 0 ? [] : lines.slice(from + 1, to < 0 ? undefined : to);
  const others = from < 0 ? lines : [...lines.slice(0, from), ...(to < 0 ? [] : lines.slice(to))];
  const notes = others
    .join("\n")
    .split(/\n{2,}/)
    .map((each) => each.trim().replaceAll("\n", " "));
  return { examples, notes: notes.filter((each) => each !== "") };
}
