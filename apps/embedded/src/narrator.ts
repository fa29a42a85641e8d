/**
 * Where the demo's story goes: lines for a person. With `--json` the story is on standard error, the result
 * alone on standard output.
 */
export interface Narrator {
  /** A new part of the story. */
  chapter(text: string): void;
  /** A command, as a person would type it. */
  command(args: readonly string[]): void;
  line(text: string): void;
  table(rows: readonly (readonly string[])[]): void;
}

const BOLD = "\u001B[1m";
const DIM = "\u001B[2m";
const PLAIN = "\u001B[0m";

/** A narrator that writes to a stream, with emphasis where the stream is a terminal. */
export function narrateTo(stream: NodeJS.WriteStream): Narrator {
  const isTerminal = stream.isTTY;
  const emphasised = (style: string, text: string): string => (isTerminal ? `${style}${text}${PLAIN}` : text);
  const write = (text: string): void => {
    stream.write(`${text}\n`);
  };
  return {
    chapter: (text) => write(`\n${emphasised(BOLD, text)}`),
    command: (args) => write(emphasised(DIM, `  $ ./cairn ${args.map(quoted).join(" ")}`)),
    line: (text) => write(`  ${text}`),
    table: (rows) => {
      for (const line of alignColumns(rows)) write(`  ${line}`);
    },
  };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Rows as lines with columns of equal width; columns that hold numbers in every row but the first are flush
 * right.
 */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const right = widths.map((_, column) => rows.slice(1).every((row) => /^[\d–]/.test(row[column] ?? "")));
  return rows.map((row) =>
    widths
      .map((width, column) => {
        const text = row[column] ?? "";
        return right[column] === true ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
