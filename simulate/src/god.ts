import { Fault } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import type { Target } from "./target.ts";

/**
 * A target as god sees it: at once, without trouble, as it is (`actual`) or as if the medium had damaged
 * nothing (`pristine`). It tells which objects were looked at.
 */
export function godStore(
  target: Target,
  view: "actual" | "pristine",
  onRead?: (name: string) => void,
): Store {
  const bytesOf = (name: string): Buffer => {
    onRead?.(name);
    const object = target.find(name);
    return view === "actual" ? object.bytes : object.pristine;
  };
  return {
    put: async (name) => refuse(name),
    get: async (name) => Buffer.from(bytesOf(name)),
    getRange: async (name, offset, length) => {
      const bytes = bytesOf(name);
      if (offset + length <= bytes.length) return Buffer.from(bytes.subarray(offset, offset + length));
      throw new Fault("object-short", `reading ${length} bytes at ${offset} of ${name}`, "never");
    },
    size: async (name) => (target.objects.has(name) ? bytesOf(name).length : undefined),
    remove: async (name) => refuse(name),
    async *list(prefix) {
      yield* [...target.objects.keys()].filter((name) => name.startsWith(prefix));
    },
    time: async () => 0,
  };
}

function refuse(name: string): never {
  throw new Error(`bug: god only looks at ${name}`);
}
