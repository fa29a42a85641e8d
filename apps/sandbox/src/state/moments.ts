/** Milliseconds since 1970 as Nova, Neutron and Glance write them: `2026-01-31T10:00:00Z`. */
export function plainTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** As Keystone writes them: `2026-01-31T10:00:00.123000Z`. */
export function keystoneTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/** As Cinder writes them, and Nova in its `OS-SRV-USG` fields: `2026-01-31T10:00:00.123000`. */
export function zonelessTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000`;
}
