import { Rejection } from "@cairn/kernel";
import { type CommandPage, type PageOption, withDescendants } from "./page.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A script that completes a program's commands, options, and the values that an option can have. */
export function completionScript(program: CommandPage, shellName: string): string {
  switch (SHELLS.find((each) => each === shellName)) {
    case "bash":
      return bashScript(program);
    case "zsh":
      return zshScript(program);
    case "fish":
      return fishScript(program);
    case undefined:
      throw new Rejection(`There is no completion for ${shellName}.`, {
        status: 400,
        field: "shell",
        value: shellName,
        remedy: `Use ${SHELLS.slice(0, -1).join(", ")} or ${SHELLS.at(-1)}.`,
      });
  }
}

/** A word that may come next, and what it does. */
interface Word {
  readonly word: string;
  /** The letter of an option that has one. */
  readonly short?: string;
  readonly help: string;
}

/** What may follow a chain of commands, `workload create`. */
interface Place {
  readonly path: string;
  readonly words: readonly Word[];
  /** The values of options that have a fixed set of them, by each name of the option. */
  readonly values: readonly { readonly name: string; readonly choices: readonly string[] }[];
}

function placesOf(program: CommandPage): Place[] {
  return withDescendants(program).map((page) => ({
    path: page.name.slice(program.name.length + 1),
    words: [
      ...page.children.map((child) => ({ word: child.name.split(" ").at(-1) ?? "", help: child.summary })),
      ...page.options.map(optionWord),
    ],
    values: page.options
      .filter(({ choices }) => choices.length > 0)
      .flatMap(({ names, choices }) => names.map((name) => ({ name, choices }))),
  }));
}

function optionWord({ names, help }: PageOption): Word {
  const short = names.find((name) => /^-[^-]$/.test(name));
  return { word: names.at(-1) ?? "", help, ...(short === undefined ? {} : { short: short.slice(1) }) };
}

/** Both bash and zsh walk the words so far and keep the longest chain that is a command. */
const WALK = `    case "$word" in -*) break ;; esac
    case "|$paths|" in
      *"|\${chain:+$chain }$word|"*) chain="\${chain:+$chain }$word" ;;
      # What is no command is an argument: the options of the command before it still complete.
      *) break ;;
    esac`;

function pathsOf(places: readonly Place[]): string {
  return places.map(({ path }) => path).join("|");
}

function bashScript(program: CommandPage): string {
  const places = placesOf(program);
  const cases = places.map(({ path, words, values }) => {
    const choices = values.map((each) => `      ${each.name}) words="${each.choices.join(" ")}" ;;`);
    const next = words.map(({ word }) => word).join(" ");
    const fallback = `      *) words="${next}" ;;`;
    return `    "${path}") case "$before" in\n${[...choices, fallback].join("\n")}\n      esac ;;`;
  });
  return `# Completion of ${program.name} for bash: source this file.
_${program.name}() {
  local paths="${pathsOf(places)}"
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" chain="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${WALK}
  done
  case "$chain" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${program.name} ${program.name}
`;
}

function zshScript(program: CommandPage): string {
  const places = placesOf(program);
  const cases = places.map(({ path, words, values }) => {
    const choices = values.map((each) => `      ${each.name}) next=(${each.choices.join(" ")}) ;;`);
    const next = words.map(({ word, help }) => quotedOf(`${word}:${oneLine(help)}`));
    const last = `      *) next=(${next.join(" ")}) ;;`;
    return `    ${quotedOf(path)}) case "$before" in\n${[...choices, last].join("\n")}\n      esac ;;`;
  });
  return `#compdef ${program.name}
# Completion of ${program.name} for zsh: source this file, or name it _${program.name} in a folder of fpath.
_${program.name}() {
  local paths=${quotedOf(pathsOf(places))}
  local chain="" word before="\${words[CURRENT-1]}"
  local -a next
  for word in "\${(@)words[2,CURRENT-1]}"; do
${WALK}
  done
  case "$chain" in
${cases.join("\n")}
  esac
  _describe ${program.name} next || _files
}
if [ "$funcstack[1]" = "_${program.name}" ]; then
  _${program.name} "$@"
else
  compdef _${program.name} ${program.name}
fi
`;
}

function fishScript(program: CommandPage): string {
  const places = placesOf(program);
  const under = (path: string): string => `-n ${quotedOf(`test (__${program.name}_path) = "${path}"`)}`;
  const lines = places.flatMap(({ path, words, values }) =>
    words.map(({ word, short, help }) => {
      const described = `-d ${quotedOf(oneLine(help))}`;
      if (!word.startsWith("--"))
        return `complete -c ${program.name} ${under(path)} -f -a ${word} ${described}`;
      const letter = short === undefined ? "" : `-s ${short} `;
      const choices = values.find(({ name }) => name === word)?.choices;
      const value = choices === undefined ? "" : ` -x -a ${quotedOf(choices.join(" "))}`;
      return `complete -c ${program.name} ${under(path)} ${letter}-l ${word.slice(2)}${value} ${described}`;
    }),
  );
  return `# Completion of ${program.name} for fish: source this file.
function __${program.name}_path
  set -l path ''
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and break
    set -l longer (string trim -- "$path $word")
    contains -- $longer ${places
      .filter(({ path }) => path !== "")
      .map(({ path }) => quotedOf(path))
      .join(" ")}; or break
    set path $longer
  end
  echo "$path"
end
${lines.join("\n")}
`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

function quotedOf(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
