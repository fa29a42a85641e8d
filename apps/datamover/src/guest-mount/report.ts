/** What the script says of one copy, or, without a serial, of the task as a whole. */
export interface Problem {
  readonly serial: string | undefined;
  readonly words: string;
}

/** What the script in the guest did. */
export interface Report {
  readonly mounted: readonly {
    readonly serial: string;
    readonly fileSystem: string;
    /** Below the snapshot's folder. */
    readonly folder: string;
  }[];
  readonly problems: readonly Problem[];
  /** It came to its end. */
  readonly isWhole: boolean;
}

const SERIAL = "[A-Za-z0-9._-]{1,20}";
const NAME = "[A-Za-z0-9._-]{1,255}";
const FOLDER = `(?!\\.{1,2}/)${NAME}/${NAME}\\.mnt`;
const MOUNTED = new RegExp(
  `^mounted\\t(?<serial>${SERIAL})\\t(?<fileSystem>[A-Za-z0-9._-]{1,32})\\t(?<folder>${FOLDER})$`,
);
const PROBLEM = new RegExp(`^problem\\t(?<serial>${SERIAL})\\t(?<words>[ -~]{1,300})$`);
/** More than any snapshot has file systems. */
const LINES_MAX = 2_000;

/**
 * Reads what the script said (`copies.sh` has the form). Undefined when it is anything else: the guest is a
 * tenant's, and may say what it likes.
 */
export function parseReport(output: string, serials: ReadonlySet<string>): Report | undefined {
  const lines = output.split("\n");
  if (lines.pop() !== "" || lines.length > LINES_MAX) return undefined;
  const isWhole = lines.at(-1) === "done";
  if (isWhole) lines.pop();
  const mounted: Report["mounted"][number][] = [];
  const problems: Problem[] = [];
  for (const line of lines) {
    const at = MOUNTED.exec(line)?.groups;
    const problem = at === undefined ? PROBLEM.exec(line)?.groups : undefined;
    const { serial = "", fileSystem = "", folder = "", words = "" } = at ?? problem ?? {};
    const isOfAll = problem !== undefined && serial === "-";
    if (!isOfAll && !serials.has(serial)) return undefined;
    if (at !== undefined) mounted.push({ serial, fileSystem, folder });
    else problems.push({ serial: isOfAll ? undefined : serial, words });
  }
  return { mounted, problems, isWhole };
}
