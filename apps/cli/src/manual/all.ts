import { RELEASED, VERSION } from "../version.ts";
import { programPage } from "../workloadmgr/page.ts";
import { manPage } from "./man-page.ts";
import type { CommandPage } from "./page.ts";

/** All manual pages by their names: the program's, one for each group of commands, and workloadmgr's. */
export function manPages(program: CommandPage): ReadonlyMap<string, string> {
  const groups = program.children.filter(({ children }) => children.length > 0);
  const single = program.children.filter(({ children }) => children.length === 0);
  const nameOf = ({ name }: CommandPage): string => name.replaceAll(" ", "-");
  const imprint = (seeAlso: readonly string[]) => ({
    version: VERSION,
    released: RELEASED,
    seeAlso: seeAlso.map((each) => `${each}(1)`),
  });
  const others = [...groups.map(nameOf), "workloadmgr"];
  const main = manPage({ ...program, children: single }, imprint(others));
  return new Map([
    [program.name, main],
    ...groups.map((group): [string, string] => [nameOf(group), manPage(group, imprint([program.name]))]),
    ["workloadmgr", manPage(programPage(), imprint([program.name]))],
  ]);
}
