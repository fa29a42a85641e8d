import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { hasCode } from "@cairn/kernel";
import { directoryStore } from "../index.ts";

// Fills the file system of a directory with objects until it is full, and prints what is then there, as JSON.
const path = process.argv[2] ?? "";
const store = directoryStore(path);
const bytes = randomBytes(1 << 20);
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
const whole = await Promise.all(
  Array.from({ length: stored }, async (_, index) => (await store.get(`p/${index}`)).equals(bytes)),
);
const listed = (await Array.fromAsync(store.list(""))).length;
await store.remove("p/0");
await store.put("p/again", [bytes]);
const report = {
  stored,
  isFull: hasCode(refusals[0], "store-full"),
  whole: whole.every(Boolean),
  listed,
  files: (await readdir(`${path}/p`)).length,
};
process.stdout.write(JSON.stringify(report));
