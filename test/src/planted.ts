import { randomBytes } from "node:crypto";

/** A value that may be seen nowhere but where it is kept. */
export interface Planted {
  readonly name: string;
  readonly value: string | Buffer;
  /** Where it is kept, or told on purpose. */
  readonly mayBeIn?: (place: string) => boolean;
}

/** Something to be looked through, and what people call it. */
export interface Place {
  readonly name: string;
  readonly content: Buffer | string;
}

/** A text as people choose passwords: some of its characters are written otherwise in URLs and base64. */
export function plantedText(): string {
  return `Pl&nt+${randomBytes(9).toString("hex")}/=x`;
}

/** One way in which a value is written. */
interface Needle {
  readonly planted: Planted;
  readonly form: string;
  readonly bytes: Buffer;
}

/** The ways in which a value may be written: of each a piece that does not depend on what is around it. */
function needlesOf(planted: Planted): Needle[] {
  const bytes = Buffer.from(planted.value);
  const forms: [form: string, bytes: Buffer][] = [
    ["as it is", bytes],
    ["in hexadecimal", Buffer.from(bytes.toString("hex"))],
    ["in hexadecimal", Buffer.from(bytes.toString("hex").toUpperCase())],
    ...[0, 1, 2].flatMap((offset): [string, Buffer][] => {
      const inside = base64Inside(bytes, offset);
      return [
        ["in base64", Buffer.from(inside)],
        ["in base64", Buffer.from(inside.replaceAll("+", "-").replaceAll("/", "_"))],
      ];
    }),
  ];
  if (typeof planted.value === "string") {
    forms.push(["in a URL", Buffer.from(encodeURIComponent(planted.value))]);
    forms.push(["in JSON", Buffer.from(JSON.stringify(planted.value).slice(1, -1))]);
  }
  const unique = new Map(
    forms.toReversed().map(([form, each]) => [each.toString("latin1"), { form, bytes: each }]),
  );
  return [...unique.values()].map((each) => ({ planted, ...each }));
}

/** What base64 makes of bytes that follow `offset` others, without the characters that neighbours share. */
function base64Inside(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString("base64")
    .replaceAll("=", "");
  const isShared = (bytes.length + offset) % 3 !== 0;
  return text.slice(offset === 0 ? 0 : offset + 1, isShared ? -1 : undefined);
}

const START_BYTES = 3;
/** The sandbox's tokens: like Keystone's, and long enough that nothing else looks so. */
const TOKEN = /gAAAAA[\w-]{100}/;
const TOKEN_START = Buffer.from("gAAAAA");

/** Looks for all planted values at once: one pass over what it is given. */
export class Search {
  readonly #needles = new Map<number, Needle[]>();
  readonly #starts = new Uint8Array(1 << 24);

  constructor(planted: readonly Planted[]) {
    for (const needle of planted.flatMap(needlesOf)) {
      const start = needle.bytes.readUIntBE(0, START_BYTES);
      this.#starts[start] = 1;
      this.#needles.set(start, [...(this.#needles.get(start) ?? []), needle]);
    }
    this.#starts[TOKEN_START.readUIntBE(0, START_BYTES)] = 1;
  }

  /** What is found where it may not be, as sentences. Tokens of the sandbox are known by their form. */
  in({ name, content }: Place): string[] {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    const found = new Set<string>();
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      start = ((start << 8) | (bytes[at] ?? 0)) & 0xff_ff_ff;
      if (this.#starts[start] !== 1) continue;
      const from = at - START_BYTES + 1;
      if (TOKEN.test(bytes.toString("latin1", from, from + 106))) found.add(`a token in ${name}`);
      for (const needle of this.#needles.get(start) ?? []) {
        const { planted, form, bytes: wanted } = needle;
        if (planted.mayBeIn?.(name) === true) continue;
        if (bytes.subarray(from, from + wanted.length).equals(wanted))
          found.add(`${planted.name} ${form} in ${name}`);
      }
    }
    return [...found];
  }
}
