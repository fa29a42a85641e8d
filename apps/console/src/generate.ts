import { readFile, writeFile } from "node:fs/promises";
import { type Document, moduleOf } from "./typescript-of.ts";

/**
 * Writes the types of the API, as `docs/openapi.json` describes it; with `--check` compares instead and fails
 * when the committed file is not what the document gives.
 */
const target = new URL("./model/generated/api.ts", import.meta.url);
const text = await readFile(new URL("../../../docs/openapi.json", import.meta.url), "utf8");
const fresh = moduleOf(JSON.parse(text) as Document);

if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8");
  if (committed !== fresh) {
    process.stderr.write("the console's types are out of date: run node apps/console/src/generate.ts\n");
    process.exitCode = 1;
  }
} else {
  await writeFile(target, fresh);
}
