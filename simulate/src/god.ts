import { Fault } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import type { StoredObject, Target } from "./target.ts";

/** Which objects god looks at, and what is told of it. */
export interface GodsEye {
  readonly onRead?: (name: string) => void;
  /** The others are as if somebody had removed them. */
  readonly sees?: (object: StoredObject) => boolean;
}

/**
 * A target as god sees it: at once, without trouble, as it is (`actual`) or as if the medium had damaged
 * nothing (`pristine`). It tells which objects were looked at.
 */
export function godStore(target: Target, view: "actual" | "pristine", eye: GodsEye = {}): Store {
  const { onRead, sees = () => true } = eye;
  const isThere = (name: string): boolean => {
    const object = target.objects.get(name);
    return object !== undefined && sees(object);
  };
  const bytesOf = (name: string): Buffer => {
    onRead?.(name);
    const object = target.find(name);
    if (!sees(object)) throw new Fault("object-missing", `reading ${name}, which is not locked`, "never");
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
    size: async (name) => (isThere(name) ? bytesOf(name).length : undefined),
    remove: async (name) => refuse(name),
    async *list(prefix) {
      yield* [...target.objects.keys()].filter((name) => name.startsWith(prefix) && isThere(name));
    },
    time: async () => 0,
  };
}

function refuse(name: string): never {
  throw new Error(`bug: god only looks at ${name}`);
}
