import { type GivenSetting, HIDDEN_VALUE, type Setting, wireTime } from "@cairn/contract";
import {
  countNamedSettings,
  findNamedSetting,
  type Handle,
  listNamedSettings,
  lockNamedSettings,
  type NamedSettingRow,
  removeNamedSetting,
  type SettingKey,
  type StoredValue,
  saveNamedSetting,
} from "@cairn/database";
import { isSmtpSetting, SMTP_PASSWORD, smtpProblem } from "@cairn/domain";
import { Rejection, Secret } from "@cairn/kernel";
import { assertAdmin, type Caller } from "../policy.ts";
import { notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

type SettingHandlers = Pick<
  Handlers,
  "createSettings" | "updateSettings" | "listSettings" | "showSetting" | "deleteSetting"
>;

const OF_PROJECT_MAX = 200;
const ONLY_ADMINS = "Public settings count for all projects: ask an administrator, or set the project's own.";

/** What is done with settings by name. */
export function settingHandlers(world: World): SettingHandlers {
  return {
    createSettings: async (request) => save(world, request, "may-be-new"),
    updateSettings: async (request) => save(world, request, "must-be-there"),
    listSettings: async ({ caller, query }) => {
      const rows = await listNamedSettings(
        world.database.handle,
        {
          projectId: caller.projectId,
          withHidden: query.get_hidden === true,
          ...(query.get_smtp_settings === true ? { prefix: "smtp_" } : {}),
        },
        pageOf(query),
      );
      return { settings: rows.filter((row) => isVisible(row, caller)).map(settingView) };
    },
    showSetting: async ({ caller, params, query }) => {
      const row = await find(world, caller, { name: params.setting_name, isPublic: query.is_public });
      const isShown = !row.is_hidden || query.get_hidden === true;
      if (!isShown || !isVisible(row, caller)) throw notFound("setting", params.setting_name);
      return { setting: settingView(row) };
    },
    deleteSetting: async ({ caller, params, query }) => {
      const row = await find(world, caller, { name: params.setting_name, isPublic: query.is_public });
      if (row.is_public) {
        if (!isVisible(row, caller)) throw notFound("setting", params.setting_name);
        assertAdmin(caller, "workload:setting_delete", ONLY_ADMINS);
      }
      await removeNamedSetting(world.database.handle, row.id);
      return undefined;
    },
  };
}

/** What operators hide of the public ones is theirs to see. */
function isVisible(row: NamedSettingRow, caller: Caller): boolean {
  return caller.isAdmin || !(row.is_public && row.is_hidden);
}

async function find(
  world: World,
  { projectId }: Caller,
  { name, isPublic }: { readonly name: string; readonly isPublic: boolean | undefined },
): Promise<NamedSettingRow> {
  const { handle } = world.database;
  const own =
    isPublic === true ? undefined : await findNamedSetting(handle, { projectId, name, isPublic: false });
  if (own !== undefined) return own;
  const shared =
    isPublic === false ? undefined : await findNamedSetting(handle, { projectId, name, isPublic: true });
  if (shared === undefined) throw notFound("setting", name);
  return shared;
}

/** All of them or none: everything is judged before anything is written. */
async function save(
  world: World,
  { body, caller }: ApiRequest<"createSettings">,
  mode: "may-be-new" | "must-be-there",
): Promise<{ settings: Setting[] }> {
  for (const [index, given] of body.settings.entries()) assertGood(given, index);
  if (body.settings.some((given) => given.is_public === true)) {
    const action = mode === "may-be-new" ? "workload:setting_create" : "workload:setting_update";
    assertAdmin(caller, action, ONLY_ADMINS);
  }
  const rows = await world.database.transaction(async (transaction) => {
    // One order for everybody, so that two requests never wait for each other.
    const scopes = new Set(body.settings.map((given) => scopeOf(given, caller)));
    for (const scope of [...scopes].toSorted()) await lockNamedSettings(transaction, scope);
    const saved: NamedSettingRow[] = [];
    for (const [index, given] of body.settings.entries()) {
      saved.push(await saveOne(transaction, { world, given, index, caller, mode }));
    }
    await assertFew(transaction, caller);
    return saved;
  });
  return { settings: rows.map(settingView) };
}

function scopeOf(given: GivenSetting, caller: Caller): string {
  return given.is_public === true ? "public" : `project ${caller.projectId}`;
}

interface Saving {
  readonly world: World;
  readonly given: GivenSetting;
  readonly index: number;
  readonly caller: Caller;
  readonly mode: "may-be-new" | "must-be-there";
}

async function saveOne(transaction: Handle, saving: Saving): Promise<NamedSettingRow> {
  const { world, given, index, caller, mode } = saving;
  const { name } = given;
  const key: SettingKey = { projectId: caller.projectId, name, isPublic: given.is_public ?? false };
  const before = await findNamedSetting(transaction, key);
  if (before === undefined && mode === "must-be-there") {
    throw new Rejection(`Setting ${name} could not be found.`, {
      status: 404,
      field: `settings[${String(index)}].name`,
      value: name,
      remedy: "POST /settings makes it.",
    });
  }
  return saveNamedSetting(
    transaction,
    { ...key, userId: caller.userId },
    {
      stored: storedOf(world, given, before),
      isHidden: given.is_hidden,
      category: given.category,
      type: given.type,
      description: given.description,
      metadata: given.metadata,
    },
  );
}

/** A value that was shown hidden and comes back so is the one that is there. */
function storedOf(world: World, given: GivenSetting, before: NamedSettingRow | undefined): StoredValue {
  const isSealed = before !== undefined && before.sealed !== null;
  const isSecret = given.name === SMTP_PASSWORD || (given.type ?? before?.type) === "secret" || isSealed;
  if (!isSecret) return { kind: "plain", value: given.value };
  if (given.value === HIDDEN_VALUE && isSealed) return { kind: "unchanged" };
  return { kind: "sealed", seal: (id) => world.seal.close(new Secret(given.value), id) };
}

function assertGood({ name, value }: GivenSetting, index: number): void {
  if (!isSmtpSetting(name)) return;
  const problem = smtpProblem(name, value);
  if (problem === undefined) return;
  const field = `settings[${String(index)}].value`;
  throw new Rejection(`Invalid value of setting ${name}: it ${problem}.`, {
    status: 400,
    field,
    value: name === SMTP_PASSWORD ? HIDDEN_VALUE : value,
    remedy: `Give ${name} a value that ${problem.replace(/^must be/, "is")}.`,
  });
}

async function assertFew(transaction: Handle, { projectId }: Caller): Promise<void> {
  const count = await countNamedSettings(transaction, projectId);
  if (count <= OF_PROJECT_MAX) return;
  throw new Rejection(`A project has at most ${String(OF_PROJECT_MAX)} settings.`, {
    status: 409,
    field: "settings",
    value: count,
    remedy: "Delete some first.",
  });
}

function settingView(row: NamedSettingRow): Setting {
  return {
    id: row.id,
    name: row.name,
    value: row.value ?? HIDDEN_VALUE,
    category: row.category,
    type: row.type,
    description: row.description,
    is_public: row.is_public,
    public: row.is_public,
    is_hidden: row.is_hidden,
    hidden: row.is_hidden,
    metadata: Object.entries(row.metadata).map(([key, value]) => ({ key, value: String(value) })),
    status: "available",
    project_id: row.project_id,
    user_id: row.user_id,
    version: "1",
    created_at: wireTime(row.created_at.getTime()),
    updated_at: wireTime(row.updated_at.getTime()),
    deleted_at: null,
    deleted: false,
  };
}
