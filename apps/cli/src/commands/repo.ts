import type { CataloguedRepository, CataloguedSnapshot } from "@cairn/reader";
import { Command } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, withOutputFlags } from "./context.ts";
import { addExporting } from "./repo-export.ts";
import { addKeys } from "./repo-key.ts";
import { addServing } from "./repo-serve.ts";
import { openTargetOf, openTargetWithKey, type TargetFlags, withTargetFlags } from "./repo-target.ts";
import { addVerifying } from "./repo-verify.ts";
import { examples } from "./workload.ts";

const LIST_COLUMNS = ["snapshot_id", "workload", "created_at", "size"];
const WIDE_COLUMNS = [...LIST_COLUMNS, "type", "disks"];
/** As wide as a terminal must be for the wide ones, so that ids stay whole. */
const WIDE_WIDTH = 110;
const LOCKED_COLUMNS = ["snapshot_id", "workload_id", "created_at"];
const REPOSITORY_COLUMNS = ["repository_id", "access", "snapshots", "newest_at"];
const FIELDS = [
  "snapshot_id",
  "created_at",
  "type",
  "workload",
  "workload_id",
  "project_id",
  "repository_id",
  "instances",
  "size_bytes",
  "opened_by",
];
const DISK_COLUMNS = ["disk", "instance", "disk_id", "size_bytes"];

/** `cairn repo …`: what works with a target and a key alone. */
export function repoCommand(shell: Shell): Command {
  const repo = new Command("repo")
    .description("read backups with a target and a key alone: no service, database or cloud")
    .addHelpText(
      "after",
      examples(
        "cairn repo list --target /backups --key-file master.key",
        "cairn repo verify latest --target /backups --key-file master.key",
        "cairn repo export latest --target /backups --key-file master.key --format qcow2 -o ./disks",
      ),
    );
  addListing(repo, shell);
  addShowing(repo, shell);
  addVerifying(repo, shell);
  addExporting(repo, shell);
  addServing(repo, shell);
  addKeys(repo, shell);
  return repo;
}

interface ListFlags extends TargetFlags {
  readonly repositories?: true;
  readonly workload?: string;
}

function addListing(repo: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(repo.command("list")))
    .description("list the snapshots on a target, newest first; without a key what names and headers say")
    .option("--repositories", "list repositories instead, and whether the key opens them")
    .option("--workload <id>", "only snapshots of this workload")
    .addHelpText(
      "after",
      examples(
        "cairn repo list --target /backups --key-file master.key",
        "cairn repo list --target 's3://backups/cairn?endpoint=https://s3.example' --repositories",
        "cairn repo list --target /backups --escrow-key escrow.pem -f json",
      ),
    )
    .action(async (flags: ListFlags) => {
      const context = contextOf(shell, { ...flags });
      const reader = await import("@cairn/reader");
      const { store, credentials } = await openTargetOf(shell, flags);
      const { repositories } = await reader.readCatalogue({
        store,
        credentials,
        ...(flags.repository === undefined ? {} : { repositoryId: flags.repository }),
        ...(flags.workload === undefined ? {} : { workloadId: flags.workload }),
        signal: shell.signal,
      });
      for (const { repositoryId, access } of repositories) {
        if (access.kind !== "refused") continue;
        shell.err.write(`cairn: repository ${repositoryId} stays closed: ${access.why}\n`);
      }
      if (flags.repositories === true) {
        await context.printList(repositories.map(repositoryRow), REPOSITORY_COLUMNS);
        return;
      }
      const rows = repositories.flatMap(({ workloads }) =>
        workloads.flatMap(({ name, snapshots }) => snapshots.map((each) => snapshotRow(each, name))),
      );
      const newestFirst = rows.toSorted((a, b) => ((a.created_at ?? "") < (b.created_at ?? "") ? 1 : -1));
      const isOpen = repositories.some(({ access }) => access.kind === "opened");
      const isWide = (shell.out.columns ?? WIDE_WIDTH) >= WIDE_WIDTH;
      const columns = isWide ? WIDE_COLUMNS : LIST_COLUMNS;
      await context.printList(newestFirst, isOpen ? columns : LOCKED_COLUMNS);
      warnOfProblems(shell, newestFirst);
    });
}

function repositoryRow({ repositoryId, access, workloads }: CataloguedRepository) {
  const snapshots = workloads.flatMap((workload) => workload.snapshots);
  const times = snapshots.flatMap(({ createdAt }) => createdAt ?? []).toSorted();
  return {
    repository_id: repositoryId,
    access: access.kind === "opened" ? `${access.rights}, by ${access.by}` : access.kind,
    workloads: workloads.length,
    snapshots: snapshots.length,
    newest_at: times.at(-1) ?? null,
    problem: access.kind === "refused" ? access.why : null,
  };
}

function snapshotRow(snapshot: CataloguedSnapshot, workloadName: string | undefined) {
  return {
    repository_id: snapshot.repositoryId,
    workload_id: snapshot.workloadId,
    workload: workloadName ?? snapshot.workloadId,
    snapshot_id: snapshot.snapshotId,
    created_at: snapshot.createdAt ?? null,
    type: snapshot.type ?? null,
    disks: snapshot.disks ?? null,
    size: snapshot.sizeBytes ?? null,
    problem: snapshot.problem ?? null,
  };
}

function warnOfProblems(shell: Shell, rows: readonly ReturnType<typeof snapshotRow>[]): void {
  for (const { snapshot_id: id, problem } of rows) {
    if (problem !== null) shell.err.write(`cairn: snapshot ${id}: ${problem}\n`);
  }
}

function addShowing(repo: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(repo.command("show")))
    .description("show a snapshot: its instances, disks and what was captured of them")
    .argument("<snapshot>", "id, the beginning of one, or latest")
    .option("--workload <id>", "latest of this workload")
    .option("--metadata", "print all that was captured, as JSON")
    .addHelpText(
      "after",
      examples(
        "cairn repo show latest --target /backups --key-file master.key",
        "cairn repo show 4f9c --target /backups --key-file master.key --metadata",
      ),
    )
    .action(async (snapshot: string, flags: TargetFlags & { metadata?: true; workload?: string }) => {
      const context = contextOf(shell, { ...flags });
      const reader = await import("@cairn/reader");
      const { store, credentials } = await openTargetWithKey(shell, flags);
      const opened = await reader.openSnapshot({
        store,
        credentials,
        snapshot,
        ...(flags.repository === undefined ? {} : { repositoryId: flags.repository }),
        ...(flags.workload === undefined ? {} : { workloadId: flags.workload }),
        signal: shell.signal,
      });
      const { commit, keySet, handle } = opened;
      if (flags.metadata === true) {
        shell.out.write(`${JSON.stringify(commit.metadata, undefined, 2)}\n`);
        return;
      }
      const { workloadName, instances } = reader.capturedNames(commit.metadata);
      const names = new Map(instances.flatMap(({ id, name }) => (name === undefined ? [] : [[id, name]])));
      const disks = commit.disks.map((disk) => ({
        disk: reader.diskName(disk, commit.disks, names),
        instance: names.get(disk.instanceId) ?? disk.instanceId,
        disk_id: disk.diskId,
        device: disk.device,
        size_bytes: disk.sizeBytes,
        root: disk.root,
      }));
      const by = keySet.openedBy;
      const item = {
        snapshot_id: commit.snapshotId,
        created_at: commit.createdAt,
        type: commit.type,
        workload: workloadName ?? null,
        workload_id: commit.workloadId,
        project_id: commit.projectId,
        repository_id: handle.repositoryId,
        instances: instances.map(({ id, name }) => ({ id, name: name ?? id })),
        size_bytes: commit.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0),
        opened_by: by === undefined ? null : `${by.kind} ${by.label}`,
        disks,
        metadata: commit.metadata,
      };
      await context.printItem(item, FIELDS);
      const isPlain = context.output.format === "table" && context.output.columns.length === 0;
      if (isPlain && disks.length > 0) await context.printList(disks, DISK_COLUMNS);
    });
}
