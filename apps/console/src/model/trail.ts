/**
 * The way through a list of the API, which knows only what comes after a row: the last rows of the pages that
 * lie behind, so that an address leads back, too. Empty: the first page.
 */
export type Trail = string;

/** No id has it, and no browser writes it in another way. */
const SEPARATOR = ".";
/** An address of more is too long to be sent to somebody. */
const PAGES_MAX = 40;
/** Stands first where the beginning was let go. */
const FORGOTTEN = "";

/** The row after which the page begins; undefined: it is the first. */
export function markerOf(trail: Trail): string | undefined {
  return trail === "" ? undefined : trail.split(SEPARATOR).at(-1);
}

/** The way to the page after this one, whose last row it names. */
export function onward(trail: Trail, lastId: string): Trail {
  const parts = [...partsOf(trail), lastId];
  const kept = parts.length <= PAGES_MAX ? parts : [FORGOTTEN, ...parts.slice(1 - PAGES_MAX)];
  return kept.join(SEPARATOR);
}

/** The way to the page before this one, which may be the first; undefined: nothing leads there any more. */
export function backward(trail: Trail): Trail | undefined {
  const parts = partsOf(trail);
  const before = parts.slice(0, -1);
  const isUnknown = parts.length === 0 || (before.length === 1 && before[0] === FORGOTTEN);
  return isUnknown ? undefined : before.join(SEPARATOR);
}

function partsOf(trail: Trail): string[] {
  return trail === "" ? [] : trail.split(SEPARATOR);
}
