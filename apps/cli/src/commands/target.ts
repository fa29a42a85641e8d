import type { ApiClient, BackupTarget, CreateBackupTarget, UpdateBackupTarget } from "@cairn/contract";
import { formatBytes } from "@cairn/kernel";
import { Command, Option } from "commander";
import { findTarget, listTargets } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, pairOf, wholeNumber, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["id", "name", "type", "endpoint", "status", "is_default", "capacity", "used"];
const FIELDS = [
  ...COLUMNS,
  "status_since",
  "seen_at",
  "mirror",
  "mirror_keep_days",
  "mirrored_at",
  "mirror_problem",
  "problem",
  "remedy",
  "warnings",
  "nfs_mount_opts",
  "s3_region",
  "secret_ref",
  "mover_secret_ref",
  "immutable",
  "metadata",
  "created_at",
  "updated_at",
];

/** `cairn target …`: where backups go. For administrators. */
export function targetCommand(shell: Shell): Command {
  const target = new Command("target").description("where backups go; for administrators");
  addReading(target, shell);
  addCreation(target, shell);
  addChanging(target, shell);
  return target;
}

function addReading(target: Command, shell: Shell): void {
  withCommonFlags(target.command("list"))
    .description("list the backup targets: whether they are online, and how full they are")
    .addHelpText("after", examples("cairn target list", "cairn target list -f value -c id -c status"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      await context.printList((await listTargets(api)).map(itemOf), COLUMNS);
    });
  withCommonFlags(target.command("show"))
    .description("show a backup target, and what is wrong with it")
    .argument("<target>", "id, or the name of one of its types")
    .addHelpText("after", examples("cairn target show archive", "cairn target show 4f9c… -f json"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { backup_target_id: await findTarget(api, wanted) };
      const { backup_target: shown } = await api.showBackupTarget({ params });
      await context.printItem(itemOf(shown), FIELDS);
    });
}

interface CreationFlags {
  readonly type: "nfs" | "s3" | "directory";
  readonly path?: string;
  readonly export?: string;
  readonly mountOpts?: string;
  readonly s3Endpoint?: string;
  readonly s3Bucket?: string;
  readonly s3Region?: string;
  readonly s3Prefix?: string;
  readonly secretRef?: string;
  readonly moverSecretRef?: string;
  readonly immutable?: true;
  readonly lockMode?: "governance" | "compliance";
  readonly lockDays?: number;
  readonly description?: string;
  readonly private?: true;
  readonly default?: true;
  readonly metadata: readonly string[];
}

function addCreation(target: Command, shell: Shell): void {
  withCommonFlags(target.command("create"))
    .description("ask for a backup target; an engine proves it, and `show` tells what it found")
    .argument("<name>", "name of its first type, by which workloads choose it")
    .addOption(
      new Option("--type <type>", "what it is").choices(["nfs", "s3", "directory"]).makeOptionMandatory(),
    )
    .option(
      "--path <path>",
      "the directory, or where the export is mounted, on every engine and compute node",
    )
    .option("--export <host:/path>", "the NFS export that is mounted there")
    .option("--mount-opts <options>", "how you mount it; noted, nothing is mounted for you")
    .option("--s3-endpoint <url>", "https://host[:port] of the service")
    .option("--s3-bucket <name>", "the bucket, which must be there")
    .option("--s3-region <region>", "us-east-1 unless the service has regions")
    .option("--s3-prefix <prefix>", "what all names in the bucket begin with")
    .option("--secret-ref <ref>", "Barbican's reference of the secret with the keys")
    .option("--mover-secret-ref <ref>", "that of the keys for datamovers, which should not remove")
    .option("--immutable", "lock every object for some days after it was stored")
    .addOption(new Option("--lock-mode <mode>", "who may lift a lock").choices(["governance", "compliance"]))
    .option("--lock-days <n>", "for how long", wholeNumber("--lock-days", 1, 3_650))
    .option("--description <text>", "what it is for")
    .option("--private", "only for projects that it is given to: cairn target-type add-projects")
    .option("--default", "for workloads that choose none, as soon as it is proven")
    .option("--metadata <key=value>", "may be repeated", collected, [])
    .addHelpText(
      "after",
      examples(
        "cairn target create archive --type nfs --export files:/backup --path /srv/archive",
        "cairn target create bucket --type s3 --s3-endpoint https://rgw --s3-bucket cairn --secret-ref 4f9c…",
      ),
    )
    .action(async (name: string, flags: CreationFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { backup_target: made } = await api.createBackupTarget({
        body: { backup_target: wantedBy(name, flags) },
      });
      await context.printItem(itemOf(made), FIELDS);
    });
}

function wantedBy(name: string, flags: CreationFlags): CreateBackupTarget["backup_target"] {
  const wanted = {
    filesystem_export: flags.export,
    filesystem_export_mount_path: flags.path,
    nfs_mount_opts: flags.mountOpts,
    s3_endpoint_url: flags.s3Endpoint,
    s3_bucket: flags.s3Bucket,
    s3_region: flags.s3Region,
    s3_prefix: flags.s3Prefix,
    secret_ref: flags.secretRef,
    mover_secret_ref: flags.moverSecretRef,
    immutable: flags.immutable,
    lock_mode: flags.lockMode,
    lock_days: flags.lockDays,
    description: flags.description,
    is_public: flags.private === true ? false : undefined,
    is_default: flags.default,
  };
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  return { type: flags.type, btt_name: name, ...given, metadata: metadataOf(flags.metadata) };
}

function metadataOf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map((pair) => pairOf("--metadata", pair)));
}

interface UpdateFlags {
  readonly mountOpts?: string;
  readonly secretRef?: string;
  readonly moverSecretRef?: string;
  /** False: `--no-mirror`. */
  readonly mirror?: string | false;
  readonly mirrorKeepDays?: number;
  readonly metadata: readonly string[];
}

function addChanging(target: Command, shell: Shell): void {
  withCommonFlags(target.command("update"))
    .description("change what opens a target, or what is said of it; one with an error is proven again")
    .argument("<target>", "id, or the name of one of its types")
    .option("--mount-opts <options>", "how you mount it")
    .option("--secret-ref <ref>", "reference of the secret with the keys")
    .option("--mover-secret-ref <ref>", "that of the keys for datamovers")
    .option("--mirror <target>", "keep a second copy of everything on this target")
    .option("--no-mirror", "keep none; what lies on the former mirror stays there")
    .option(
      "--mirror-keep-days <n>",
      "how long the mirror keeps what was deleted (30)",
      wholeNumber("--mirror-keep-days", 0, 3_650),
    )
    .option("--metadata <key=value>", "replaces all; may be repeated", collected, [])
    .addHelpText(
      "after",
      examples(
        "cairn target update bucket --secret-ref 4f9c…",
        "cairn target update archive --mirror offsite --mirror-keep-days 14",
      ),
    )
    .action(async (wanted: string, flags: UpdateFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { backup_target_id: await findTarget(api, wanted) };
      const { backup_target: changed } = await api.updateBackupTarget({
        params,
        body: { backup_target: { ...changesBy(flags), ...(await mirrorBy(api, flags)) } },
      });
      await context.printItem(itemOf(changed), FIELDS);
    });
  withCommonFlags(target.command("delete"))
    .description("forget a target that no workload and no snapshot uses; what lies on it stays")
    .argument("<target>", "id, or the name of one of its types")
    .addHelpText("after", examples("cairn target delete archive"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deleteBackupTarget({ params: { backup_target_id: await findTarget(api, wanted) } });
    });
  withCommonFlags(target.command("set-default"))
    .description("give new workloads that choose none this target; others stay where they are")
    .argument("<target>", "id, or the name of one of its types")
    .addHelpText("after", examples("cairn target set-default archive"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { backup_target_id: await findTarget(api, wanted) };
      const { backup_target: chosen } = await api.setDefaultBackupTarget({ params });
      await context.printItem(itemOf(chosen), FIELDS);
    });
}

function changesBy(flags: UpdateFlags): UpdateBackupTarget["backup_target"] {
  return {
    ...(flags.mountOpts === undefined ? {} : { nfs_mount_opts: flags.mountOpts }),
    ...(flags.secretRef === undefined ? {} : { secret_ref: flags.secretRef }),
    ...(flags.moverSecretRef === undefined ? {} : { mover_secret_ref: flags.moverSecretRef }),
    ...(flags.mirrorKeepDays === undefined ? {} : { mirror_keep_days: flags.mirrorKeepDays }),
    ...(flags.metadata.length === 0 ? {} : { metadata: metadataOf(flags.metadata) }),
  };
}

async function mirrorBy(api: ApiClient, { mirror }: UpdateFlags): Promise<{ mirror_id?: string | null }> {
  if (mirror === undefined) return {};
  return { mirror_id: mirror === false ? null : await findTarget(api, mirror) };
}

function itemOf(target: BackupTarget) {
  const { error, mirror } = target;
  return {
    ...target,
    name: target.btt_name,
    endpoint:
      target.s3_bucket === null
        ? (target.filesystem_export ?? target.filesystem_export_mount_path)
        : `${target.s3_endpoint_url ?? ""}/${target.s3_bucket}/${target.s3_prefix ?? ""}`,
    is_default: target.is_default === 1,
    immutable: target.immutable === 1,
    capacity: target.capacity === null ? null : formatBytes(target.capacity),
    used: target.used === null ? null : formatBytes(target.used),
    mirror: mirror?.backup_target_id ?? null,
    mirror_keep_days: mirror?.keep_days ?? null,
    mirrored_at: mirror?.mirrored_at ?? null,
    mirror_problem: mirrorProblem(mirror),
    problem: error?.message ?? null,
    remedy: error?.remedy ?? null,
  };
}

function mirrorProblem(mirror: BackupTarget["mirror"]): string | null {
  if (mirror === null) return null;
  if (mirror.error !== null) return mirror.error;
  return mirror.held_back === 0 ? null : `${String(mirror.held_back)} snapshots cannot be copied yet`;
}
