import { ApiError, type Call } from "../http/answer.ts";

/** The first microversion in which a parameter that Nova does not know is refused, and not overlooked. */
const STRICT_MINOR = 75;

/**
 * What a list of servers may be asked by (nova/api/openstack/compute/schemas/servers.py,
 * `query_params_v275`).
 */
const SERVER_QUERY = new Set(
  `
    access_ip_v4 access_ip_v6 all_tenants auto_disk_config availability_zone changes-before
    changes-since config_drive created_at deleted description display_description
    display_name flavor host hostname image image_ref
    ip ip6 kernel_id key_name launch_index launched_at
    limit locked locked_by marker name node
    not-tags not-tags-any power_state progress project_id ramdisk_id
    reservation_id root_device_name soft_deleted sort_dir sort_key status
    tags tags-any task_state tenant_id terminated_at user_id
    uuid vm_state
  `
    .trim()
    .split(/\s+/),
);

/** Refuses what a list of servers does not know; names with `_` at their front are let through. */
export function knowsServerQuery(call: Call): void {
  if (call.minor < STRICT_MINOR) return;
  const unknown = [...new Set(call.query.keys())].filter(
    (name) => !SERVER_QUERY.has(name) && !name.startsWith("_"),
  );
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `'${name}'`).join(", ");
  const verb = unknown.length === 1 ? "does" : "do";
  throw new ApiError(400, `${names} ${verb} not match any of the regexes: '^_'`);
}

/** Refuses what `GET` does not know, in the words of Nova's schema validation (nova/api/validation). */
export function knowsQuery(call: Call, known: readonly string[]): void {
  if (call.minor < STRICT_MINOR) return;
  const unknown = [...new Set(call.query.keys())].filter((name) => !known.includes(name)).toSorted();
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `'${name}'`).join(", ");
  const were = unknown.length === 1 ? "was" : "were";
  throw new ApiError(400, `Additional properties are not allowed (${names} ${were} unexpected)`);
}
