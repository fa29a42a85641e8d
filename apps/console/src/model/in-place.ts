import type { Snapshot } from "./api-types.ts";
import type { RestoreOptions, RestorePlan } from "./restores.ts";

/** A disk that an in-place restore could overwrite. */
export interface InPlaceDisk {
  /** Of the instance and the disk: one that nothing else on the page has. */
  readonly key: string;
  readonly instanceId: string;
  readonly instance: string;
  /** Device of the instance, such as `vda`. */
  readonly device: string;
  /** Absent: the instance's own disk. */
  readonly volume: { readonly id: string; readonly name: string } | undefined;
  /** Whether it is still there and large enough. */
  readonly isWritable: boolean;
  /** What the planner says of it and of its instance. */
  readonly warnings: readonly string[];
  /** As of when it will be; whatever came later is lost. Wire time. */
  readonly pointAt: string;
}

/** The disks of a snapshot with what the plan says of each, in the snapshot's order. */
export function inPlaceDisks(snapshot: Snapshot, plan: RestorePlan): InPlaceDisk[] {
  const { instances: planned } = plan.restore.options.openstack;
  return snapshot.instances.flatMap((instance) => {
    const own = planned.find(({ id }) => id === instance.id);
    const isThere = own?.include !== false;
    return instance.vdisks.map((disk): InPlaceDisk => {
      const { volume_id: volumeId, volume_name: volumeName = "" } = disk;
      const planDisk = own?.vdisks?.find(({ id }) => id === volumeId);
      const isTicked =
        volumeId === undefined ? own?.restore_boot_disk === true : planDisk?.restore_cinder_volume === true;
      return {
        key: `${instance.id} ${disk.disk_id}`,
        instanceId: instance.id,
        instance: instance.name,
        device: disk.disk,
        volume: volumeId === undefined ? undefined : { id: volumeId, name: volumeName },
        isWritable: isThere && isTicked,
        warnings: plan.warnings_by_field
          .filter(({ field, id }) => (field === "volume" ? id === volumeId : id === instance.id))
          .map(({ message }) => message),
        pointAt: instance.point_at ?? snapshot.created_at,
      };
    });
  });
}

/** The request that overwrites these disks and no other. */
export function inPlaceOptions(
  disks: readonly InPlaceDisk[],
  chosen: ReadonlySet<string>,
  isSafe: boolean,
): RestoreOptions {
  const written = disks.filter(({ key, isWritable }) => isWritable && chosen.has(key));
  const ids = [...new Set(written.map(({ instanceId }) => instanceId))];
  const instances = ids.map((id) => {
    const own = written.filter(({ instanceId }) => instanceId === id);
    return {
      id,
      include: true,
      restore_boot_disk: own.some(({ volume }) => volume === undefined),
      vdisks: own.flatMap(({ volume }) =>
        volume === undefined ? [] : [{ id: volume.id, restore_cinder_volume: true }],
      ),
    };
  });
  return {
    type: "openstack",
    restore_type: "inplace",
    oneclickrestore: false,
    safety_snapshot: isSafe,
    openstack: { instances, restore_topology: false, networks_mapping: { networks: [] } },
  };
}
