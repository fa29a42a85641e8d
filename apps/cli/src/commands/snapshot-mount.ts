import type { SnapshotDetail } from "@cairn/contract";
import { isUuid } from "@cairn/kernel";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { findSnapshot, findWorkload, only } from "../lookup.ts";
import type { Session } from "../session.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, contextOf, withCommonFlags } from "./context.ts";
import { FailedRun, watch } from "./watching.ts";
import { examples } from "./workload.ts";

const LIST_COLUMNS = ["snapshot_id", "snapshot_name", "workload_id", "mounturl", "status"];
const FIELDS = [
  "id",
  "name",
  "workload_id",
  "status",
  "instance_id",
  "instance_name",
  "mounturl",
  "mounted_at",
  "warning_msg",
  "error_msg",
];
const PATH_COLUMNS = ["instance", "disk", "file_system", "path"];

/** `cairn snapshot mount`, `dismount` and `mounted-list`. */
export function addMounting(snapshot: Command, shell: Shell): void {
  addMount(snapshot, shell);
  addDismount(snapshot, shell);
  withCommonFlags(snapshot.command("mounted-list"))
    .description("list the snapshots that are mounted, newest mount first")
    .option("--workload <workload>", "only those of this workload (name or id)")
    .addHelpText("after", examples("cairn snapshot mounted-list", "cairn snapshot mounted-list -f json"))
    .action(async (flags: { workload?: string }) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const query =
        flags.workload === undefined ? {} : { workload_id: await findWorkload(api, flags.workload) };
      const { mounted_snapshots: mounted } = await api.listMountedSnapshots({ query });
      await context.printList(mounted, LIST_COLUMNS);
    });
}

function addMount(snapshot: Command, shell: Shell): void {
  withCommonFlags(snapshot.command("mount"))
    .description("attach copies of a snapshot's disks to an instance, whose guest mounts their file systems")
    .argument("<snapshot>", "name or id")
    .argument("<instance>", "name or id of an instance of the project that runs")
    .option("--wait", "wait until it is mounted, and show how far it is")
    .addHelpText("after", examples("cairn snapshot mount nightly recovery --wait"))
    .action(async (wanted: string, instance: string, flags: { wait?: true }) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      const id = await findSnapshot(session.api, wanted);
      const mount = { mount_vm_id: await findInstance(session, instance), options: {} };
      await session.api.mountSnapshot({ params: { snapshot_id: id }, body: { mount } });
      const seen = flags.wait === true ? await whenMounted(shell, session, id) : await show(session, id);
      await printMount(context, seen);
      if (seen.status === "mounted" || seen.status === "mounting") return;
      throw new FailedRun(`The snapshot ${id} is ${seen.status}${because(seen)}`, EXIT.failed);
    });
}

function addDismount(snapshot: Command, shell: Shell): void {
  withCommonFlags(snapshot.command("dismount"))
    .description("take a mounted snapshot's copies from the instance and delete them")
    .argument("<snapshot>", "name or id")
    .option("--wait", "wait until they are gone")
    .addHelpText("after", examples("cairn snapshot dismount nightly --wait"))
    .action(async (wanted: string, flags: { wait?: true }) => {
      const context = contextOf(shell, { ...flags });
      const session = await context.session();
      const id = await findSnapshot(session.api, wanted);
      await session.api.dismountSnapshot({ params: { snapshot_id: id } });
      if (flags.wait !== true) return;
      const { snapshot: seen } = await watch(shell, {
        title: `snapshot ${id}`,
        again: `cairn snapshot show ${id}`,
        look: async () => lookOf(await show(session, id)),
        isOver: ({ snapshot: each }) => each.mount?.dismounting !== true,
      });
      if (seen.warning_msg !== null) shell.err.write(`Warning: ${seen.warning_msg}\n`);
      if (seen.mount === null) return;
      throw new FailedRun(`The snapshot ${id} is still ${seen.status}${because(seen)}`, EXIT.failed);
    });
}

async function whenMounted(shell: Shell, session: Session, id: string): Promise<SnapshotDetail> {
  const seen = await watch(shell, {
    title: `snapshot ${id}`,
    again: `cairn snapshot show ${id}`,
    look: async () => lookOf(await show(session, id)),
    isOver: ({ status }) => status !== "mounting",
  });
  return seen.snapshot;
}

async function show({ api }: Session, id: string): Promise<SnapshotDetail> {
  return (await api.showSnapshot({ params: { snapshot_id: id } })).snapshot;
}

function lookOf(snapshot: SnapshotDetail) {
  const { status, progress_percent: percent, progress } = snapshot;
  return { title: `snapshot ${snapshot.name}`, status, percent, progress, snapshot };
}

function because({ error_msg: why }: SnapshotDetail): string {
  return why === null ? "." : `: ${why}`;
}

/** The API takes ids alone, as the reference does. */
async function findInstance({ cloud }: Session, wanted: string): Promise<string> {
  if (isUuid(wanted)) return wanted;
  const servers = await cloud.nova.servers.list({ name: wanted });
  return only("instance", wanted, servers);
}

async function printMount(context: CommandContext, snapshot: SnapshotDetail): Promise<void> {
  const { mount, ...rest } = snapshot;
  const where = {
    instance_id: mount?.instance_id ?? null,
    instance_name: mount?.instance_name ?? null,
    mounturl: mount?.mounturl ?? null,
    mounted_at: mount?.mounted_at ?? null,
  };
  await context.printItem({ ...rest, ...where }, FIELDS);
  const isPlain = context.output.format === "table" && context.output.columns.length === 0;
  const paths = (mount?.file_systems ?? []).map(({ vm_name: instance, disk, file_system, path }) => {
    return { instance, disk, file_system, path };
  });
  if (isPlain && paths.length > 0) await context.printList(paths, PATH_COLUMNS);
}
