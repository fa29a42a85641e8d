import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { hasCode } from "@cairn/kernel";
import { directoryStore, fromReserve } from "../index.ts";
import { markDirectory } from "../mounted.ts";

// Fills the file system of a directory with objects until it is full, and prints what is then there, as JSON.
const path = process.argv[2] ?? "";
const store = directoryStore(path, await markDirectory(path, "registered"));
const bytes = randomBytes(1 << 20);
const small = bytes.subarray(0, 1000);
const refusals: unknown[] = [];
let stored = 0;
for (; stored < 100; stored += 1) {
  try {
    await store.put(`p/${stored}`, [bytes]);
  } catch (thrown) {
    refusals.push(thrown);
    break;
  }
}
/** Whether an object finds room. */
async function fits(into: Pick<typeof store, "put">, name: string): Promise<boolean> {
  try {
    await into.put(name, [small]);
    return true;
  } catch (thrown) {
    if (hasCode(thrown, "store-full")) return false;
    throw thrown;
  }
}

let crumbs = 0;
while (await fits(store, `w/crumb-${crumbs}`)) crumbs += 1;
const spared = await fits(fromReserve(store), "w/end");
const whole = await Promise.all(
  Array.from({ length: stored }, async (_, index) => (await store.get(`p/${index}`)).equals(bytes)),
);
const listed = (await Array.fromAsync(store.list("p/"))).length;
for (const name of ["p/0", "p/1", "p/2"]) await store.remove(name);
await store.put("p/again", [bytes]);
const report = {
  stored,
  isFull: hasCode(refusals[0], "store-full"),
  whole: whole.every(Boolean),
  listed,
  files: (await readdir(`${path}/p`)).length,
  spared,
  reserve: (await readdir(path)).filter((name) => name.startsWith(".cairn-reserve-")).length,
};
process.stdout.write(JSON.stringify(report));
