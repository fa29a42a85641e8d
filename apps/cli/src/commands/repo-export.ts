import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hasCode, Rejection } from "@cairn/kernel";
import type * as Reader from "@cairn/reader";
import { type Command, Option } from "commander";
import type { Format } from "../output/format.ts";
import type { Shell } from "../shell.ts";
import { contextOf, withOutputFlags } from "./context.ts";
import { diskProgress } from "./repo-progress.ts";
import { type OpenedTarget, openTargetWithKey, type TargetFlags, withTargetFlags } from "./repo-target.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["file", "disk", "format", "size_bytes", "data_bytes"];

interface ExtractFlags extends TargetFlags {
  readonly output: string;
  readonly disk?: string;
  readonly workload?: string;
  readonly force?: true;
  readonly format: Format;
}

interface ExportFlags extends Omit<ExtractFlags, "format"> {
  readonly format: Reader.ExportFormat;
  readonly print: Format;
}

/** `cairn repo extract` and `cairn repo export` */
export function addExporting(repo: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(repo.command("extract")))
    .description("write one disk of a snapshot to a raw file; zeroes are holes")
    .argument("<snapshot>", "id, the beginning of one, or latest")
    .requiredOption("-o, --output <file>", "the file to make")
    .option("--disk <disk>", "device, instance:device or id; needed when there are several")
    .option("--workload <id>", "latest of this workload")
    .option("--force", "replace a file that exists")
    .addHelpText(
      "after",
      examples(
        "cairn repo extract latest --target /backups --key-file master.key --disk vda -o vda.raw",
        "cairn repo extract 4f9c --target /backups --escrow-key escrow.pem --disk web-1:vdb -o data.raw",
      ),
    )
    .action(async (snapshot: string, flags: ExtractFlags) => {
      const opened = await openExport(shell, flags, snapshot);
      const reader = await import("@cairn/reader");
      const disk = reader.chooseDisk(opened.commit.disks, flags.disk, opened.names);
      const file = resolve(shell.cwd, flags.output);
      const plan = { disk, file, format: "raw", force: flags.force === true } as const;
      await print(shell, { ...flags }, [await writeDisk(shell, opened, plan)]);
    });
  withTargetFlags(withOutputFlags(repo.command("export"), "--print"))
    .description("write disks of a snapshot as raw or qcow2 images")
    .argument("<snapshot>", "id, the beginning of one, or latest")
    .requiredOption("-o, --output <place>", "a folder; or the file to make, with one disk")
    .option("--disk <disk>", "only this one: device, instance:device or id")
    .addOption(
      new Option("--format <format>", "what the images are").choices(["raw", "qcow2"]).default("qcow2"),
    )
    .option("--workload <id>", "latest of this workload")
    .option("--force", "replace files that exist")
    .addHelpText(
      "after",
      examples(
        "cairn repo export latest --target /backups --key-file master.key -o ./disks",
        "cairn repo export latest --target /backups --key-file master.key --disk vda -o vda.qcow2",
      ),
    )
    .action(async (snapshot: string, flags: ExportFlags) => exportDisks(shell, flags, snapshot));
}

/** A snapshot whose disks can be read. */
export interface OpenedExport extends OpenedTarget, Reader.OpenedSnapshot {
  /** Of instances, by their ids. */
  readonly names: ReadonlyMap<string, string>;
}

/** Opens the snapshot that an argument names. */
export async function openExport(
  shell: Shell,
  flags: TargetFlags & { readonly workload?: string },
  snapshot: string,
): Promise<OpenedExport> {
  const target = await openTargetWithKey(shell, flags);
  const reader = await import("@cairn/reader");
  const { store, credentials } = target;
  const opened = await reader.openSnapshot({
    store,
    credentials,
    snapshot,
    ...(flags.repository === undefined ? {} : { repositoryId: flags.repository }),
    ...(flags.workload === undefined ? {} : { workloadId: flags.workload }),
    signal: shell.signal,
  });
  const { instances } = reader.capturedNames(opened.commit.metadata);
  const names = new Map(instances.flatMap(({ id, name }) => (name === undefined ? [] : [[id, name]])));
  return { ...target, ...opened, names };
}

async function exportDisks(shell: Shell, flags: ExportFlags, snapshot: string): Promise<void> {
  const opened = await openExport(shell, flags, snapshot);
  const reader = await import("@cairn/reader");
  const { commit, names } = opened;
  const place = resolve(shell.cwd, flags.output);
  const disks =
    flags.disk === undefined ? commit.disks : [reader.chooseDisk(commit.disks, flags.disk, names)];
  const isOne = disks.length === 1 && !flags.output.endsWith("/") && !(await isFolder(place));
  const plans = disks.map((disk) => ({
    disk,
    file: isOne ? place : join(place, `${fileNameOf(disk, names)}.${flags.format}`),
    format: flags.format,
    force: flags.force === true,
  }));
  if (new Set(plans.map(({ file }) => file)).size < plans.length) {
    const remedy = "Export them one by one, with --disk.";
    throw new Rejection("Two disks would get one file name.", { status: 400, field: "--output", remedy });
  }
  if (!isOne) await mkdir(place, { recursive: true });
  const written: WrittenRow[] = [];
  try {
    for (const plan of plans) written.push(await writeDisk(shell, opened, plan));
  } finally {
    // Those that are complete stay, and are told even if a later one fails.
    if (written.length > 0) await print(shell, { ...flags, format: flags.print }, written);
  }
}

/** Names of instances are their users': what a file name cannot have becomes an underscore. */
function fileNameOf(
  disk: Reader.OpenedSnapshot["commit"]["disks"][number],
  names: ReadonlyMap<string, string>,
) {
  const instance = names.get(disk.instanceId) ?? disk.instanceId;
  const bare = disk.device.replace(/^\/dev\//, "");
  return `${instance}-${bare}`.replaceAll(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, "_");
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) return false;
    throw cause;
  }
}

interface DiskPlan {
  readonly disk: Reader.OpenedSnapshot["commit"]["disks"][number];
  readonly file: string;
  readonly format: Reader.ExportFormat;
  readonly force: boolean;
}

interface WrittenRow {
  readonly file: string;
  readonly disk: string;
  readonly format: string;
  readonly size_bytes: number;
  readonly data_bytes: number;
}

async function writeDisk(shell: Shell, opened: OpenedExport, plan: DiskPlan): Promise<WrittenRow> {
  const reader = await import("@cairn/reader");
  const { store, handle, commit, names } = opened;
  const { disk, file, format, force } = plan;
  const name = reader.diskName(disk, commit.disks, names);
  const progress = diskProgress(shell, `${format} of ${name}`, name);
  try {
    const { sizeBytes, writtenBytes } = await reader.exportDisk({
      store,
      handle,
      disk,
      format,
      output: { path: file, force },
      onProgress: ({ doneBytes, totalBytes }) => progress.report(doneBytes, totalBytes),
      signal: shell.signal,
    });
    return { file, disk: name, format, size_bytes: sizeBytes, data_bytes: writtenBytes };
  } finally {
    progress.clear();
  }
}

async function print(
  shell: Shell,
  flags: Readonly<Record<string, unknown>>,
  rows: readonly WrittenRow[],
): Promise<void> {
  await contextOf(shell, flags).printList(
    rows.map((row) => ({ ...row })),
    COLUMNS,
  );
}
