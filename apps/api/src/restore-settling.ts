import type { RestoreDisk, RestoreInstance, RestoreOptions } from "@cairn/contract";
import type { CapturedDisk, SnapshotInstanceRecord } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";

const AT = "restore.options.openstack.instances";

/**
 * A restore's options with nothing left open, checked against the snapshot: only instances that are restored,
 * and for an in-place restore exactly the disks that are written. Pure: what needs a look into the cloud is
 * checked elsewhere.
 */
export function settleRestore(
  options: RestoreOptions,
  captured: readonly SnapshotInstanceRecord[],
): RestoreOptions {
  const { safety_snapshot: isSafe, ...asked } = options;
  if (options.restore_type !== "inplace" && isSafe === true) {
    throw refused("Only an in-place restore overwrites something, and takes a safety snapshot before.", {
      field: "restore.options.safety_snapshot",
      value: true,
      remedy: "Leave it out.",
    });
  }
  if (options.restore_type === "oneclick") return asked;
  const { restore_topology: topology, restore_security_groups: groups = false } = options.openstack;
  const isSelective = options.restore_type === "selective";
  if ((topology || groups) && !isSelective) {
    throw refused("An in-place restore changes disks only.", {
      field: `restore.options.openstack.${topology ? "restore_topology" : "restore_security_groups"}`,
      value: true,
      remedy: "Ask for topology or security groups with a selective restore, with or without instances.",
    });
  }
  if ((topology || groups) && options.openstack.instances.every((each) => each.include === false)) {
    return { ...asked, openstack: { ...options.openstack, instances: [] } };
  }
  const settle = isSelective ? settleSelective : settleInPlace;
  const instances = chosen(options, captured).map(settle);
  const safety = isSelective ? {} : { safety_snapshot: isSafe ?? true };
  return { ...asked, ...safety, openstack: { ...options.openstack, instances } };
}

interface Chosen {
  readonly asked: RestoreInstance;
  readonly record: SnapshotInstanceRecord;
  /** Where in the request it stands, for refusals. */
  readonly at: string;
}

/** The instances that are asked for, each found in the snapshot; `include: false` leaves one out. */
function chosen(options: RestoreOptions, captured: readonly SnapshotInstanceRecord[]): Chosen[] {
  const found: Chosen[] = [];
  for (const [index, asked] of options.openstack.instances.entries()) {
    if (asked.include === false) continue;
    const at = `${AT}[${index}]`;
    const where = { field: `${at}.id`, value: asked.id };
    const record = captured.find((each) => each.id === asked.id);
    if (record === undefined) {
      const known = captured.map((each) => `${each.id} (${each.name})`).join(", ");
      throw refused(`The snapshot has no instance ${asked.id}.`, { ...where, remedy: `It has ${known}.` });
    }
    if (found.some((each) => each.record === record)) {
      throw refused(`The instance ${asked.id} is named twice.`, { ...where, remedy: "Name it once." });
    }
    found.push({ asked, record, at });
  }
  if (found.length > 0) return found;
  throw refused("The restore names no instance.", {
    field: AT,
    value: options.openstack.instances.length,
    remedy:
      "List at least one instance of the snapshot, without include: false; or set restore_topology or " +
      "restore_security_groups.",
  });
}

/** Empty lists and flavors mean "as it was"; clients send them. */
function settleSelective({ asked, record, at }: Chosen): RestoreInstance {
  const { nics = [], flavor = {}, vdisks = [], ...rest } = asked;
  assertVolumesKnown(vdisks, record, at);
  return {
    ...rest,
    include: true,
    vdisks,
    ...(nics.length === 0 ? {} : { nics }),
    ...(Object.keys(flavor).length === 0 ? {} : { flavor }),
  };
}

/** Only ticked disks are written. A boot volume is ticked by its own entry, or by `restore_boot_disk`. */
function settleInPlace({ asked, record, at }: Chosen): RestoreInstance {
  const { vdisks = [] } = asked;
  assertVolumesKnown(vdisks, record, at);
  const ticked = vdisks.filter((disk) => disk.restore_cinder_volume === true).map((disk) => disk.id);
  const root = record.disks.find((disk) => disk.isRoot);
  const rootVolume = root === undefined ? undefined : volumeIdOf(root);
  const isLocalRoot = root?.source.kind === "local" && (asked.restore_boot_disk ?? true);
  const withRoot = rootVolume !== undefined && asked.restore_boot_disk === true ? [rootVolume] : [];
  const volumes = [...new Set([...withRoot, ...ticked])];
  if (!isLocalRoot && volumes.length === 0) {
    throw refused(`Nothing of the instance ${record.name} is to be restored.`, {
      field: at,
      value: record.id,
      remedy: "Set restore_boot_disk, or restore_cinder_volume on at least one of its vdisks.",
    });
  }
  return {
    id: record.id,
    include: true,
    restore_boot_disk: isLocalRoot,
    vdisks: volumes.map((id) => ({ id, restore_cinder_volume: true })),
  };
}

function assertVolumesKnown(
  vdisks: readonly RestoreDisk[],
  record: SnapshotInstanceRecord,
  at: string,
): void {
  const known = record.disks.map(volumeIdOf).filter((id) => id !== undefined);
  for (const [index, disk] of vdisks.entries()) {
    if (known.includes(disk.id)) continue;
    throw refused(`The instance ${record.name} has no volume ${disk.id} in the snapshot.`, {
      field: `${at}.vdisks[${index}].id`,
      value: disk.id,
      remedy: known.length === 0 ? "It has no volumes." : `Its volumes are ${known.join(", ")}.`,
    });
  }
}

function volumeIdOf(disk: CapturedDisk): string | undefined {
  return disk.source.kind === "volume" ? disk.source.volumeId : undefined;
}

function refused(
  message: string,
  details: { readonly field: string; readonly value: unknown; readonly remedy: string },
): Rejection {
  return new Rejection(message, { status: 400, ...details });
}
