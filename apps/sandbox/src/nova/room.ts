import type { HostRow, ServerRow } from "../state/compute-rows.ts";

/** What a server takes of its host, as Placement counts. */
export interface Room {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
}

/** Nova's `initial_cpu_allocation_ratio`; memory and disk are given out once. */
const CPU_RATIO = 4;

/** A root disk counts only where it is local. */
export function roomOf(server: {
  readonly flavor: ServerRow["flavor"];
  readonly disks: readonly { readonly volume_id: string | null }[];
}): Room {
  const { flavor, disks } = server;
  const hasLocalRoot = disks.some((disk) => disk.volume_id === null);
  const swapGiB = Math.ceil(flavor.swap / 1024);
  const diskGiB = (hasLocalRoot ? flavor.disk : 0) + flavor.ephemeral + swapGiB;
  return { vcpus: flavor.vcpus, ramMiB: flavor.ram, diskGiB };
}

/** Whether a host that is up has this room beside its servers (pure). */
export function hasRoom(host: HostRow, servers: readonly ServerRow[], wanted: Room): boolean {
  const taken = servers.filter((server) => server.host === host.id).map((server) => roomOf(server));
  const sum = (of: (room: Room) => number): number => taken.reduce((all, room) => all + of(room), 0);
  return (
    sum((room) => room.vcpus) + wanted.vcpus <= host.vcpus * CPU_RATIO &&
    sum((room) => room.ramMiB) + wanted.ramMiB <= host.memory_mb &&
    sum((room) => room.diskGiB) + wanted.diskGiB <= host.local_gb
  );
}
