import { Fault } from "@cairn/kernel";
import { memoryStore, type Store } from "@cairn/store";

/** Files as a store of their own, to be read only. Those that hide behind a dot are no objects. */
export function filesStore(files: ReadonlyMap<string, Buffer>): Store {
  const find = (name: string): Buffer => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
    return bytes;
  };
  return {
    ...memoryStore(),
    get: async (name) => Buffer.from(find(name)),
    getRange: async (name, offset, length) => {
      const bytes = find(name);
      if (offset + length <= bytes.length) return Buffer.from(bytes.subarray(offset, offset + length));
      throw new Fault("object-short", `reading ${length} bytes at ${offset} of ${name}`, "never");
    },
    size: async (name) => files.get(name)?.length,
    async *list(prefix) {
      for (const name of files.keys()) if (name.startsWith(prefix) && !name.includes("/.")) yield name;
    },
  };
}
