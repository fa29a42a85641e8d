import type { Command } from "commander";
import { usage } from "./context.ts";

/** A script that completes commands and flags, made from the commands themselves. */
export function completionScript(program: Command, shellName: string): string {
  const words = new Map(wordsOf(program, []));
  switch (shellName) {
    case "bash":
      return bashScript(words);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(words)}`;
    default:
      throw usage(`There is no completion for ${shellName}.`, "shell", shellName, "Use bash or zsh.");
  }
}

/** What may follow each chain of commands: `workload create` → its flags. */
function wordsOf(command: Command, path: readonly string[]): [string, string[]][] {
  const flags = command.options
    .filter((option) => !option.hidden)
    .map((option) => option.long ?? option.short ?? "");
  const names = command.commands.map((each) => each.name());
  const here: [string, string[]] = [path.join(" "), [...names, ...flags, "--help"]];
  return [here, ...command.commands.flatMap((each) => wordsOf(each, [...path, each.name()]))];
}

function bashScript(words: ReadonlyMap<string, readonly string[]>): string {
  const paths = [...words.keys()].join("|");
  const cases = [...words].map(([path, next]) => `    "${path}") words="${next.join(" ")}" ;;`);
  return `# Completion of cairn's commands and flags: source this file.
_cairn() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; esac
    # What is no command is an argument: the flags of the command before it still complete.
    case "|${paths}|" in
      *"|\${path:+$path }$word|"*) path="\${path:+$path }$word" ;;
      *) break ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _cairn cairn
`;
}
