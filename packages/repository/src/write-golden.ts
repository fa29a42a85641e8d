import { writeFile } from "node:fs/promises";
import { goldenObjects } from "./golden-objects.ts";

/*
 * Writes golden-objects.json. Only for new kinds of objects: what a vector says of version 1 never changes,
 * and the difference in the commit must show additions alone.
 */
const url = new URL("./golden-objects.json", import.meta.url);
await writeFile(url, `${JSON.stringify(await goldenObjects(), null, 2)}\n`);
