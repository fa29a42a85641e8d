/*
 * What differs from run to run is compared by its shape: times, sizes, shares of a hundred, versions. An id
 * stands for one thing throughout: the page's is matched with the run's, and used in what is asked later.
 */

const ID = /\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b/g;

const ID_ALONE = new RegExp(`^${ID.source}$`);

const SHAPES: readonly (readonly [shape: RegExp, name: string])[] = [
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?/g, "TIME"],
  [/\b\d\d-\d\d-\d{4}\b|\b\d\d\/\d\d\/\d{4}\b/g, "DAY"],
  [/\b\d\d:\d\d(?::\d\d)? (?:AM|PM)\b/g, "CLOCK"],
  [/\b\d+(?:\.\d+)? (?:[KMGT]iB|B)(?:\/s)?(?![\w])/g, "SIZE"],
  [/\b\d+(?:\.\d+)? (?:ms|s|min|h|d)\b/g, "DURATION"],
  [
    /"[\w-]*(?:size|usage|bytes|capacity|time_taken|_ms|seconds|nextrun|uploaded)[\w]*": ?-?\d+(?:\.\d+)?/g,
    "COUNT",
  ],
  [/\b\d+(?:\.\d+)? %/g, "SHARE"],
  [/together=\w+, skew_ms=\d*, window_ms=\d*, reason=[^|]*/g, "POINT "],
  [/(?<=\| time_taken +\| )\d+/g, "COUNT"],
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, "MAC"],
  [/\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b/g, "ADDRESS"],
  [/whsec_[\w+/=]+/g, "SECRET"],
];

/** Which id of the pages is which of this run. */
export class Ids {
  readonly #known = new Map<string, string>();

  constructor(known: Readonly<Record<string, string>> = {}) {
    for (const [name, id] of Object.entries(known)) this.#known.set(name, id);
  }

  /** What is to be asked: a page's text with the ids and names of this run. */
  filled(text: string): string {
    const names = [...this.#known.keys()].filter((name) => !ID_ALONE.test(name));
    const longestFirst = names.toSorted((one, two) => two.length - one.length);
    const named = longestFirst.reduce(
      (all, name) => all.replaceAll(name, this.#known.get(name) ?? name),
      text,
    );
    return named.replaceAll(ID, (id) => this.#known.get(id) ?? id);
  }

  /** What came, with the pages' ids in place of this run's. */
  shown(text: string): string {
    const theirs = new Map(
      [...this.#known].filter(([name]) => ID_ALONE.test(name)).map(([name, id]) => [id, name]),
    );
    return text.replaceAll(ID, (id) => theirs.get(id) ?? id);
  }

  /** Learns the ids of what was wanted from what came, in their order; false when one is another thing's. */
  learn(wanted: string, came: string): boolean {
    const [theirs, ours] = [wanted.match(ID) ?? [], came.match(ID) ?? []];
    return theirs.every((id, at) => {
      const mine = ours[at] ?? "";
      const known = this.#known.get(id);
      if (known !== undefined) return known === mine;
      this.#known.set(id, mine);
      return true;
    });
  }
}

/** A text by its shape: lines of tables as narrow as can be, and a name for what differs from run to run. */
export function shapeOf(text: string): string {
  const plain = SHAPES.reduce((all, [shape, name]) => all.replaceAll(shape, name), text.replaceAll(ID, "ID"));
  return plain
    .split("\n")
    .map((line) => (/^[+\-=]+$/.test(line) ? "+-+" : line.replaceAll(/ +/g, " ").trimEnd()))
    .join("\n")
    .trim();
}

/** A reply of a page: `...` on a line of its own says that there is more. */
export function replyOf(text: string): { readonly value: unknown; readonly isPart: boolean } {
  const lines = text.split("\n");
  const kept = lines.filter((line) => !/^\s*\.\.\.,?$/.test(line)).join("\n");
  const value: unknown = JSON.parse(kept.replaceAll(/,(\s*[}\]])/g, "$1"));
  return { value, isPart: kept.length < text.length };
}

/** What came, with the fields alone that the page has: lists keep as many items as the page shows. */
export function narrowed(came: unknown, wanted: unknown): unknown {
  if (Array.isArray(came) && Array.isArray(wanted)) {
    return (came as unknown[])
      .slice(0, wanted.length)
      .map((each, at) => narrowed(each, (wanted as unknown[])[at]));
  }
  if (!isRecord(came) || !isRecord(wanted)) return came;
  const kept = Object.keys(wanted).filter((key) => key in came);
  return Object.fromEntries(kept.map((key) => [key, narrowed(came[key], wanted[key])]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
