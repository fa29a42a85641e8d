import type { SnapshotDetail } from "@cairn/contract";
import { isSnapshotMoving } from "@cairn/sdk";
import { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { findSnapshot, findWorkload, listSnapshots } from "../lookup.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, contextOf, wholeNumber, withCommonFlags } from "./context.ts";
import { addMounting } from "./snapshot-mount.ts";
import { FailedRun, gone, watch } from "./watching.ts";
import { examples } from "./workload.ts";

const LIST_COLUMNS = ["id", "name", "workload_id", "snapshot_type", "status", "created_at"];
const FIELDS = [
  "id",
  "name",
  "description",
  "workload_id",
  "snapshot_type",
  "status",
  "progress_percent",
  "error_msg",
  "warning_msg",
  "instances",
  "workload_point",
  "virtual_bytes",
  "read_bytes",
  "stored_bytes",
  "time_taken",
  "created_at",
  "finished_at",
];
const DISK_COLUMNS = [
  "instance",
  "disk",
  "disk_id",
  "size_bytes",
  "read_mode",
  "read_bytes",
  "stored_bytes",
  "reason",
];

const POINT_COLUMNS = ["instance", "point_at", "consistency", "freeze_ms", "because"];

/** `cairn snapshot …` */
export function snapshotCommand(shell: Shell): Command {
  const snapshot = new Command("snapshot").description("restorable states of a workload");
  addTaking(snapshot, shell);
  addReading(snapshot, shell);
  addMounting(snapshot, shell);
  addEnding(snapshot, shell);
  return snapshot;
}

function addTaking(snapshot: Command, shell: Shell): void {
  withCommonFlags(snapshot.command("create"))
    .description("take a snapshot: incremental, unless it is the first or --full is given")
    .argument("<workload>", "name or id")
    .option("--full", "read all disks whole")
    .option("--name <name>", "name of the snapshot")
    .option("--description <text>")
    .option("--wait", "wait until it has ended, and show how far it is")
    .addHelpText(
      "after",
      examples("cairn snapshot create web --wait", "cairn snapshot create web --full --name before-upgrade"),
    )
    .action(
      async (wanted: string, flags: { full?: true; name?: string; description?: string; wait?: true }) => {
        const context = contextOf(shell, flags);
        const session = await context.session();
        const { snapshot: taken } = await session.api.takeSnapshot({
          params: { workload_id: await findWorkload(session.api, wanted) },
          query: flags.full === true ? { full: true } : {},
          body: {
            snapshot: {
              ...(flags.name === undefined ? {} : { name: flags.name }),
              ...(flags.description === undefined ? {} : { description: flags.description }),
            },
          },
        });
        await finish(context, session, taken, flags.wait === true);
      },
    );
  withCommonFlags(snapshot.command("watch"))
    .description("wait until a snapshot has ended, and show how far it is")
    .argument("<snapshot>", "name or id")
    .addHelpText("after", examples("cairn snapshot watch nightly"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      await finish(context, session, await show(session, await findSnapshot(session.api, wanted)), true);
    });
}

function addReading(snapshot: Command, shell: Shell): void {
  withCommonFlags(snapshot.command("list"))
    .description("list snapshots, newest first")
    .option("--workload <workload>", "only those of this workload (name or id)")
    .option("--all-projects", "of all projects (administrators only)")
    .option("--from <time>", "taken at or after YYYY-MM-DDTHH:MM:SS (UTC)")
    .option("--to <time>", "taken at or before YYYY-MM-DDTHH:MM:SS (UTC)")
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 100_000))
    .addHelpText("after", examples("cairn snapshot list --workload web", "cairn snapshot list -f json"))
    .action(async (flags: ListFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query = {
        ...(flags.workload === undefined ? {} : { workload_id: await findWorkload(api, flags.workload) }),
        ...(flags.allProjects === true ? { all: true } : {}),
        ...(flags.from === undefined ? {} : { date_from: flags.from }),
        ...(flags.to === undefined ? {} : { date_to: flags.to }),
      };
      await context.printList(await listSnapshots(api, query, flags.limit), LIST_COLUMNS);
    });
  withCommonFlags(snapshot.command("show"))
    .description("show a snapshot, its disks, and how each was read")
    .argument("<snapshot>", "name or id")
    .addHelpText(
      "after",
      examples("cairn snapshot show nightly", "cairn snapshot show 4f9c… -f value -c status"),
    )
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      await printSnapshot(context, await show(session, await findSnapshot(session.api, wanted)));
    });
}

interface ListFlags {
  readonly workload?: string;
  readonly allProjects?: true;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
}

function addEnding(snapshot: Command, shell: Shell): void {
  withCommonFlags(snapshot.command("cancel"))
    .description("cancel a snapshot that is being taken, or its mount; what it made is removed")
    .argument("<snapshot>", "name or id")
    .option("--wait", "wait until it has ended")
    .addHelpText("after", examples("cairn snapshot cancel nightly"))
    .action(async (wanted: string, flags: { wait?: true }) => {
      const session = await contextOf(shell, flags).session();
      const id = await findSnapshot(session.api, wanted);
      await session.api.cancelSnapshot({ params: { snapshot_id: id } });
      if (flags.wait === true) await waitFor(shell, session, id);
    });
  withCommonFlags(snapshot.command("reset"))
    .description("end a snapshot that hangs as an error, what it made is removed; for administrators")
    .argument("<snapshot>", "name or id")
    .option("--wait", "wait until it has ended")
    .addHelpText("after", examples("cairn snapshot reset nightly"))
    .action(async (wanted: string, flags: { wait?: true }) => {
      const session = await contextOf(shell, flags).session();
      const id = await findSnapshot(session.api, wanted);
      await session.api.resetSnapshot({ params: { snapshot_id: id } });
      if (flags.wait === true) await waitFor(shell, session, id);
    });
  withCommonFlags(snapshot.command("delete"))
    .description("delete a snapshot; all others stay complete")
    .argument("<snapshot>", "name or id")
    .option("--wait", "wait until it is gone")
    .addHelpText("after", examples("cairn snapshot delete nightly --wait"))
    .action(async (wanted: string, flags: { wait?: true }) => {
      const session = await contextOf(shell, flags).session();
      const id = await findSnapshot(session.api, wanted);
      await session.api.deleteSnapshot({ params: { snapshot_id: id } });
      if (flags.wait !== true) return;
      const seen = await watch(shell, {
        title: `snapshot ${id}`,
        again: `cairn snapshot show ${id}`,
        look: async () => gone(async () => lookOf(await show(session, id))),
        isOver: ({ status }) => status !== "deleting",
      });
      if (seen.status !== "gone") throw new FailedRun(`The snapshot ${id} is ${seen.status}.`, EXIT.failed);
    });
}

async function show({ api }: Session, id: string): Promise<SnapshotDetail> {
  return (await api.showSnapshot({ params: { snapshot_id: id } })).snapshot;
}

function lookOf(snapshot: SnapshotDetail) {
  const { status, progress_percent: percent, progress } = snapshot;
  return { title: `snapshot ${snapshot.name}`, status, percent, progress, snapshot };
}

async function waitFor(shell: Shell, session: Session, id: string): Promise<SnapshotDetail> {
  const seen = await watch(shell, {
    title: `snapshot ${id}`,
    again: `cairn snapshot watch ${id}`,
    look: async () => lookOf(await show(session, id)),
    isOver: ({ status }) => !isSnapshotMoving(status),
  });
  return seen.snapshot;
}

const WHOLE: readonly string[] = ["available", "restoring", "mounting", "mounted"];

/** Prints the snapshot: as it stands, or as it ended. One that did not end well is the command's failure. */
async function finish(
  context: CommandContext,
  session: Session,
  taken: SnapshotDetail,
  wait: boolean,
): Promise<void> {
  const snapshot = wait ? await waitFor(context.shell, session, taken.id) : taken;
  await printSnapshot(context, snapshot);
  if (!wait || WHOLE.includes(snapshot.status)) return;
  const why = snapshot.error_msg === null ? "." : `: ${snapshot.error_msg}`;
  throw new FailedRun(`The snapshot ${snapshot.id} ended as ${snapshot.status}${why}`, EXIT.failed);
}

async function printSnapshot(context: CommandContext, snapshot: SnapshotDetail): Promise<void> {
  await context.printItem(snapshot, FIELDS);
  const disks = snapshot.instances.flatMap((instance) =>
    instance.vdisks.map((disk) => ({
      ...disk,
      instance: instance.name,
      read_mode: disk.read?.mode ?? null,
      reason: disk.read?.because ?? disk.read?.tracker ?? null,
    })),
  );
  const points = snapshot.instances.flatMap(({ name, point_at, consistency }) =>
    consistency === null
      ? []
      : {
          instance: name,
          point_at,
          consistency: consistency.quality,
          freeze_ms: consistency.freeze_ms ?? null,
          because: consistency.reason,
        },
  );
  const isPlain = context.output.format === "table" && context.output.columns.length === 0;
  if (isPlain && points.length > 0) await context.printList(points, POINT_COLUMNS);
  if (isPlain && disks.length > 0) await context.printList(disks, DISK_COLUMNS);
}
