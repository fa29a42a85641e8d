import { readFile, writeFile } from "node:fs/promises";
import { openapi } from "./openapi.ts";

/**
 * Writes the OpenAPI document to `docs/openapi.json`; with `--check` compares instead and fails when the
 * committed document is not what the table gives.
 */
const target = new URL("../../../docs/openapi.json", import.meta.url);
const fresh = `${JSON.stringify(openapi(), undefined, 2)}\n`;

if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8");
  if (committed !== fresh) {
    process.stderr.write("docs/openapi.json is out of date: run node packages/contract/src/generate.ts\n");
    process.exitCode = 1;
  }
} else {
  await writeFile(target, fresh);
}
