const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** East Asian wide and full-width forms: two cells of a terminal (Unicode's EastAsianWidth.txt, W and F). */
const WIDE_RANGES: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

function widthOf(grapheme: string): 1 | 2 {
  const code = grapheme.codePointAt(0) ?? 0;
  const isWide = WIDE_RANGES.some(([first, last]) => code >= first && code <= last);
  return isWide || /^\p{Emoji_Presentation}/u.test(grapheme) ? 2 : 1;
}

/** How many cells of a terminal a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOf(segment);
  return width;
}

/** The text with blanks after it, up to a width; longer text stays as it is. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** The text if it fits, else as much of it as fits before an ellipsis. */
export function clipped(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = widthOf(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

/** The text in lines that fit, broken at blanks where there are some; without a width in one line. */
export function wrapped(text: string, width: number | undefined): string[] {
  const whole = harmless(text);
  if (width === undefined || displayWidth(whole) <= width) return [whole];
  const lines = [""];
  for (const word of whole.split(" ")) {
    const line = lines.at(-1) ?? "";
    const joined = line === "" ? word : `${line} ${word}`;
    if (displayWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(...pieces(word, width));
  }
  return lines.filter((line) => line !== "");
}

/** A word cut where it must be. */
function pieces(word: string, width: number): string[] {
  const found = [""];
  for (const { segment } of segmenter.segment(word)) {
    const joined = `${found.at(-1) ?? ""}${segment}`;
    if (displayWidth(joined) <= width) found[found.length - 1] = joined;
    else found.push(segment);
  }
  return found;
}

/** Names come from other people: what would steer the terminal is shown as an escape. */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu, (character) => {
    if (character === "\n") return " ";
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}
