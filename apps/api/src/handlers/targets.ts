import type { BackupTarget } from "@cairn/contract";
import {
  changeTarget,
  chooseDefaultTarget,
  chooseMirror,
  createTarget,
  deleteTarget,
  findTarget,
  type Handle,
  listTargets,
  listTypesOf,
  mirrorStates,
  type TargetChanges,
  type TargetCreation,
  type TargetDeletion,
  type TargetRow,
  type TargetWish,
} from "@cairn/database";
import { readTargetRequest, secretIdOf } from "@cairn/domain";
import { Rejection, unreachable } from "@cairn/kernel";
import type { ApiRequest, Handlers } from "../server.ts";
import { noTarget, typeNameTaken } from "../target-refusals.ts";
import { type TargetFacts, targetView } from "../views/target-view.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

type TargetHandlers = Pick<
  Handlers,
  | "listBackupTargets"
  | "createBackupTarget"
  | "showBackupTarget"
  | "updateBackupTarget"
  | "deleteBackupTarget"
  | "setDefaultBackupTarget"
>;

/**
 * What is done with backup targets. The API reaches none of them and sees no secret: it writes what is
 * wanted, and an engine proves it.
 */
export function targetHandlers(world: World): TargetHandlers {
  const { handle } = world.database;
  return {
    listBackupTargets: async ({ query }) => {
      const rows = await listTargets(handle, pageOf(query));
      const facts = await factsOf(world, rows);
      return { backup_targets: rows.map((row) => targetView(row, facts)) };
    },
    createBackupTarget: async (request) => create(world, request),
    showBackupTarget: async ({ params }) => shown(world, await named(world, params.backup_target_id)),
    updateBackupTarget: async (request) => update(world, request),
    deleteBackupTarget: async ({ params }) => {
      const target = await named(world, params.backup_target_id);
      const deleted = await world.database.transaction(async (transaction) =>
        deleteTarget(transaction, target.id),
      );
      deletedOrThrow(deleted, target);
      return undefined;
    },
    setDefaultBackupTarget: async ({ params }) => {
      const target = await named(world, params.backup_target_id);
      await world.database.transaction(async (transaction) => {
        if (!(await chooseDefaultTarget(transaction, target.id))) throw unready(target);
      });
      return shown(world, await named(world, target.id));
    },
  };
}

async function named(world: World, id: string): Promise<TargetRow> {
  const target = await findTarget(world.database.handle, id);
  if (target === undefined) throw noTarget("backup_target_id", id);
  return target;
}

async function shown(world: World, target: TargetRow): Promise<{ backup_target: BackupTarget }> {
  return { backup_target: targetView(target, await factsOf(world, [target])) };
}

async function factsOf({ database: { handle } }: World, rows: readonly TargetRow[]): Promise<TargetFacts> {
  const mirrored = rows.filter(({ mirror_id: mirrorId }) => mirrorId !== null);
  const [types, mirrors] = await Promise.all([
    listTypesOf(
      handle,
      rows.map(({ id }) => id),
    ),
    mirrorStates(
      handle,
      mirrored.map(({ id }) => id),
    ),
  ]);
  return { types, mirrors };
}

async function create(world: World, { body, caller }: ApiRequest<"createBackupTarget">) {
  const asked = body.backup_target;
  const place = readTargetRequest(asked);
  const { secretId, moverSecretId } = place;
  const name = asked.btt_name ?? "";
  const created = await world.database.transaction(async (transaction) => {
    const done = await createTarget(transaction, {
      kind: place.kind,
      path: place.path,
      address: place.address,
      wish: {
        isDefault: asked.is_default ?? false,
        ...(secretId === undefined ? {} : { secretId }),
        ...(moverSecretId === undefined ? {} : { moverSecretId }),
      },
      filesystemExport: asked.type === "nfs" ? (asked.filesystem_export ?? null) : null,
      nfsMountOpts: asked.nfs_mount_opts ?? null,
      secretRef: asked.secret_ref ?? null,
      moverSecretRef: asked.mover_secret_ref ?? null,
      metadata: asked.metadata ?? {},
      type: {
        name: name === "" ? place.path : name,
        description: asked.description ?? "",
        isPublic: asked.is_public ?? true,
      },
      by: caller,
    });
    // Thrown inside, so that nothing of it stays.
    return createdOrThrow(done, name);
  });
  return shown(world, created);
}

function createdOrThrow(done: TargetCreation, name: string): TargetRow {
  switch (done.kind) {
    case "created":
      return done.target;
    case "name-taken":
      throw typeNameTaken("backup_target.btt_name", name);
    case "place-taken":
      throw new Rejection(`The backup target ${done.target.id} is at ${done.target.path} already.`, {
        status: 409,
        field:
          done.target.kind === "s3"
            ? "backup_target.s3_bucket"
            : "backup_target.filesystem_export_mount_path",
        value: done.target.path,
        remedy:
          "Give that one another type to name it twice, or take another place; a bucket may have prefixes.",
      });
    default:
      return unreachable(done);
  }
}

/** Where a target lies, and how: clients that send it would wait for a change in vain. */
const FIXED = [
  "type",
  "filesystem_export",
  "filesystem_export_mount_path",
  "s3_endpoint_url",
  "s3_bucket",
  "s3_region",
  "s3_prefix",
  "s3_force_path_style",
  "immutable",
  "lock_mode",
  "lock_days",
] as const;

async function update(world: World, { body, params }: ApiRequest<"updateBackupTarget">) {
  const asked = body.backup_target;
  const before = await named(world, params.backup_target_id);
  const fixed = FIXED.find((field) => field in asked);
  if (fixed !== undefined) {
    throw new Rejection(`The field ${fixed} of a backup target cannot be changed.`, {
      status: 400,
      field: `backup_target.${fixed}`,
      value: null,
      remedy: "Create another target there, or leave the field out.",
    });
  }
  const changes = changesOf(before, asked);
  if (asked.is_default === false && before.is_default) {
    throw new Rejection("One backup target is always the default.", {
      status: 409,
      field: "backup_target.is_default",
      value: false,
      remedy: "Make another one the default instead.",
    });
  }
  const changed = await world.database.transaction(async (transaction) => {
    const isChosen = asked.is_default === true && before.state === "ready";
    if (isChosen && !(await chooseDefaultTarget(transaction, before.id))) throw unready(before);
    if (asked.mirror_id !== undefined) await giveMirror(transaction, before, asked.mirror_id);
    return changeTarget(transaction, before.id, changes);
  });
  if (changed === undefined) throw noTarget("backup_target_id", before.id);
  return shown(world, changed);
}

/** Thrown inside the transaction, so that nothing of the change stays. */
async function giveMirror(transaction: Handle, target: TargetRow, mirrorId: string | null): Promise<void> {
  const choice = await chooseMirror(transaction, { id: target.id, mirrorId });
  const refuse = (message: string, remedy: string): never => {
    throw new Rejection(message, {
      status: 409,
      field: "backup_target.mirror_id",
      value: mirrorId,
      remedy,
    });
  };
  switch (choice.kind) {
    case "chosen":
      return;
    case "absent":
      throw noTarget("backup_target_id", target.id);
    case "itself":
      return refuse("A backup target cannot be its own mirror.", "Name another target, or null for none.");
    case "mirror-absent":
      throw noTarget("backup_target.mirror_id", mirrorId ?? "", 400);
    case "mirror-unproven":
      return refuse(
        `The backup target ${choice.mirror.id} was not proven: it cannot be a mirror.`,
        "Wait until it is online, or mend what its error says.",
      );
    default:
      return unreachable(choice);
  }
}

/** What opens it is proven anew when it changed, and what was not proven is tried again with any change. */
function changesOf(
  before: TargetRow,
  asked: ApiRequest<"updateBackupTarget">["body"]["backup_target"],
): TargetChanges {
  const { nfs_mount_opts: nfsMountOpts, metadata, secret_ref: secretRef, mover_secret_ref: moverRef } = asked;
  if (before.kind !== "s3" && (secretRef !== undefined || moverRef !== undefined)) {
    throw new Rejection("A directory needs no secret.", {
      status: 400,
      field: secretRef === undefined ? "backup_target.mover_secret_ref" : "backup_target.secret_ref",
      value: null,
      remedy: "Leave it out.",
    });
  }
  const keepDays = asked.mirror_keep_days;
  const secrets = {
    ...(secretRef === undefined ? {} : { secretRef }),
    ...(moverRef === undefined ? {} : { moverSecretRef: moverRef }),
  };
  const isToProve = Object.keys(secrets).length > 0 || before.state !== "ready";
  return {
    ...(nfsMountOpts === undefined ? {} : { nfsMountOpts }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(keepDays === undefined ? {} : { mirrorKeepDays: keepDays }),
    ...secrets,
    ...(isToProve ? { wish: wishOf(before, secrets, asked.is_default) } : {}),
  };
}

function wishOf(
  before: TargetRow,
  changed: { readonly secretRef?: string; readonly moverSecretRef?: string },
  isDefault: boolean | undefined,
): TargetWish {
  const wanted = { isDefault: isDefault ?? before.wish?.isDefault ?? before.is_default };
  if (before.kind === "directory") return wanted;
  const secretId = secretIdOf("secret_ref", changed.secretRef ?? before.secret_ref ?? undefined);
  const mover = changed.moverSecretRef ?? before.mover_secret_ref;
  if (mover === null) return { ...wanted, secretId };
  return { ...wanted, secretId, moverSecretId: secretIdOf("mover_secret_ref", mover) };
}

function unready(target: TargetRow): Rejection {
  return new Rejection(`The backup target ${target.id} was not proven: it cannot be the default.`, {
    status: 409,
    field: "status",
    value: target.state === "wanted" ? "creating" : "error",
    remedy: "Wait until it is online, or mend what its error says.",
  });
}

function deletedOrThrow(deleted: TargetDeletion, { id, path }: TargetRow): void {
  const refuse = (what: string, remedy: string): never => {
    throw new Rejection(`The backup target ${id} (${path}) ${what}.`, {
      status: 409,
      field: "backup_target_id",
      value: id,
      remedy,
    });
  };
  switch (deleted.kind) {
    case "deleted":
      return;
    case "absent":
      throw noTarget("backup_target_id", id);
    case "default":
      return refuse("is the default", "Make another one the default first.");
    case "configured":
      return refuse(
        "is that of the engine's configuration",
        "Name another one under [target] there, and start the engine.",
      );
    case "mirror":
      return refuse(
        `is the mirror of ${deleted.of.id} (${deleted.of.path})`,
        "Give that one another mirror, or null for none.",
      );
    case "in-use": {
      const counts = [
        counted(deleted.workloads, "workload"),
        counted(deleted.snapshots, "snapshot"),
        counted(deleted.runs, "running operation"),
      ];
      return refuse(
        `is in use: ${counts.filter((each) => each !== "").join(", ")}`,
        "Delete its snapshots and workloads first; with database_only they stay on the target.",
      );
    }
    default:
      return unreachable(deleted);
  }
}

function counted(count: number, what: string): string {
  return count === 0 ? "" : `${String(count)} ${what}${count === 1 ? "" : "s"}`;
}
