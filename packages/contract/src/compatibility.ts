import type { TSchema } from "typebox";
import { type RouteId, routeOf } from "./routes.ts";
import { dayTime } from "./wire-days.ts";

/**
 * The one place that knows how existing clients deviate from the contract: other names, booleans and numbers
 * as text, absent parts. It turns their requests into the contract's form; validation comes after and is
 * strict. Nothing here refuses: what it does not understand it leaves for validation to name.
 */

type Json = Record<string, unknown>;

/** Query parameters by their old names. */
const QUERY_NAMES: Readonly<Partial<Record<RouteId, Readonly<Record<string, string>>>>> = {
  listWorkloads: { all_tenants: "all_workloads", all: "all_workloads" },
  listAudit: { project_id: "project" },
  showTenantsChargeback: { project_id: "project", tenant_id: "project" },
  listWorkloadsDetail: { all_tenants: "all_workloads", all: "all_workloads" },
};

/** Keys of bodies by their old names. */
const WORKLOAD_NAMES = {
  display_name: "name",
  display_description: "description",
  "policy-id": "policy_id",
  backup_target_type: "backup_target_types",
};
const POLICY_NAMES = { name: "display_name", description: "display_description" };
const SNAPSHOT_NAMES = { display_name: "name", display_description: "description" };
const MEMBER_NAMES = { instance_id: "instance-id", id: "instance-id", "instance-uuid": "instance-id" };
const MOUNT_NAMES = { vm_id: "mount_vm_id", instance_id: "mount_vm_id" };
const SCHEDULE_NAMES = {
  full_backup_interval: "fullbackup_interval",
  snapshots_to_retain: "retention_policy_value",
};

const TARGET_NAMES = { path: "filesystem_export_mount_path", name: "btt_name", default: "is_default" };
const TARGET_TYPE_NAMES = {
  backup_target_id: "backup_targets_id",
  metadata: "backup_target_type_metadata",
  public: "is_public",
};

const TRUE_WORDS = new Set(["true", "1", "yes", "on", "t", "y"]);
const FALSE_WORDS = new Set(["false", "0", "no", "off", "f", "n", "", "none"]);

/** The query of a request in the contract's form. */
export function normaliseQuery(id: RouteId, query: unknown): unknown {
  if (!isJson(query)) return query;
  const named = renamed(query, QUERY_NAMES[id] ?? {});
  // A parameter that is given twice counts once: the last, as OpenStack's services have it.
  const single = mapValues(named, (value) => (Array.isArray(value) ? value.at(-1) : value));
  const given = Object.fromEntries(
    Object.entries(single).filter(([name, value]) => value !== "" || isBoolean(routeOf(id).query, name)),
  );
  return coerced(routeOf(id).query, queryForms[id]?.(given) ?? given);
}

const queryForms: Readonly<Partial<Record<RouteId, (query: Json) => Json>>> = {
  listAudit: daysForm,
};

/** Days as `MM-DD-YYYY` become times: their first moment, or for an end the first one after them. */
function daysForm(query: Json): Json {
  const { time_from: from, time_to: to } = query;
  return { ...query, ...present({ time_from: dayTime(from, 0), time_to: dayTime(to, 1) }) };
}

/** The body of a request in the contract's form. */
export function normaliseBody(id: RouteId, body: unknown): unknown {
  const schema = routeOf(id).body;
  if (schema === undefined) return undefined;
  return coerced(schema, bodyForms[id]?.(body) ?? body);
}

const bodyForms: Readonly<Partial<Record<RouteId, (body: unknown) => unknown>>> = {
  createWorkload: (body) => inside(body, "workload", workloadForm),
  modifyWorkload: (body) => inside(body, "workload", workloadForm),
  takeSnapshot: (body) => inside(body ?? { snapshot: {} }, "snapshot", snapshotForm),
  createRestore: (body) => inside(body, "restore", restoreForm),
  checkRestore: (body) => inside(body, "restore", restoreForm),
  mountSnapshot: (body) => inside(body, "mount", (mount) => present(renamed(mount, MOUNT_NAMES))),
  searchFiles: (body) => inside(body, "file_search", fileSearchForm),
  importWorkloads: importForm,
  reassignWorkloads: reassignForm,
  updateService: (body) => (isJson(body) ? { ...body, status: statusForm(body["status"]) } : body),
  createSettings: settingsForm,
  updateSettings: settingsForm,
  planRestore: (body) => inside(body ?? { plan: {} }, "plan", present),
  previewRetention: previewForm,
  previewSchedule: previewForm,
  createBackupTarget: (body) => inside(body, "backup_target", targetForm),
  updateBackupTarget: (body) => inside(body, "backup_target", targetForm),
  createBackupTargetType: (body) => inside(body, "backup_target_type", typeForm),
  updateBackupTargetType: (body) => inside(body, "backup_target_type", typeForm),
  createPolicy: (body) => inside(enveloped(body, "workload_policy", "policy"), "workload_policy", policyForm),
  updatePolicy: (body) => inside(enveloped(body, "policy", "workload_policy"), "policy", policyForm),
  assignPolicy: (body) => inside(enveloped(body, "policy", "workload_policy"), "policy", present),
  createQuotas: (body) => (isJson(body) ? mapValues(body, asList) : body),
  updateQuota: (body) => (isJson(body) ? mapValues(body, asOne) : body),
};

const SETTING_NAMES = { hidden: "is_hidden", public: "is_public" };

/** Settings come as a list, as one, or as values by name; a value may be a number or a boolean. */
function settingsForm(body: unknown): unknown {
  if (!isJson(body)) return body;
  const given = body["settings"] ?? body["setting"];
  if (Array.isArray(given)) return { settings: given.map(settingForm) };
  if (!isJson(given)) return body;
  const isOne = typeof given["name"] === "string" && "value" in given;
  const list = isOne ? [given] : Object.entries(given).map(([name, value]) => ({ name, value }));
  return { settings: list.map(settingForm) };
}

function settingForm(setting: unknown): unknown {
  if (!isJson(setting)) return setting;
  const { metadata, ...rest } = renamed(setting, SETTING_NAMES);
  const values = Array.isArray(metadata) && metadata.length === 0 ? {} : metadata;
  return present({
    ...rest,
    value: asText(rest["value"]),
    metadata: isJson(values) ? mapValues(values, asText) : values,
  });
}

function asText(value: unknown): unknown {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

/** Existing clients send every field that they have a flag for, empty where it was not given. */
function targetForm(target: Json): Json {
  const given = withoutBlanks(renamed(target, TARGET_NAMES));
  // Existing clients know no mirrors: there, nothing means that there shall be none.
  const named = target["mirror_id"] === null ? { ...given, mirror_id: null } : given;
  return "type" in named ? { ...named, type: lowerCase(named["type"]) } : named;
}

function typeForm(type: Json): Json {
  return withoutBlanks(renamed(type, TARGET_TYPE_NAMES));
}

function lowerCase(value: unknown): unknown {
  return typeof value === "string" ? value.toLowerCase() : value;
}

/** A body under the other of two envelopes, which clients mistake for one another. */
function enveloped(body: unknown, name: string, other: string): unknown {
  return isJson(body) && body[name] === undefined ? { [name]: body[other] } : body;
}

function asList(value: unknown): unknown {
  return isJson(value) ? [present(value)] : eachOf(value, (item) => (isJson(item) ? present(item) : item));
}

function asOne(value: unknown): unknown {
  const [only, ...more] = Array.isArray(value) ? (value as unknown[]) : [value];
  return more.length === 0 && isJson(only) ? present(only) : value;
}

/** `true` and `"True"` are 1: the service is out. */
function statusForm(status: unknown): unknown {
  const word = asBoolean(status);
  return typeof word === "boolean" ? Number(word) : status;
}

function policyForm(policy: Json): Json {
  const { field_values: values } = policy;
  return present({
    ...renamed(policy, POLICY_NAMES),
    field_values: isJson(values) ? scheduleForm(values) : fieldRows(values),
  });
}

/** The rows in which a policy is shown, from clients that send back what they got. */
function fieldRows(rows: unknown): unknown {
  if (!Array.isArray(rows) || !rows.every(isJson)) return rows;
  return Object.fromEntries(rows.map((row) => [String(row["policy_field_name"]), row["value"]]));
}

/** The command line of existing clients writes the policy into the metadata, where replies show it, too. */
function workloadForm(workload: Json): Json {
  const { policy_id: shown, ...metadata } = isJson(workload["metadata"]) ? workload["metadata"] : {};
  const named = renamed(workload, WORKLOAD_NAMES);
  return present({
    ...named,
    policy_id: named["policy_id"] ?? shown,
    metadata: isJson(workload["metadata"]) ? metadata : workload["metadata"],
    instances: eachOf(workload["instances"], memberForm),
    jobschedule: isJson(workload["jobschedule"]) ? scheduleForm(workload["jobschedule"]) : undefined,
  });
}

function previewForm(body: unknown): unknown {
  const form = ({ jobschedule: given, ...rest }: Json): Json =>
    present({ ...rest, jobschedule: isJson(given) ? scheduleForm(given) : given });
  return inside(body ?? { preview: {} }, "preview", form);
}

function memberForm(member: unknown): unknown {
  return isJson(member) ? renamed(member, MEMBER_NAMES) : { "instance-id": member };
}

/**
 * Schedules are kept as given, but `enabled` is a boolean and every classic value a string: clients compare
 * strings.
 */
function scheduleForm(schedule: Json): Json {
  const named = renamed(schedule, SCHEDULE_NAMES);
  const values = mapValues(named, (value) => (typeof value === "number" ? String(value) : value));
  return "enabled" in values ? { ...values, enabled: asBoolean(values["enabled"]) } : values;
}

/** The body's `full` counts only as a JSON boolean: a reference client sends "True" with every snapshot. */
function snapshotForm(snapshot: Json): Json {
  const { full, ...rest } = renamed(snapshot, SNAPSHOT_NAMES);
  return present(full === true ? { ...rest, full } : rest);
}

function restoreForm({ options, ...rest }: Json): Json {
  return present({ ...rest, options: isJson(options) ? optionsForm(options) : options });
}

function optionsForm(options: Json): Json {
  const openstack = isJson(options["openstack"]) ? options["openstack"] : {};
  const mapping = isJson(openstack["networks_mapping"]) ? openstack["networks_mapping"] : {};
  const oneclick = options["restore_type"] === "oneclick" || asBoolean(options["oneclickrestore"]) === true;
  return present({
    name: options["name"],
    description: options["description"],
    type: options["type"] ?? "openstack",
    restore_type: options["restore_type"] ?? (oneclick ? "oneclick" : undefined),
    oneclickrestore: oneclick,
    safety_snapshot: options["safety_snapshot"],
    openstack: {
      instances: eachOf(openstack["instances"] ?? [], instanceForm),
      restore_topology: openstack["restore_topology"] ?? false,
      ...present({ restore_security_groups: openstack["restore_security_groups"] }),
      networks_mapping: { networks: eachOf(mapping["networks"] ?? [], networkForm) },
    },
  });
}

function instanceForm(instance: unknown): unknown {
  if (!isJson(instance)) return instance;
  return present({
    ...instance,
    availability_zone: textOr(instance["availability_zone"]),
    flavor: isJson(instance["flavor"]) ? withoutBlanks(instance["flavor"]) : undefined,
    nics: eachOf(instance["nics"], nicForm),
    vdisks: eachOf(instance["vdisks"], (disk) => (isJson(disk) ? withoutBlanks(disk) : disk)),
    server_group: textOr(instance["server_group"]),
  });
}

function nicForm(nic: unknown): unknown {
  if (!isJson(nic)) return nic;
  const address = nic["ip_address"];
  return present({
    ...nic,
    // An empty list is an old way to say "the next free address".
    ip_address: Array.isArray(address) ? (address[0] ?? "") : address,
    network: isJson(nic["network"]) ? placeForm(nic["network"]) : nic["network"],
  });
}

function networkForm(pair: unknown): unknown {
  if (!isJson(pair)) return pair;
  return mapValues(pair, (place) => (isJson(place) ? placeForm(place) : place));
}

/** A network with its subnet: an object, a bare id, or nothing. */
function placeForm(place: Json): Json {
  const { subnet, ...rest } = place;
  const reference = typeof subnet === "string" ? { id: subnet } : subnet;
  const usable = isJson(reference) && typeof reference["id"] === "string" && reference["id"] !== "";
  return present(usable ? { ...rest, subnet: reference } : rest);
}

function inside(body: unknown, key: string, form: (part: Json) => Json): unknown {
  if (!isJson(body) || !isJson(body[key])) return body;
  return { [key]: form(body[key]) };
}

/** Ids of snapshots come as a list, as one, or as a text with commas. */
function fileSearchForm(search: Json): Json {
  const { snapshot_ids: ids, ...rest } = withoutBlanks(search);
  if (typeof ids !== "string") return ids === undefined ? rest : { ...rest, snapshot_ids: ids };
  return { ...rest, snapshot_ids: ids.split(",").map((id) => id.trim()) };
}

function renamed(record: Json, names: Readonly<Record<string, string>>): Json {
  const result: Json = {};
  for (const [key, value] of Object.entries(record)) {
    const name = Object.hasOwn(names, key) ? (names[key] ?? key) : key;
    if (!(name in result) || name === key) result[name] = value;
  }
  return result;
}

/** Without absent and `null` parts: existing clients write `null` where they mean nothing. */
function present(record: Json): Json {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined && value !== null),
  );
}

function withoutBlanks(record: Json): Json {
  return Object.fromEntries(Object.entries(present(record)).filter(([, value]) => value !== ""));
}

function textOr(value: unknown): unknown {
  return value === "" ? undefined : value;
}

function eachOf(list: unknown, form: (item: unknown) => unknown): unknown {
  return Array.isArray(list) ? list.map(form) : list;
}

/** An empty body means all workloads; one id alone is a list of one. */
function importForm(body: unknown): unknown {
  return isJson(body ?? {}) ? present(listed((body ?? {}) as Json, ["workload_ids", "source_btt"])) : body;
}

const REASSIGN_NAMES = {
  new_project_id: "new_tenant_id",
  old_project_ids: "old_tenant_ids",
  workloadids: "workload_ids",
};

/** A list of entries, one entry alone, or what a map file holds. */
function reassignForm(body: unknown): unknown {
  const mapped = isJson(body) ? (body["reassign_mappings"] ?? [body]) : body;
  return eachOf(mapped, (entry) => {
    if (!isJson(entry)) return entry;
    return present(listed(renamed(entry, REASSIGN_NAMES), ["workload_ids", "old_tenant_ids", "source_btt"]));
  });
}

/** One text where a list is meant. */
function listed(record: Json, fields: readonly string[]): Json {
  const entries = Object.entries(record).map(([key, value]) => {
    if (!fields.includes(key) || typeof value !== "string") return [key, value] as const;
    return [key, value === "" ? [] : [value]] as const;
  });
  return Object.fromEntries(entries);
}

function mapValues(record: Json, form: (value: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, form(value)]));
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asBoolean(value: unknown): unknown {
  if (value === 1) return true;
  if (value === 0) return false;
  if (typeof value !== "string") return value;
  const word = value.toLowerCase();
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : value;
}

function isBoolean(schema: TSchema, property: string): boolean {
  return propertyOf(schema, property)?.["type"] === "boolean";
}

function propertyOf(schema: TSchema, name: string): Json | undefined {
  const properties: unknown = "properties" in schema ? schema.properties : undefined;
  const found = isJson(properties) ? properties[name] : undefined;
  return isJson(found) ? found : undefined;
}

/** Text where the schema wants a boolean or a whole number becomes one; everything else stays as it is. */
function coerced(schema: object, value: unknown): unknown {
  const shape = schema as Json;
  if (shape["type"] === "boolean") return asBoolean(value);
  if (shape["type"] === "integer")
    return typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (shape["type"] === "array" && Array.isArray(value) && isJson(shape["items"])) {
    const items = shape["items"];
    return value.map((item: unknown) => coerced(items, item));
  }
  const properties = shape["properties"];
  if (!isJson(value) || !isJson(properties)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const inner = Object.hasOwn(properties, key) ? properties[key] : undefined;
      return [key, isJson(inner) ? coerced(inner, part) : part];
    }),
  );
}
