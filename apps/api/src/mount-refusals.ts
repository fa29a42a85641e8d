import { findMount, type SnapshotMountRow, type SnapshotRow } from "@cairn/database";
import { Rejection } from "@cairn/kernel";
import type { World } from "./world.ts";

/** Throws the refusal for a snapshot that an instance has: nothing else is done with it meanwhile. */
export async function refuseMounted(world: World, row: Pick<SnapshotRow, "id" | "status">): Promise<void> {
  if (row.status !== "mounting" && row.status !== "mounted") return;
  const mount = await findMount(world.database.handle, row.id);
  // It was dismounted in this very moment: whoever opens a run looks at the status again.
  if (mount !== undefined) throw mountedRefusal(mount);
}

/** Names the instance that a snapshot is mounted in, and the way out. */
export function mountedRefusal(mount: SnapshotMountRow): Rejection {
  const { snapshot_id: id, instance_id: instanceId, instance_name: name, mounted_at: mountedAt } = mount;
  const state = mountedAt === null ? "being mounted" : "mounted";
  return new Rejection(`The snapshot ${id} is ${state} in the instance ${name} (${instanceId}).`, {
    status: 409,
    field: "status",
    value: mountedAt === null ? "mounting" : "mounted",
    remedy:
      mountedAt === null
        ? `Cancel that: POST /snapshots/${id}/cancel (cairn snapshot cancel ${id}), or wait and dismount it.`
        : `Dismount it first: POST /snapshots/${id}/dismount (cairn snapshot dismount ${id}).`,
  });
}
