import { parseWireTime, type RestoreDetail, type SnapshotDetail } from "@cairn/contract";
import { asId } from "@cairn/kernel";
import { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { mappedOptions, type Restorable, resolvedMapping, restorables } from "../mapped-restore.ts";
import { readMapping } from "../mapping-file.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, wholeNumber, withCommonFlags } from "./context.ts";
import { FailedRun, watch } from "./watching.ts";
import { examples } from "./workload.ts";

const COLUMNS = [
  "workload",
  "result",
  "snapshot",
  "point_age_seconds",
  "recovery_seconds",
  "servers",
  "size",
  "problems",
];

interface DrillFlags {
  readonly workload: readonly string[];
  readonly prefix: string;
  readonly remove?: true;
  readonly maxPointAge?: number;
  readonly maxRecovery?: number;
}

/** `cairn drill`: restores workloads under a mapping as an exercise, and reports. */
export function drillCommand(shell: Shell): Command {
  return withCommonFlags(new Command("drill"))
    .description("restore workloads under a mapping as an exercise, look whether they run, and report")
    .argument("<file>", "the mapping, as `cairn dr mapping generate` prints it")
    .option(
      "-w, --workload <workload>",
      "name or id; may be repeated; else all of the project",
      collected,
      [],
    )
    .option("--prefix <text>", "before the names of instances", "drill-")
    .option("--remove", "remove afterwards what was restored")
    .option("--max-point-age <s>", "fail when the point is older (RPO)", seconds("--max-point-age"))
    .option("--max-recovery <s>", "fail when it takes longer (RTO)", seconds("--max-recovery"))
    .addHelpText(
      "after",
      examples(
        "cairn drill mapping.yaml --workload shop --remove",
        "cairn drill mapping.yaml --max-point-age 86400 --max-recovery 3600 -f json > report.json",
      ),
    )
    .action(async (file: string, flags: DrillFlags) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      const mapping = await readMapping(shell, file);
      const restorable = await restorables(session, flags.workload);
      const resolved = await resolvedMapping(shell, session, { mapping, restorable });
      const rows: Report[] = [];
      for (const each of restorable) {
        rows.push(await exercise(shell, session, { each, flags, mapping: resolved }));
      }
      await context.printList(rows, COLUMNS);
      const failed = rows.filter(({ result }) => result !== "passed");
      if (rows.length > 0 && failed.length === 0) return;
      throw new FailedRun(`${failed.length} of ${rows.length} workloads did not pass the drill`, EXIT.failed);
    });
}

function seconds(flag: string) {
  return wholeNumber(flag, 1, 10 * 365 * 86_400);
}

/** How the exercise of one workload went. */
interface Report {
  readonly [column: string]: unknown;
  readonly result: "passed" | "failed";
}

interface Exercise {
  readonly each: Restorable;
  readonly flags: DrillFlags;
  readonly mapping: Parameters<typeof mappedOptions>[0];
}

async function exercise(shell: Shell, session: Session, { each, flags, mapping }: Exercise): Promise<Report> {
  const { snapshot, workloadName: workload } = each;
  if (snapshot === undefined) {
    return { workload, result: "failed", problems: "It has no available snapshot." };
  }
  const startedMs = shell.clock.now();
  const pointAge = Math.round((startedMs - pointOf(snapshot)) / 1000);
  const options = mappedOptions(mapping, snapshot, { name: `Drill of ${workload}`, prefix: flags.prefix });
  const { restore } = await session.api.createRestore({
    params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id },
    body: { restore: { options } },
  });
  const ended = await endOf(shell, session, restore.id);
  const problems = await problemsOf(shell, session, { snapshot, ended });
  const recovery = Math.round((shell.clock.now() - startedMs) / 1000);
  const { maxPointAge = Number.POSITIVE_INFINITY, maxRecovery = Number.POSITIVE_INFINITY } = flags;
  if (pointAge > maxPointAge) problems.push(`The point is ${pointAge} s old, more than ${maxPointAge} s.`);
  if (recovery > maxRecovery) problems.push(`It took ${recovery} s, more than ${maxRecovery} s.`);
  if (flags.remove === true) problems.push(...(await remove(shell, session, ended)));
  return {
    workload,
    result: problems.length === 0 ? "passed" : "failed",
    snapshot: snapshot.name,
    snapshot_id: snapshot.id,
    restore_id: ended.id,
    point_age_seconds: pointAge,
    recovery_seconds: recovery,
    servers: `${ended.instances.length} of ${snapshot.instances.length}`,
    size: ended.size,
    warnings: ended.warning_msg,
    problems: problems.join(" "),
  };
}

/** When the oldest of the instances' points was. */
function pointOf({ instances, created_at: createdAt }: SnapshotDetail): number {
  const points = instances.flatMap(({ point_at: at }) => (at === null ? [] : [wireMs(at)]));
  return points.length === 0 ? wireMs(createdAt) : Math.min(...points);
}

function wireMs(text: string): number {
  return parseWireTime(text) ?? 0;
}

async function endOf(shell: Shell, { api }: Session, id: string): Promise<RestoreDetail> {
  return watch(shell, {
    title: `restore ${id}`,
    again: `cairn restore watch ${id}`,
    look: async () => {
      const { restore } = await api.showRestore({ params: { restore_id: id } });
      return { ...restore, percent: restore.progress_percent };
    },
    isOver: ({ status }) => ["available", "error", "cancelled"].includes(status),
  });
}

/** Looks itself, instead of believing the restore: each server runs and has its volumes. */
async function problemsOf(
  { signal }: Shell,
  { cloud }: Session,
  { snapshot, ended }: { readonly snapshot: SnapshotDetail; readonly ended: RestoreDetail },
): Promise<string[]> {
  if (ended.status !== "available") return [`The restore is ${ended.status}: ${ended.error_msg ?? ""}`];
  const problems: string[] = [];
  for (const original of snapshot.instances) {
    const made = ended.instances.find(({ metadata }) => metadata.instance_id === original.id);
    const server =
      made === undefined ? undefined : await cloud.nova.servers.find(asId<"instance">(made.id), signal);
    const wanted = original.vdisks.filter(({ volume_id: id }) => id !== undefined).length;
    if (server === undefined) problems.push(`Instance ${original.name} was not made.`);
    else if (server.status !== "ACTIVE") problems.push(`Instance ${server.name} is ${server.status}.`);
    else if (server.volumes.length < wanted) {
      problems.push(`Instance ${server.name} has ${server.volumes.length} of ${wanted} volumes.`);
    }
  }
  return problems;
}

const GONE_MS = 300_000;

/** Servers, their ports and volumes, and groups that were made; what stays is a problem. */
async function remove(
  { signal }: Shell,
  { cloud }: Session,
  { instances, security_groups: groups }: RestoreDetail,
): Promise<string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      signal.throwIfAborted();
      problems.push(
        `${what} could not be removed: ${cause instanceof Error ? cause.message : String(cause)}.`,
      );
    }
  };
  for (const { id } of instances) {
    const server = await cloud.nova.servers.find(asId<"instance">(id), signal);
    if (server === undefined) continue;
    const ports = await cloud.neutron.ports.list({ deviceId: server.id }, signal);
    await attempt(`Instance ${server.name}`, async () => {
      await cloud.nova.servers.delete(server.id, signal);
      await cloud.nova.servers.waitFor(server.id, "absent", { withinMs: GONE_MS, signal });
    });
    for (const port of ports) {
      await attempt(`Port ${port.id}`, async () => cloud.neutron.ports.delete(port.id, signal));
    }
    for (const { id: volumeId } of server.volumes) {
      await attempt(`Volume ${volumeId}`, async () => {
        // Those that Nova deletes with their instance are on their way out.
        if ((await cloud.cinder.volumes.find(volumeId, signal))?.status === "deleting") return;
        await cloud.cinder.volumes.waitFor(volumeId, "available", { withinMs: GONE_MS, signal });
        await cloud.cinder.volumes.delete(volumeId, signal);
      });
    }
  }
  for (const group of groups) {
    const id = String(group["id"]);
    await attempt(`Security group ${id}`, async () => cloud.neutron.securityGroups.delete(id, signal));
  }
  return problems;
}
