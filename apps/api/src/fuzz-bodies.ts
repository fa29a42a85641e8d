/*
 * Bodies, queries and paths for a test that asks every route what it does with them. The same seed gives the
 * same ones. Nothing here knows a route: what is valid is read off the contract's schemas.
 */

/** Numbers that look like chance. */
export interface Chance {
  /** 0 to `max` - 1. */
  below(max: number): number;
  of<Item>(items: readonly [Item, ...Item[]]): Item;
}

/** mulberry32: small, and good enough to look like chance. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (max: number): number => Math.floor(next() * max);
  return { below, of: (items) => items[below(items.length)] ?? items[0] };
}

export const FORMS = [
  "valid",
  "nearly valid",
  "wrong types",
  "garbage",
  "deep",
  "huge",
  "odd text",
  "broken",
] as const;
export type Form = (typeof FORMS)[number];

/** A body as the bytes of a request have it. */
export function fuzzedBody(schema: object | undefined, form: Form, known: Known, chance: Chance): string {
  const valid = schema === undefined ? {} : validValue(schema, "", { known, chance, depth: 0 });
  switch (form) {
    case "valid":
      return JSON.stringify(valid);
    case "nearly valid":
      return JSON.stringify(changedOnce(valid, (value) => mutated(value, chance), chance));
    case "wrong types":
      return JSON.stringify(changedEverywhere(valid, () => anything(chance, 2), chance));
    case "garbage":
      return JSON.stringify(anything(chance, 4));
    case "deep":
      return deepInside(valid, chance);
    case "huge":
      return JSON.stringify(changedOnce(valid, () => huge(chance), chance));
    case "odd text":
      return JSON.stringify(changedEverywhere(valid, () => oddText(chance), chance));
    case "broken":
      return brokenText(JSON.stringify(valid), chance);
  }
}

/** Values that mean something to the API, by what a field is called. */
export type Known = Readonly<Record<string, readonly [unknown, ...unknown[]]>>;

interface Place {
  readonly known: Known;
  readonly chance: Chance;
  readonly depth: number;
}

type Shape = Readonly<Record<string, unknown>>;

const ITEMS_MAX = 3;

function validValue(schema: object, name: string, place: Place): unknown {
  const shape = schema as Shape;
  const { known, chance } = place;
  const inner = { ...place, depth: place.depth + 1 };
  const alternatives = shape["anyOf"] as readonly [Shape, ...Shape[]] | undefined;
  if (alternatives !== undefined) return validValue(chance.of(alternatives), name, inner);
  if ("const" in shape) return shape["const"];
  const meant = known[name];
  if (meant !== undefined && chance.below(4) > 0) return chance.of(meant);
  switch (shape["type"]) {
    case "object":
      return validObject(shape, inner);
    case "array": {
      const count = Number(shape["minItems"] ?? 0) + chance.below(ITEMS_MAX);
      return Array.from({ length: count }, () => validValue(shape["items"] as Shape, name, inner));
    }
    case "integer":
    case "number":
      return Number(shape["minimum"] ?? 0) + chance.below(5);
    case "boolean":
      return chance.below(2) === 0;
    case "null":
      return null;
    case "string":
      return chance.of(["web", "12:00", "x".repeat(Math.max(1, Number(shape["minLength"] ?? 1)))]);
    default:
      return anything(chance, 1);
  }
}

function validObject(shape: Shape, place: Place): Shape {
  const { chance } = place;
  const required = (shape["required"] ?? []) as readonly string[];
  const properties = Object.entries((shape["properties"] ?? {}) as Record<string, Shape>);
  const chosen = properties.filter(([name]) => required.includes(name) || chance.below(2) === 0);
  return Object.fromEntries(chosen.map(([name, inner]) => [name, validValue(inner, name, place)]));
}

const NUMBERS = [0, -1, 1, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 0.1, 99_999_999_999] as const;
const NAMES = ["name", "id", "__proto__", "constructor", "toString", "", "\u202e", "length"] as const;

/** Any JSON value. */
function anything(chance: Chance, levels: number): unknown {
  switch (chance.below(levels > 0 ? 7 : 5)) {
    case 0:
      return null;
    case 1:
      return chance.below(2) === 0;
    case 2:
      return chance.of(NUMBERS);
    case 3:
      return oddText(chance);
    case 4:
      return chance.of(["true", "0", "-1", "1e9", "[]", "{}", "null", "undefined", "NaN"]);
    case 5:
      return Array.from({ length: chance.below(4) }, () => anything(chance, levels - 1));
    default: {
      const entries = Array.from({ length: chance.below(4) }, () => chance.of(NAMES));
      return Object.fromEntries(entries.map((name) => [name, anything(chance, levels - 1)]));
    }
  }
}

const TEXTS = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\udc00x",
  "\ufeff\uffff",
  "e\u0301".repeat(50),
  "\u202egnp.exe",
  "👩‍👩‍👧‍👦",
  "ﷺ".repeat(300),
  "'; drop table workload; --",
  "%s%n{{7*7}}${7*7}",
  "../../../../etc/passwd",
  "<script>alert(1)</script>",
  "\r\nx-injected: 1",
  "1".repeat(300),
  "2026-13-45T99:99:99",
  "99:99 XM",
] as const;

/** A text that somebody might send, once. */
export function oddText(chance: Chance): string {
  return chance.of(TEXTS);
}

function huge(chance: Chance): unknown {
  switch (chance.below(4)) {
    case 0:
      return "x".repeat(chance.of([1_000, 70_000, 900_000, 1_100_000]));
    case 1:
      return Array.from({ length: 20_000 }, () => 0);
    case 2:
      return Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, "v"]));
    default:
      return Array.from({ length: 2_000 }, () => ({ "instance-id": "x", id: "x" }));
  }
}

function mutated(value: unknown, chance: Chance): unknown {
  if (typeof value === "string") return chance.of([value.slice(1), `${value}\u0301`, ` ${value}`, null, 7]);
  if (typeof value === "number") return chance.of([-value - 1, value + 0.5, String(value), 1e300]);
  return anything(chance, 1);
}

/** Every place of a value, as the way to it. */
function placesOf(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...at, key]))];
}

function changedOnce(value: unknown, change: (value: unknown) => unknown, chance: Chance): unknown {
  const places = placesOf(value);
  return changedAt(value, places[chance.below(places.length)] ?? [], change);
}

function changedAt(value: unknown, at: readonly string[], change: (value: unknown) => unknown): unknown {
  const [key, ...rest] = at;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) =>
      String(index) === key ? changedAt(each, rest, change) : each,
    );
  }
  const shape = value as Shape;
  return { ...shape, [key]: changedAt(shape[key], rest, change) };
}

function changedEverywhere(value: unknown, change: () => unknown, chance: Chance): unknown {
  if (typeof value !== "object" || value === null) return chance.below(3) === 0 ? value : change();
  if (Array.isArray(value)) return value.map((each: unknown) => changedEverywhere(each, change, chance));
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, each]) => [key, changedEverywhere(each, change, chance)]));
}

const HOLE = "@hole@";

/** Nesting that a recursive reader pays for. Text, because `JSON.stringify` is such a reader. */
function deepInside(value: unknown, chance: Chance): string {
  const levels = chance.of([50, 2_000, 100_000]);
  const deep = chance.below(2) === 0 ? nested("[", "]", levels) : nested('{"a":', "}", levels);
  return JSON.stringify(changedOnce(value, () => HOLE, chance)).replace(`"${HOLE}"`, () => deep);
}

function nested(open: string, close: string, levels: number): string {
  return `${open.repeat(levels)}1${close.repeat(levels)}`;
}

function brokenText(text: string, chance: Chance): string {
  return chance.of([
    text.slice(0, chance.below(text.length + 1)),
    `${text}${text}`,
    text.replaceAll('"', "'"),
    "\ufffd\u0001",
    "null",
    "NaN",
    "",
  ]);
}
