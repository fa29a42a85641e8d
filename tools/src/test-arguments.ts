import { resolve } from "node:path";
import { parseArgs } from "node:util";

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
      /** For the truth test: which history, and how many operations of it. */
      readonly history: { readonly seed?: string; readonly operations?: string };
    }
  | { readonly kind: "wrong"; readonly because: string };

/** Where `./cairn testcloud` keeps its cloud. */
const TESTCLOUD_FOLDER = "/var/tmp/cairn-testcloud";

const OPTIONS = {
  cloud: { type: "string" },
  short: { type: "boolean", default: false },
  again: { type: "boolean", default: false },
  seed: { type: "string" },
  operations: { type: "string" },
} as const;

/** `[--cloud testcloud|FOLDER [--short] [--seed S] [--operations N]] [--again] [FILTER...]` */
export function parseTestArguments(argv: readonly string[], cwd: string): TestArguments {
  let parsed: ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    return { kind: "wrong", because: cause instanceof Error ? cause.message : String(cause) };
  }
  const { cloud, short: isShort, again, ...history } = parsed.values;
  if (cloud === "")
    return { kind: "wrong", because: "--cloud needs testcloud, or a folder with a clouds.yaml" };
  if (cloud === undefined && (isShort || Object.keys(history).length > 0))
    return {
      kind: "wrong",
      because: "--short, --seed and --operations are for a real cloud: give --cloud, too",
    };
  for (const [flag, value] of Object.entries(history))
    if (!/^[1-9]\d*$/.test(value))
      return { kind: "wrong", because: `--${flag} is a number from 1, not ${value}` };
  const cloudFolder = cloud === undefined ? undefined : folderOf(cloud, cwd);
  return { kind: "run", filters: parsed.positionals, cloudFolder, isShort, again, history };
}

function folderOf(cloud: string, cwd: string): string {
  return cloud === "testcloud" ? TESTCLOUD_FOLDER : resolve(cwd, cloud);
}
