import type { CairnTool } from "./cairn.ts";
import type { DiskImage } from "./disk-image.ts";
import type { Meter } from "./measure.ts";
import type { Tool } from "./tool.ts";

/** One line of the table: what must be, and what is. */
export interface Row {
  readonly work: string;
  /** What is compared, with what. */
  readonly figure: string;
  readonly must: "at most" | "at least";
  readonly limit: number;
  readonly is: number;
  /** `x` for ratios. */
  readonly unit: string;
  readonly verdict: "ok" | "missed";
}

type Measure = Omit<Row, "must" | "limit" | "verdict">;

export function atMost(limit: number, measure: Measure): Row {
  return { ...measure, must: "at most", limit, verdict: measure.is <= limit ? "ok" : "missed" };
}

export function atLeast(limit: number, measure: Measure): Row {
  return { ...measure, must: "at least", limit, verdict: measure.is >= limit ? "ok" : "missed" };
}

/**
 * What all families of rows find. The race has been run when the others begin: the disk has two snapshots.
 */
export interface Place {
  readonly meter: Meter;
  /** For a family's own files: it makes a folder of its name below. */
  readonly folder: string;
  readonly quick: boolean;
  readonly image: DiskImage;
  readonly cairn: CairnTool;
  readonly peers: readonly Tool[];
  readonly tell: (line: string) => void;
}

/** Rows that are measured together. Removes what it made, whatever happens. */
export interface Family {
  readonly name: string;
  measure(place: Place): Promise<readonly Row[]>;
}

/** The rows as a table. */
export function formatRows(rows: readonly Row[]): string {
  const digits = (value: number): string => (value < 100 ? value.toFixed(2) : value.toFixed(0));
  const lines = rows.map(({ work, figure, must, limit, is, unit, verdict }) => {
    const wanted = `${must} ${digits(limit)} ${unit}`;
    const found = `${digits(is)} ${unit}`;
    return `${work.padEnd(13)} ${figure.padEnd(52)} ${wanted.padEnd(20)} ${found.padEnd(14)} ${verdict}`;
  });
  const title = `${"work".padEnd(13)} ${"what".padEnd(52)} ${"must".padEnd(20)} ${"is".padEnd(14)} verdict`;
  return ["", title, ...lines].join("\n");
}
