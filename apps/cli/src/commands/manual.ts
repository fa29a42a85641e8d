import type { Command } from "commander";
import { manPages } from "../manual/all.ts";
import { completionScript } from "../manual/completion.ts";
import { pagesOf } from "../manual/page.ts";
import type { Shell } from "../shell.ts";
import { usage } from "./context.ts";
import { examples } from "./workload.ts";

/** `cairn completion` and `cairn man`: what is made of the commands themselves. */
export function addManual(program: Command, shell: Shell): void {
  program
    .command("completion")
    .description("print a script that completes commands and flags")
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText("after", examples("source <(cairn completion bash)", "cairn completion fish | source"))
    .action((name: string) => {
      shell.out.write(completionScript(pagesOf(program), name));
    });
  program
    .command("man")
    .description("print a manual page, or write all of them into a folder")
    .argument("[page]", "cairn, cairn-workload … or workloadmgr; cairn unless given")
    .option("-o, --output <folder>", "write all pages into this folder")
    .addHelpText("after", examples("cairn man cairn-workload | man -l -", "cairn man -o /usr/share/man/man1"))
    .action(async (wanted: string | undefined, flags: { output?: string }) => {
      const pages = manPages(pagesOf(program));
      if (flags.output !== undefined) {
        const { writePages } = await import("../manual/writing.ts");
        await writePages(pages, { cwd: shell.cwd, folder: flags.output });
        return;
      }
      const name = wanted ?? "cairn";
      const found = pages.get(name);
      if (found === undefined) {
        const remedy = `The pages are ${[...pages.keys()].join(", ")}.`;
        throw usage(`There is no manual page ${name}.`, "page", name, remedy);
      }
      shell.out.write(found);
    });
}
