import { Fault } from "@cairn/kernel";
import { fieldsOf, numberField } from "../../host/json.ts";
import type { Stretch } from "../port.ts";

/**
 * Reads what `rbd diff --format json` printed: stretches, ascending, that exist or have ceased to. Neighbours
 * become one. Whatever looks otherwise is a Fault, never "nothing changed".
 */
export function readDiff(text: string): readonly Stretch[] {
  const answer: unknown = JSON.parse(text);
  if (!Array.isArray(answer)) throw unexpected("no list");
  const changed: Stretch[] = [];
  let end = 0;
  for (const each of answer) {
    const stretch = fieldsOf(each);
    const offset = numberField(stretch, "offset", FROM);
    const length = numberField(stretch, "length", FROM);
    if (offset < end || length <= 0) throw unexpected(`${length} bytes at ${offset} after ${end}`);
    const last = changed.at(-1);
    if (last !== undefined && end === offset)
      changed[changed.length - 1] = { offset: last.offset, length: last.length + length };
    else changed.push({ offset, length });
    end = offset + length;
  }
  return changed;
}

const FROM = "what rbd says of changes";

function unexpected(what: string): Fault {
  return new Fault("bad-answer", `reading ${FROM}: ${what}`, "after-operator");
}
