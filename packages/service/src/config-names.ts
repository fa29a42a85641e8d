/**
 * Every shared setting of Cairn's programs. All programs can read one file and one environment: a setting
 * that is listed here but is not the program's is left alone; one that nobody knows is an error.
 */
const CATALOGUE: Readonly<Record<string, readonly string[]>> = {
  database: ["url"],
  keystone: ["auth_url", "username", "password", "project_name", "domain", "region", "interface"],
  api: ["listen_host", "listen_port", "policy_file"],
  datamover_api: ["listen_host", "listen_port", "lease_ms", "url"],
  datamover: [
    "host",
    "token_file",
    "scratch_dir",
    "sandbox_dir",
    "orders_max",
    "scratch_percent",
    "scratch_reserve_mib",
    "hypervisor",
    "libvirt_socket",
    "libvirt_uri",
    "attachments_dir",
    "scratch_budget_mib",
    "guard_interval_ms",
    "guard_silence_ms",
  ],
  engine: ["runs_max", "lease_ms"],
  keys: ["key_file"],
  target: ["default_path", "bucket_file", "look_seconds"],
  sandbox: ["dir", "listen_host", "listen_port", "seed", "on_exit", "transition_ms"],
  status: ["listen_host", "listen_port"],
  log: ["level"],
};

const NAMES = new Set(
  Object.entries(CATALOGUE).flatMap(([section, keys]) =>
    keys.flatMap((key) => [`${section}.${key}`, `CAIRN_${section}_${key}`.toUpperCase()]),
  ),
);

/** Whether some program of Cairn has this setting (`section.key` or the name of its environment variable). */
export function isCatalogued(name: string): boolean {
  return NAMES.has(name);
}

/** Whether some program of Cairn has this section. */
export function isCataloguedSection(section: string): boolean {
  return section in CATALOGUE;
}
