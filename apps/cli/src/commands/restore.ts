import { resolve } from "node:path";
import type { RestoreDetail, RestoreKind, RestoreOptions, SnapshotDetail } from "@cairn/contract";
import { isRestoreMoving } from "@cairn/sdk";
import { Command } from "commander";
import { withIds } from "../cloud-names.ts";
import { EXIT } from "../exit-codes.ts";
import { findRestore, findSnapshot, listRestores } from "../lookup.ts";
import { parseJsonOrPython } from "../python-literal.ts";
import {
  inplaceOptions,
  type KnownInstance,
  oneclickOptions,
  type RestoreFlags,
  selectiveOptions,
  surroundingsOptions,
} from "../restore-options.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, collected, contextOf, usage, wholeNumber, withCommonFlags } from "./context.ts";
import { addRestorePlan } from "./restore-plan.ts";
import { FailedRun, watch } from "./watching.ts";
import { examples } from "./workload.ts";

const LIST_COLUMNS = ["id", "name", "snapshot_id", "status", "progress_percent", "size", "created_at"];
const FIELDS = [
  "id",
  "name",
  "description",
  "snapshot_id",
  "workload_id",
  "kind",
  "safety_snapshot_id",
  "status",
  "progress_percent",
  "error_msg",
  "warning_msg",
  "instances",
  "networks",
  "subnets",
  "routers",
  "security_groups",
  "floating_ips",
  "server_groups",
  "flavors",
  "size",
  "uploaded_size",
  "time_taken",
  "created_at",
  "finished_at",
];

/** `cairn restore …` */
export function restoreCommand(shell: Shell): Command {
  const restore = new Command("restore").description("bring a snapshot back");
  addOneclick(restore, shell);
  addSelective(restore, shell);
  addInplace(restore, shell);
  addSurroundings(restore, shell);
  addRestorePlan(restore, shell);
  addReading(restore, shell);
  addEnding(restore, shell);
  return restore;
}

function startCommand(restore: Command, name: string): Command {
  return withCommonFlags(restore.command(name))
    .argument("<snapshot>", "name or id")
    .option("--name <name>", "name of the restore")
    .option("--description <text>")
    .option("--wait", "wait until it has ended, and show how far it is");
}

function addOneclick(restore: Command, shell: Shell): void {
  startCommand(restore, "oneclick")
    .description("make all instances of a snapshot again, as they were; they must be gone")
    .addHelpText("after", examples("cairn restore oneclick nightly --wait"))
    .action(async (wanted: string, flags: RestoreFlags & { wait?: true }) => {
      const start = { wanted, flags: { ...flags }, wait: flags.wait === true };
      await run(shell, start, async () => oneclickOptions(flags));
    });
}

function addSelective(restore: Command, shell: Shell): void {
  startCommand(restore, "selective")
    .description("make chosen instances anew, with other names, flavors, networks or volume types")
    .option("--filename <restore.json>", "the options as JSON (or as a Python literal)")
    .option(
      "-i, --instance <instance>",
      "name or id in the snapshot; may be repeated; else all",
      collected,
      [],
    )
    .option("--new-name <name>", "name of the new instance")
    .option("--flavor <flavor>", "flavor of the new instances, name or id")
    .option(
      "--network <from=to>",
      "network of the snapshot = network to use (names or ids); may be repeated",
      collected,
      [],
    )
    .option("--availability-zone <zone>")
    .option("--volume-type <type>", "type of the new volumes")
    .option("--topology", "make networks and routers again that are gone")
    .addHelpText(
      "after",
      examples(
        "cairn restore selective nightly --instance web-1 --new-name test --network lan=test-lan",
        "cairn restore selective nightly --filename restore.json --wait",
      ),
    )
    .action(async (wanted: string, flags: FileFlags) => {
      const start = { wanted, flags: { ...flags }, wait: flags.wait === true };
      await run(shell, start, async (snapshot, { cloud }) =>
        flags.filename === undefined
          ? selectiveOptions(await withIds(flags, snapshot, cloud), instancesOf(snapshot))
          : readOptions(shell, flags, "selective"),
      );
    });
}

function addInplace(restore: Command, shell: Shell): void {
  startCommand(restore, "inplace")
    .description("write chosen disks of instances that still exist back to the snapshot's state")
    .option("--filename <restore.json>", "the options as JSON (or as a Python literal)")
    .option("-i, --instance <instance>", "name or id in the snapshot; may be repeated", collected, [])
    .option("--volume <volume>", "volume to write: id, name or device (vdb); may be repeated", collected, [])
    .option("--boot-disk", "write the boot disk")
    .option("--no-safety-snapshot", "overwrite at once, without a snapshot of the instances as they are now")
    .addHelpText(
      "after",
      examples(
        "cairn restore inplace nightly --instance db-1 --volume vdb --wait",
        "cairn restore inplace nightly --instance web-1 --boot-disk",
      ),
    )
    .action(async (wanted: string, flags: FileFlags) => {
      const start = { wanted, flags: { ...flags }, wait: flags.wait === true };
      await run(shell, start, async (snapshot) =>
        withSafety(
          flags,
          flags.filename === undefined
            ? inplaceOptions({ ...flags, network: [] }, instancesOf(snapshot))
            : await readOptions(shell, flags, "inplace"),
        ),
      );
    });
}

/** The flag declines; without it, whatever the file says holds, or else the API's default. */
function withSafety({ safetySnapshot }: FileFlags, options: RestoreOptions): RestoreOptions {
  return safetySnapshot === false ? { ...options, safety_snapshot: false } : options;
}

function addSurroundings(restore: Command, shell: Shell): void {
  startCommand(restore, "topology")
    .description("make networks, subnets and routers again that are gone, and no instance")
    .addHelpText("after", examples("cairn restore topology nightly --wait"))
    .action(async (wanted: string, flags: RestoreFlags & { wait?: true }) => {
      const start = { wanted, flags: { ...flags }, wait: flags.wait === true };
      await run(shell, start, async () => surroundingsOptions("topology", flags));
    });
  startCommand(restore, "security-groups")
    .description("make security groups again that are gone or lost rules, and no instance")
    .addHelpText("after", examples("cairn restore security-groups nightly --wait"))
    .action(async (wanted: string, flags: RestoreFlags & { wait?: true }) => {
      const start = { wanted, flags: { ...flags }, wait: flags.wait === true };
      await run(shell, start, async () => surroundingsOptions("security-groups", flags));
    });
}

interface FileFlags extends RestoreFlags {
  readonly filename?: string;
  readonly wait?: true;
  /** False when it is declined. */
  readonly safetySnapshot?: boolean;
}

interface Start {
  readonly wanted: string;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly wait: boolean;
}

async function run(
  shell: Shell,
  start: Start,
  optionsOf: (snapshot: SnapshotDetail, session: Session) => Promise<RestoreOptions>,
): Promise<void> {
  const context = contextOf(shell, start.flags);
  const session = await context.session();
  const { api } = session;
  const id = await findSnapshot(api, start.wanted);
  const { snapshot } = await api.showSnapshot({ params: { snapshot_id: id } });
  const options = await optionsOf(snapshot, session);
  const { restore } = await api.createRestore({
    params: { workload_id: snapshot.workload_id, snapshot_id: id },
    body: { restore: { options } },
  });
  await finish(context, session, restore, start.wait);
}

/**
 * The file holds what stands under `options` on the wire; with the wrapping around it, it is understood too.
 */
async function readOptions(shell: Shell, flags: FileFlags, kind: RestoreKind): Promise<RestoreOptions> {
  const path = flags.filename ?? "restore.json";
  if (flags.instance.length > 0) {
    throw usage(
      "--filename and --instance exclude each other.",
      "--filename",
      path,
      "Put everything into the file.",
    );
  }
  const text = await shell.readFile(resolve(shell.cwd, path));
  if (text === undefined) throw usage(`The file ${path} cannot be read.`, "--filename", path);
  const { normaliseBody, parseAs, CreateRestore } = await import("@cairn/contract");
  const content = parseJsonOrPython(text, path);
  const wrapped =
    isRecord(content) && isRecord(content["restore"]) ? content : { restore: { options: content } };
  const normal = normaliseBody("createRestore", withKind(wrapped, kind));
  const { options } = parseAs(CreateRestore, normal).restore;
  if (options.restore_type !== kind) {
    throw usage(
      `${path} describes a ${options.restore_type} restore.`,
      "--filename",
      path,
      `Use \`cairn restore ${options.restore_type}\`.`,
    );
  }
  return {
    ...options,
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  };
}

function withKind(body: Readonly<Record<string, unknown>>, kind: RestoreKind): unknown {
  const restore = isRecord(body["restore"]) ? body["restore"] : {};
  const options = isRecord(restore["options"]) ? restore["options"] : {};
  return { restore: { ...restore, options: { restore_type: kind, ...options } } };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function instancesOf(snapshot: SnapshotDetail): KnownInstance[] {
  return snapshot.instances.map(({ id, name, vdisks }) => ({
    id,
    name,
    volumes: vdisks.flatMap(({ volume_id: volume, volume_name: called, disk }) =>
      volume === undefined ? [] : [{ id: volume, name: called ?? "", disk }],
    ),
  }));
}

function addReading(restore: Command, shell: Shell): void {
  withCommonFlags(restore.command("list"))
    .description("list restores, newest first")
    .option("--snapshot <snapshot>", "only those of this snapshot (name or id)")
    .option("--all-projects", "of all projects (administrators only)")
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 100_000))
    .addHelpText("after", examples("cairn restore list --snapshot nightly"))
    .action(async (flags: { snapshot?: string; allProjects?: true; limit?: number }) => {
      const context = contextOf(shell, flags);
      const { api } = await context.session();
      const query = {
        ...(flags.snapshot === undefined ? {} : { snapshot_id: await findSnapshot(api, flags.snapshot) }),
        ...(flags.allProjects === true ? { all: true } : {}),
      };
      await context.printList(await listRestores(api, query, flags.limit), LIST_COLUMNS);
    });
  withCommonFlags(restore.command("show"))
    .description("show a restore and what it made")
    .argument("<restore>", "name or id")
    .addHelpText("after", examples("cairn restore show 4f9c…"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      await printRestore(context, await show(session, await findRestore(session.api, wanted)));
    });
  withCommonFlags(restore.command("watch"))
    .description("wait until a restore has ended, and show how far it is")
    .argument("<restore>", "name or id")
    .addHelpText("after", examples("cairn restore watch 4f9c…"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      await finish(context, session, await show(session, await findRestore(session.api, wanted)), true);
    });
}

function addEnding(restore: Command, shell: Shell): void {
  withCommonFlags(restore.command("cancel"))
    .description("cancel a running restore; what it made is removed")
    .argument("<restore>", "name or id")
    .option("--wait", "wait until it has ended")
    .addHelpText("after", examples("cairn restore cancel 4f9c…"))
    .action(async (wanted: string, flags: { wait?: true }) => {
      const session = await contextOf(shell, flags).session();
      const id = await findRestore(session.api, wanted);
      await session.api.cancelRestore({ params: { restore_id: id } });
      if (flags.wait === true) await waitFor(shell, session, id);
    });
  withCommonFlags(restore.command("delete"))
    .description("delete the record of a restore; what it restored stays")
    .argument("<restore>", "name or id")
    .addHelpText("after", examples("cairn restore delete 4f9c…"))
    .action(async (wanted: string, flags: object) => {
      const session = await contextOf(shell, { ...flags }).session();
      await session.api.deleteRestore({ params: { restore_id: await findRestore(session.api, wanted) } });
    });
}

async function show({ api }: Session, id: string): Promise<RestoreDetail> {
  return (await api.showRestore({ params: { restore_id: id } })).restore;
}

async function waitFor(shell: Shell, session: Session, id: string): Promise<RestoreDetail> {
  const seen = await watch(shell, {
    title: `restore ${id}`,
    again: `cairn restore watch ${id}`,
    look: async () => {
      const restore = await show(session, id);
      return {
        title: `restore ${restore.name}`,
        status: restore.status,
        percent: restore.progress_percent,
        progress: restore.progress,
        restore,
      };
    },
    isOver: ({ status }) => !isRestoreMoving(status),
  });
  return seen.restore;
}

/** Prints the restore: as it stands, or as it ended. One that did not end well is the command's failure. */
async function finish(
  context: CommandContext,
  session: Session,
  started: RestoreDetail,
  wait: boolean,
): Promise<void> {
  const restore = wait ? await waitFor(context.shell, session, started.id) : started;
  await printRestore(context, restore);
  if (!wait || restore.status === "available") return;
  const why = restore.error_msg === null ? "." : `: ${restore.error_msg}`;
  throw new FailedRun(`The restore ${restore.id} ended as ${restore.status}${why}`, EXIT.failed);
}

async function printRestore(context: CommandContext, restore: RestoreDetail): Promise<void> {
  await context.printItem({ ...restore, kind: restore.restore_options.restore_type }, FIELDS);
}
