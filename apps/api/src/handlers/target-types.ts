import type { BackupTargetType } from "@cairn/contract";
import {
  assignTargetType,
  changeTargetType,
  deleteTargetType,
  findTarget,
  findTargetType,
  insertTargetType,
  listReadyTargets,
  listTargetTypes,
  listTypeProjects,
  listTypesOf,
  type TargetRow,
  type TargetTypeRow,
} from "@cairn/database";
import { isTypeVisible } from "@cairn/domain";
import { assert, Rejection } from "@cairn/kernel";
import type { Caller } from "../policy.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { noTarget, noTargetType, typeNameTaken } from "../target-refusals.ts";
import { targetTypeView } from "../views/target-view.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

type TypeHandlers = Pick<
  Handlers,
  | "listBackupTargetTypes"
  | "createBackupTargetType"
  | "showBackupTargetType"
  | "updateBackupTargetType"
  | "addBackupTargetTypeProjects"
  | "removeBackupTargetTypeProjects"
  | "deleteBackupTargetType"
>;

/** What is done with the names by which workloads choose backup targets. */
export function targetTypeHandlers(world: World): TypeHandlers {
  return {
    listBackupTargetTypes: async ({ query, caller }) => {
      const filter = caller.isAdmin ? {} : { projectId: caller.projectId };
      const rows = await listTargetTypes(world.database.handle, filter, pageOf(query));
      return { backup_target_types: await views(world, rows, caller) };
    },
    createBackupTargetType: async (request) => create(world, request),
    showBackupTargetType: async ({ params, caller }) =>
      shown(world, await named(world, params.backup_target_type_id, caller), caller),
    updateBackupTargetType: async (request) => update(world, request),
    addBackupTargetTypeProjects: async ({ params, body, caller }) =>
      assign(world, { id: params.backup_target_type_id, caller, add: body.add_projects }),
    removeBackupTargetTypeProjects: async ({ params, body, caller }) =>
      assign(world, { id: params.backup_target_type_id, caller, remove: body.remove_projects }),
    deleteBackupTargetType: async (request) => deletion(world, request),
  };
}

/** The type, if the caller may see it. */
async function named(world: World, id: string, caller: Caller): Promise<TargetTypeRow> {
  const { handle } = world.database;
  const row = await findTargetType(handle, id);
  if (row === undefined) throw noTargetType(id);
  if (caller.isAdmin) return row;
  const projects = await listTypeProjects(handle, [row.id]);
  const offered = { isPublic: row.is_public, projectIds: projects.map((each) => each.project_id) };
  if (!isTypeVisible(offered, caller.projectId)) throw noTargetType(id);
  return row;
}

async function views(
  world: World,
  rows: readonly TargetTypeRow[],
  caller: Caller,
): Promise<BackupTargetType[]> {
  const { handle } = world.database;
  const projects = await listTypeProjects(
    handle,
    rows.map(({ id }) => id),
  );
  const targets = new Map<string, TargetRow>();
  for (const id of new Set(rows.map((row) => row.target_id))) {
    const target = await findTarget(handle, id);
    if (target !== undefined) targets.set(id, target);
  }
  const [standard] = (await listReadyTargets(handle)).filter((target) => target.is_default);
  const [first] = standard === undefined ? [] : await listTypesOf(handle, [standard.id]);
  return rows.flatMap((row) => {
    const target = targets.get(row.target_id);
    // Deleted in between, with its types.
    if (target === undefined) return [];
    return [
      targetTypeView(row, {
        target,
        isDefault: row.id === first?.id,
        projects: projects.filter((each) => each.type_id === row.id),
        ...(caller.isAdmin ? {} : { viewer: caller.projectId }),
      }),
    ];
  });
}

async function shown(world: World, row: TargetTypeRow, caller: Caller) {
  const [view] = await views(world, [row], caller);
  assert(view !== undefined, "a type has a target");
  return { backup_target_type: view };
}

async function create(world: World, { body, caller }: ApiRequest<"createBackupTargetType">) {
  const asked = body.backup_target_type;
  const { handle } = world.database;
  const target = await findTarget(handle, asked.backup_targets_id);
  if (target === undefined) {
    throw noTarget("backup_target_type.backup_targets_id", asked.backup_targets_id, 400);
  }
  const row = await insertTargetType(handle, {
    name: asked.name,
    description: asked.description ?? "",
    targetId: target.id,
    isPublic: asked.is_public ?? true,
    metadata: asked.backup_target_type_metadata ?? {},
    by: caller,
  });
  if (row === undefined) throw typeNameTaken("backup_target_type.name", asked.name);
  return shown(world, row, caller);
}

async function update(world: World, { body, params, caller }: ApiRequest<"updateBackupTargetType">) {
  const asked = body.backup_target_type;
  const before = await named(world, params.backup_target_type_id, caller);
  const { name, description, is_public: isPublic, backup_target_type_metadata: metadata } = asked;
  const changed = await world.database.transaction(async (transaction) =>
    changeTargetType(transaction, before.id, {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(isPublic === undefined ? {} : { isPublic }),
      ...(metadata === undefined ? {} : { metadata }),
    }),
  );
  if (changed.kind === "absent") throw noTargetType(before.id);
  if (changed.kind === "name-taken") throw typeNameTaken("backup_target_type.name", name ?? "");
  return shown(world, changed.type, caller);
}

interface Assignment {
  readonly id: string;
  readonly caller: Caller;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

async function assign(world: World, { id, caller, ...change }: Assignment) {
  const row = await named(world, id, caller);
  await world.database.transaction(async (transaction) => assignTargetType(transaction, row.id, change));
  return shown(world, row, caller);
}

async function deletion(
  world: World,
  { params, caller }: ApiRequest<"deleteBackupTargetType">,
): Promise<undefined> {
  const row = await named(world, params.backup_target_type_id, caller);
  const count = await world.database.transaction(async (transaction) =>
    deleteTargetType(transaction, row.id),
  );
  if (count === undefined) throw noTargetType(row.id);
  if (count === 0) return undefined;
  const many = count === 1 ? "1 workload" : `${String(count)} workloads`;
  throw new Rejection(`The backup target type ${row.name} was chosen by ${many}.`, {
    status: 409,
    field: "backup_target_type_id",
    value: row.id,
    remedy: "Make it not public and take it from its projects, so that nobody else chooses it.",
  });
}
