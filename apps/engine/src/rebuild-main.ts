import { migrate, openDatabase } from "@cairn/database";
import { type RebuildReport, rebuildDatabase, useTarget } from "@cairn/flows";
import { Fault } from "@cairn/kernel";
import {
  databaseSettings,
  keySettings,
  type Running,
  readKeyFile,
  runService,
  type ServiceContext,
} from "@cairn/service";
import { cloudSettings } from "./config.ts";
import { readTarget, targetSettings } from "./target-settings.ts";

/*
 * cairn-rebuild: makes a lost database again from the default target and the key file. No OpenStack is asked.
 * Run it while no engine runs on this database. It takes what is missing and leaves what is there, prints a
 * report on standard error, and exits with 1 when something could not be read.
 */

const rebuildSpec = {
  cloud: cloudSettings,
  database: databaseSettings,
  keys: keySettings,
  target: targetSettings,
} as const;

async function start(context: ServiceContext<typeof rebuildSpec>): Promise<Running> {
  const { config, log, clock, signal } = context;
  const masterKey = await readKeyFile(config.keys.keyFile);
  const url = config.database.url.reveal();
  await migrate(url);
  const database = openDatabase(url, { poolMax: 2 });
  try {
    const target = await readTarget(config.target);
    await useTarget({ database, masterKey, clock, log, signal }, target);
    const report = await rebuildDatabase({
      database,
      masterKey,
      log,
      signal,
      cloudId: config.cloud.id,
    });
    process.stderr.write(describeReport(report));
    if (report.skipped.length > 0) {
      const what = `${report.skipped.length} things on the target could not be read`;
      throw new Fault("rebuild-incomplete", `making the database again: ${what}`, "after-operator");
    }
    return { facts: {}, stop: async () => undefined, ended: Promise.resolve() };
  } finally {
    await database.close();
  }
}

function describeReport({ repositories, workloads, snapshots, skipped, notes }: RebuildReport): string {
  const line = (what: string, { found, written }: RebuildReport["workloads"]): string =>
    `${what}: ${found} found, ${written} written, ${found - written} were there`;
  return [
    line("repositories", repositories),
    line("workloads", workloads),
    line("snapshots", snapshots),
    ...notes,
    ...skipped.map((each) => `not readable: ${each}`),
    "",
  ].join("\n");
}

await runService({ name: "rebuild", spec: rebuildSpec, start }, process);
