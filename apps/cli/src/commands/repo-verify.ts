import { formatBytes } from "@cairn/kernel";
import type * as Reader from "@cairn/reader";
import { type Command, Option } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { Shell } from "../shell.ts";
import { contextOf, usage, withOutputFlags } from "./context.ts";
import { statusLine } from "./repo-progress.ts";
import { openTargetWithKey, type TargetFlags, withTargetFlags } from "./repo-target.ts";
import { FailedRun } from "./watching.ts";
import { examples } from "./workload.ts";

const LEVELS = ["structure", "packs", "data"] as const;
const FIELDS = [
  "repository_id",
  "sound",
  "level",
  "snapshots",
  "disks",
  "packs",
  "records",
  "relocated",
  "read_bytes",
  "duration_ms",
];
const DAMAGE_COLUMNS = ["object", "kind", "what"];
const DEGRADED_COLUMNS = ["snapshot_id", "disk", "damaged_bytes", "first_at", "ranges"];

interface VerifyFlags extends TargetFlags {
  readonly level: Reader.VerifyLevel;
  readonly workload?: string;
  readonly all?: true;
}

/** `cairn repo verify` */
export function addVerifying(repo: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(repo.command("verify")))
    .description("read a snapshot, a workload or everything, and name what is damaged")
    .argument("[snapshot]", "id, the beginning of one, or latest")
    .option("--workload <id>", "all snapshots of this workload; with latest: its latest")
    .option("--all", "everything that is on the target")
    .addOption(
      new Option("--level <level>", "how far: trees, whole packs, or every chunk")
        .choices(LEVELS)
        .default("data"),
    )
    .addHelpText(
      "after",
      examples(
        "cairn repo verify latest --target /backups --key-file master.key",
        "cairn repo verify --all --level packs --target /backups --key-file structure.key",
      ),
    )
    .action(async (snapshot: string | undefined, flags: VerifyFlags) => {
      const isNothing = snapshot === undefined && flags.workload === undefined && flags.all !== true;
      if (isNothing || (snapshot !== undefined && flags.all === true)) {
        const remedy = "Name a snapshot, or give --workload or --all.";
        throw usage("It is not said what to verify.", "snapshot", snapshot, remedy);
      }
      await verify(shell, flags, snapshot);
    });
}

async function verify(shell: Shell, flags: VerifyFlags, snapshot: string | undefined): Promise<void> {
  const context = contextOf(shell, { ...flags });
  const reader = await import("@cairn/reader");
  const { store, credentials } = await openTargetWithKey(shell, flags);
  const line = statusLine(shell);
  const verified = await reader
    .verifyRepositories({
      store,
      credentials,
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(flags.repository === undefined ? {} : { repositoryId: flags.repository }),
      ...(flags.workload === undefined ? {} : { workloadId: flags.workload }),
      level: flags.level,
      clock: shell.clock,
      onProgress: (_, { phase, packs, packsKnown, bytesRead, damaged }) => {
        const found = damaged === 0 ? "" : `, ${damaged} damaged`;
        line.show(
          `verifying ${phase}: ${packs} of ${packsKnown} packs, ${formatBytes(bytesRead)} read${found}`,
        );
      },
      signal: shell.signal,
    })
    .finally(() => line.clear());
  for (const { repositoryId, report } of verified) {
    const item = {
      repository_id: repositoryId,
      ...summary(report),
      damage: report.damage,
      degraded: report.degraded,
    };
    await context.printItem(item, FIELDS);
    if (context.output.format !== "table" || report.sound) continue;
    await context.printList(
      report.damage.map((each) => ({ ...each })),
      DAMAGE_COLUMNS,
    );
    const disks = degradedRows(report);
    if (disks.length > 0) await context.printList(disks, DEGRADED_COLUMNS);
  }
  const damaged = verified.filter(({ report }) => !report.sound);
  if (damaged.length === 0) return;
  const snapshots = damaged.reduce((sum, { report }) => sum + report.degraded.length, 0);
  const objects = damaged.reduce((sum, { report }) => sum + report.damage.length, 0);
  throw new FailedRun(
    `${objects} damaged objects; ${snapshots} snapshots do not read back as a whole. All others do.`,
    EXIT.failed,
  );
}

type Report = Awaited<ReturnType<typeof Reader.verifyRepositories>>[number]["report"];

function summary(report: Report) {
  return {
    sound: report.sound,
    level: report.level,
    snapshots: report.snapshots,
    disks: report.disks,
    pages: report.pages,
    packs: report.packs,
    records: report.records,
    relocated: report.relocated,
    read_bytes: report.bytesRead,
    requests: report.requests,
    duration_ms: Math.round(report.durationMs),
  };
}

function degradedRows(report: Report) {
  return report.degraded.flatMap(({ snapshotId, disks, commitDamage }) => [
    ...(commitDamage === undefined
      ? []
      : [
          {
            snapshot_id: snapshotId,
            disk: "the commit itself",
            damaged_bytes: null,
            first_at: null,
            ranges: null,
          },
        ]),
    ...disks.map((disk) => ({
      snapshot_id: snapshotId,
      disk: disk.diskId,
      damaged_bytes: disk.damagedBytes,
      first_at: disk.ranges[0]?.offset ?? null,
      ranges: disk.ranges.length + disk.rangesOmitted,
    })),
  ]);
}
