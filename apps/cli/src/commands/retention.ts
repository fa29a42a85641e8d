import {
  countKept,
  planRetention,
  type RetentionPolicy,
  type RetentionSnapshot,
  SCHEDULED_MAX,
  scheduledTime,
  scheduledTimes,
  simulateRetention,
} from "@cairn/domain";
import { Command } from "commander";
import { findWorkload, listSnapshots } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, contextOf, usage, withCommonFlags } from "./context.ts";
import { openTargetOf, type TargetFlags, withTargetFlags } from "./repo-target.ts";
import { policyOf, withPolicyFlags } from "./retention-policy.ts";
import { addRetentionPreview } from "./retention-preview.ts";
import { startOfDay, stepOf, timeOf } from "./retention-times.ts";
import {
  type RetentionView,
  retentionJson,
  retentionSentence,
  retentionTable,
  statesTable,
} from "./retention-view.ts";
import { examples } from "./workload.ts";

interface SimulateFlags extends Partial<TargetFlags> {
  readonly every: string;
  readonly for: string;
  readonly from?: string;
  readonly to?: string;
  readonly at?: string;
  readonly all?: true;
  readonly workload?: string;
}

/** `cairn retention …` */
export function retentionCommand(shell: Shell): Command {
  const retention = new Command("retention").description("which snapshots stay, which go, and why");
  const simulate = withTargetFlags(withPolicyFlags(withCommonFlags(retention.command("simulate"))), false)
    .description("try a policy on a schedule, or on the snapshots that there are; nothing is deleted")
    .option("--every <time>", "take a snapshot so often: 30min, 6h, 1d", "6h")
    .option("--for <time>", "for so long", "90d")
    .option("--from <time>", "from this day or time on, in the policy's zone (default: today)")
    .option("--to <time>", "until then, instead of --for")
    .option("--at <time>", "look at this day or time instead of the end, or now")
    .option("--all", "also show what a simulated schedule has deleted")
    .option("--workload <workload>", "snapshots of this workload: from the API, or on --target")
    .addHelpText(
      "after",
      examples(
        "cairn retention simulate --every 6h --for 90d --daily 7 --weekly 4 --monthly 12",
        "cairn retention simulate --policy gfs.json --time-zone Europe/Berlin --at 2026-06-01",
        "cairn retention simulate --keep-last 30 --workload web",
        "cairn retention simulate --daily 7 --target /backups --key-file master.key",
      ),
    );
  simulate.action(async (flags: SimulateFlags & Readonly<Record<string, unknown>>) => {
    const context = contextOf(shell, flags);
    const policy = await policyOf(shell, flags);
    const view = await viewOf(context, flags, policy);
    await print(context, view, flags.all === true || view.states.length === 0);
  });
  addRetentionPreview(retention, shell);
  return retention;
}

async function viewOf(
  context: CommandContext,
  flags: SimulateFlags,
  policy: RetentionPolicy,
): Promise<RetentionView> {
  if (flags.target === undefined && flags.workload === undefined) {
    return scheduleView(context.shell, flags, policy);
  }
  const at = flags.at === undefined ? context.shell.clock.now() : timeOf("--at", flags.at, policy.timeZone);
  const snapshots =
    flags.target === undefined
      ? await snapshotsOfApi(context, flags.workload ?? "")
      : await snapshotsOnTarget(context.shell, { ...flags, target: flags.target });
  const known = snapshots.filter(({ takenAt }) => takenAt <= at);
  const verdicts = planRetention({ policy, snapshots: known, now: at });
  const kept = countKept(verdicts.filter(({ verdict }) => verdict === "keep"));
  return { policy, at, rows: verdicts.map((verdict) => ({ verdict })), states: [], kept };
}

function scheduleView(shell: Shell, flags: SimulateFlags, policy: RetentionPolicy): RetentionView {
  const zone = policy.timeZone;
  const from =
    flags.from === undefined ? startOfDay(zone, shell.clock.now()) : timeOf("--from", flags.from, zone);
  const end = scheduledTime({ every: stepOf("--for", flags.for), timeZone: zone, from }, 1);
  const to = flags.to === undefined ? end : timeOf("--to", flags.to, zone);
  const at = flags.at === undefined ? to : timeOf("--at", flags.at, zone);
  if (to < from) throw usage(`--to lies before --from.`, "--to", flags.to);
  if (at < from) throw usage(`--at lies before --from.`, "--at", flags.at);
  const times = scheduledTimes({ every: stepOf("--every", flags.every), timeZone: zone, from, to });
  if (times.length > SCHEDULED_MAX) {
    const message = `The schedule has more than ${SCHEDULED_MAX} snapshots.`;
    throw usage(message, "--every", flags.every, "Take fewer, or simulate a shorter time.");
  }
  const { verdicts, states } = simulateRetention({ policy, times, until: at });
  return {
    policy,
    at,
    rows: verdicts.map(({ deletedAt, ...verdict }) => ({
      verdict,
      ...(deletedAt === undefined ? {} : { deletedAt }),
    })),
    states,
    kept: states.at(-1)?.kept ?? countKept([]),
  };
}

/** What the service knows of a workload's snapshots. */
async function snapshotsOfApi(context: CommandContext, workload: string): Promise<RetentionSnapshot[]> {
  const { api } = await context.session();
  const rows = await listSnapshots(api, { workload_id: await findWorkload(api, workload) });
  return rows.map((row) => ({
    id: row.id,
    takenAt: Date.parse(row.created_at.endsWith("Z") ? row.created_at : `${row.created_at}Z`),
    // What this tries is the policy, as if all had been scheduled; `retention preview` asks the service.
    origin: "scheduled",
    state: stateOf(row.status),
  }));
}

function stateOf(status: string): RetentionSnapshot["state"] {
  switch (status) {
    case "available":
    case "mounted":
    case "restoring":
    case "deleting":
      return status;
    case "error":
    case "cancelled":
    case "failed":
      return "failed";
    default:
      return "running";
  }
}

/** The commits on a target: their times need no key. */
async function snapshotsOnTarget(
  shell: Shell,
  flags: TargetFlags & { readonly workload?: string },
): Promise<RetentionSnapshot[]> {
  const reader = await import("@cairn/reader");
  const { store, credentials } = await openTargetOf(shell, flags);
  const { repositories } = await reader.readCatalogue({
    store,
    credentials,
    ...(flags.repository === undefined ? {} : { repositoryId: flags.repository }),
    signal: shell.signal,
  });
  const all = repositories.flatMap(({ workloads }) => workloads);
  const wanted = flags.workload;
  const found =
    wanted === undefined ? all : all.filter((each) => each.workloadId === wanted || each.name === wanted);
  const [workload] = found;
  if (workload === undefined || found.length > 1) {
    const names = all.map((each) => `${each.workloadId}${each.name === undefined ? "" : ` (${each.name})`}`);
    const count = found.length === 0 ? "No workload" : `${found.length} workloads`;
    throw usage(
      `${count} on the target match.`,
      "--workload",
      wanted,
      `There are ${all.length}: ${names.join(", ")}.`,
    );
  }
  return workload.snapshots.flatMap(({ snapshotId, createdAt }): RetentionSnapshot[] =>
    createdAt === undefined
      ? []
      : [{ id: snapshotId, takenAt: Date.parse(createdAt), origin: "scheduled", state: "available" }],
  );
}

async function print(context: CommandContext, view: RetentionView, showDeleted: boolean): Promise<void> {
  const { output, shell } = context;
  if (output.format !== "table") {
    const json = retentionJson(view) as { readonly snapshots: readonly Readonly<Record<string, unknown>>[] };
    const whole = output.format === "json" || output.format === "yaml";
    if (whole && output.columns.length === 0) await context.printItem({ ...json }, Object.keys(json));
    else await context.printList(json.snapshots, ["snapshot_id", "local_time", "verdict", "reason"]);
    return;
  }
  shell.out.write(retentionTable(view, output.width, showDeleted));
  if (view.states.length > 1) shell.out.write(statesTable(view, output.width));
  shell.out.write(`${retentionSentence(view)}\n`);
}
