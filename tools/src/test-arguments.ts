import { resolve } from "node:path";

/** What `./cairn test` was asked for. */
export type TestArguments =
  | {
      readonly kind: "run";
      readonly filters: readonly string[];
      /** The folder of a real cloud's `clouds.yaml`; undefined for the sandbox. */
      readonly cloudFolder: string | undefined;
      /** Of the tests on a real cloud only those that continuous integration has time for. */
      readonly isShort: boolean;
      /** A file that failed is run once more, alone. */
      readonly again: boolean;
    }
  | { readonly kind: "wrong"; readonly because: string };

/** Where `./cairn testcloud` keeps its cloud. */
const TESTCLOUD_FOLDER = "/var/tmp/cairn-testcloud";

/** `[--cloud testcloud|FOLDER [--short]] [--again] [FILTER...]` */
export function parseTestArguments(argv: readonly string[], cwd: string): TestArguments {
  const filters: string[] = [];
  let cloudFolder: string | undefined;
  let isShort = false;
  let again = false;
  const words = argv.values();
  for (const word of words) {
    if (!word.startsWith("--")) {
      filters.push(word);
      continue;
    }
    if (word === "--short" || word === "--again") {
      isShort ||= word === "--short";
      again ||= word === "--again";
      continue;
    }
    const [flag, given] = word.split("=", 2);
    if (flag !== "--cloud") return { kind: "wrong", because: `there is no flag ${flag ?? ""}` };
    const name = given ?? words.next().value;
    if (name === undefined || name === "") {
      return { kind: "wrong", because: "--cloud needs testcloud, or a folder with a clouds.yaml" };
    }
    cloudFolder = name === "testcloud" ? TESTCLOUD_FOLDER : resolve(cwd, name);
  }
  if (isShort && cloudFolder === undefined) {
    return { kind: "wrong", because: "--short is for a real cloud: give --cloud, too" };
  }
  return { kind: "run", filters, cloudFolder, isShort, again };
}
