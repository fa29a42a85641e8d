import type { HostRow, ServerGroupRow, ServerRow } from "../state/compute-rows.ts";
import { hasRoom, type Room } from "./room.ts";

export interface Placement {
  readonly zone: string | undefined;
  /** A host that an admin asked for by name. */
  readonly host: string | undefined;
  readonly group: ServerGroupRow | undefined;
  /** Left out: any host is large enough. */
  readonly room?: Room;
}

/**
 * The host for a new server: up, of the wanted zone, agreeable to its group, with room, and with the
 * fewest servers (pure).
 */
export function chooseHost(
  hosts: readonly HostRow[],
  servers: readonly ServerRow[],
  wanted: Placement,
): HostRow | undefined {
  const { group } = wanted;
  const companions = servers.filter((server) => group !== undefined && server.server_group_id === group.id);
  const taken = new Set(companions.flatMap((server) => server.host ?? []));
  const load = (host: HostRow): number => servers.filter((server) => server.host === host.id).length;
  const agrees = (host: HostRow): boolean => {
    if (group?.policy === "anti-affinity") return !taken.has(host.id);
    return group?.policy !== "affinity" || taken.size === 0 || taken.has(host.id);
  };
  return hosts
    .filter((host) => !host.vanished && host.service_status === "enabled")
    .filter((host) => wanted.zone === undefined || host.zone === wanted.zone)
    .filter((host) => wanted.host === undefined || host.id === wanted.host)
    .filter((host) => agrees(host))
    .filter((host) => wanted.room === undefined || hasRoom(host, servers, wanted.room))
    .toSorted((a, b) => load(a) - load(b))
    .at(0);
}
