import { readFileSync, writeFileSync } from "node:fs";
import { differences, type Footprint, footprint } from "./footprint.ts";

const DEADLINE_MS = 120_000;
const HELP = `Usage: node testcloud/src/footprint-main.ts record|compare FILE [IGNORED FOLDER...]

Shows that purge leaves nothing: record before up, compare after purge. Processes, mounts, interfaces,
namespaces, loop devices, firewall tables, kernel settings, files, and the contents of configuration.
`;

async function main([command, file, ...ignored]: readonly string[]): Promise<number> {
  if ((command !== "record" && command !== "compare") || file === undefined) {
    process.stderr.write(HELP);
    return 2;
  }
  const now = await footprint(ignored, AbortSignal.timeout(DEADLINE_MS));
  if (command === "record") {
    writeFileSync(file, JSON.stringify(now));
    return 0;
  }
  const found = differences(JSON.parse(readFileSync(file, "utf8")) as Footprint, now);
  for (const { aspect, sign, line } of found) process.stdout.write(`${sign} ${aspect}: ${line}\n`);
  process.stdout.write(`${found.length} differences\n`);
  return found.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
