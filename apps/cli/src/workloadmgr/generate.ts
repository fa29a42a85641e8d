import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { describeCommands } from "./description.ts";

/**
 * Writes the commands for the plug-in of the `openstack` client. With `--check` it only says (exit code 1)
 * whether that file is what would be written.
 */
const file = new URL("../../../../clients/openstack-plugin/cairn_openstack/commands.json", import.meta.url);
const wanted = `${JSON.stringify(describeCommands(), undefined, 2)}\n`;
if (process.argv.includes("--check")) {
  const present = await readFile(file, "utf8");
  if (present !== wanted) {
    process.stderr.write("commands.json is stale: the table of commands or a route has changed\n");
    process.exitCode = 1;
  }
} else {
  await writeFile(file, wanted);
}
