import {
  type Progress,
  type SnapshotDetail,
  type SnapshotDisk,
  type SnapshotInstance,
  type SnapshotMount,
  type SnapshotNic,
  type SnapshotSummary,
  type Waiting,
  wireTime,
} from "@cairn/contract";
import type {
  AdmissionRow,
  RunProgress,
  SnapshotMountRow,
  SnapshotRow,
  SnapshotSummaryRow,
} from "@cairn/database";
import {
  type CapturedDisk,
  type CapturedNic,
  mountFolder,
  mountRoot,
  type SnapshotDiskRecord,
  type SnapshotInstanceRecord,
  workloadPoint,
} from "@cairn/domain";
import { formatBytes, unreachable } from "@cairn/kernel";
import { linksOf } from "../links.ts";
import { metadataRows } from "./metadata-rows.ts";
import type { DiskName, DiskNames } from "./progress-view.ts";

/** The instances of a snapshot; a flow wrote them as these records when the snapshot was committed. */
export function instanceRecords(row: SnapshotRow): readonly SnapshotInstanceRecord[] {
  return row.instances as readonly SnapshotInstanceRecord[];
}

/** The disks of a snapshot; see `instanceRecords`. */
export function diskRecords(row: SnapshotRow): readonly SnapshotDiskRecord[] {
  return row.disks as readonly SnapshotDiskRecord[];
}

/** What the disks of these snapshots are called, for orders that do not name them. */
export function diskNames(rows: readonly SnapshotRow[]): DiskNames {
  return new Map(rows.flatMap((row) => namesOf(row)));
}

function namesOf(row: SnapshotRow): [string, DiskName][] {
  const instances = new Map(instanceRecords(row).map((instance) => [instance.id, instance.name]));
  return diskRecords(row).map(({ diskId, instanceId, device }) => [
    diskId,
    { disk: device, instance: instances.get(instanceId) ?? instanceId, instanceId },
  ]);
}

/** A snapshot's row as a list shows it. */
export function snapshotSummary(row: SnapshotSummaryRow): SnapshotSummary {
  return {
    id: row.id,
    created_at: wireTime(row.created_at.getTime()),
    status: row.status,
    snapshot_type: row.snapshot_type,
    workload_id: row.workload_id,
    name: row.name,
    description: row.description === "" ? "-" : row.description,
    host: "",
  };
}

/** How far a snapshot is, when it is being taken, mounted or dismounted. */
export interface SnapshotRunning {
  readonly run: RunProgress;
  readonly progress: Progress;
}

/** A snapshot with everything known of it. */
export function snapshotDetail(
  row: SnapshotRow,
  running: SnapshotRunning | undefined,
  about: {
    readonly origin: string;
    readonly nowMs: number;
    readonly waiting: readonly AdmissionRow[];
    readonly mount: SnapshotMountRow | undefined;
  },
): SnapshotDetail {
  const instances = instanceRecords(row);
  const disks = diskRecords(row);
  const done = DONE.includes(row.status);
  const { mount } = about;
  const waiting = waitingView(about.waiting.find((each) => each.run_id === row.run_id));
  const endMs = row.finished_at?.getTime() ?? about.nowMs;
  return {
    ...snapshotSummary(row),
    updated_at: wireTime(row.updated_at.getTime()),
    finished_at: row.finished_at === null ? null : wireTime(row.finished_at.getTime()),
    user_id: row.user_id,
    project_id: row.project_id,
    size: row.size_bytes,
    restore_size: row.size_bytes,
    uploaded_size: (mount === undefined ? running?.run.storedBytes : undefined) ?? row.stored_bytes,
    progress_percent: done ? 100 : (running?.run.percent ?? 0),
    progress_msg: done
      ? "Snapshot of workload is complete"
      : (waitingText(waiting) ?? running?.progress.phase ?? null),
    warning_msg: joined([row.warning_message, degradedText(row.degraded), row.mount_warning]),
    error_msg: joined([row.error_message, row.mount_error]),
    time_taken: Math.max(0, Math.round((endMs - row.created_at.getTime()) / 1000)),
    metadata: metadataRows(row.metadata, { kind: "snapshot", id: row.id, createdAt: row.created_at }),
    links: linksOf(about.origin, row.project_id, `snapshots/${row.id}`),
    instances: instances.map((instance) => ({
      ...instanceView(instance, disks),
      ...pathView(instance, mount),
    })),
    workload_point: pointView(instances),
    progress: running === undefined || running.run.phase === "concluded" ? null : running.progress,
    waiting,
    mount: mount === undefined ? null : mountView(mount, running),
    virtual_bytes: row.size_bytes,
    read_bytes: row.read_bytes,
    stored_bytes: (mount === undefined ? running?.run.storedBytes : undefined) ?? row.stored_bytes,
  };
}

/** What is being mounted is complete, but it is its mount that somebody waits for. */
const DONE: readonly SnapshotRow["status"][] = ["available", "restoring", "mounted"];

function mountView(row: SnapshotMountRow, running: SnapshotRunning | undefined): SnapshotMount {
  const copies = new Map(row.copies.map((copy) => [copy.volumeId, copy]));
  return {
    instance_id: row.instance_id,
    instance_name: row.instance_name,
    mounturl: row.url,
    mounted_at: row.mounted_at === null ? null : wireTime(row.mounted_at.getTime()),
    dismounting: running?.run.flow === "snapshot-dismount" && running.run.phase !== "concluded",
    file_systems: row.file_systems.flatMap(({ volumeId, path, fileSystem }) => {
      const copy = copies.get(volumeId);
      if (copy === undefined) return [];
      const { instanceId, instanceName, device } = copy;
      return [{ vm_id: instanceId, vm_name: instanceName, disk: device, path, file_system: fileSystem }];
    }),
  };
}

/** Where the files of an instance are, if its guest has mounted any. */
function pathView(
  instance: SnapshotInstanceRecord,
  mount: SnapshotMountRow | undefined,
): Pick<SnapshotInstance, "vm_mount_path"> {
  if (mount === undefined) return {};
  const folder = `${mountRoot(mount.snapshot_id)}/${mountFolder(instance)}`;
  const isThere = mount.file_systems.some(({ path }) => path.startsWith(`${folder}/`));
  return isThere ? { vm_mount_path: folder } : {};
}

function waitingView(row: AdmissionRow | undefined): Waiting | null {
  if (row === undefined) return null;
  const { asked_at: askedAt, place, reason_code: code, reason } = row;
  const since = wireTime(askedAt.getTime());
  return { since, place, code, reason: reason ?? "it was asked for a moment ago" };
}

function waitingText(waiting: Waiting | null): string | undefined {
  if (waiting === null) return undefined;
  const place = waiting.place === null ? "" : ` (place ${waiting.place})`;
  return `Waiting to begin: ${waiting.reason}${place}`;
}

function joined(sentences: readonly (string | null)[]): string | null {
  const there = sentences.filter((each) => each !== null);
  return there.length === 0 ? null : there.join(" ");
}

/** What of a snapshot cannot be read, as the last check found it (maintenance's `DegradedSnapshot`). */
function degradedText(degraded: unknown): string | null {
  if (typeof degraded !== "object" || degraded === null) return null;
  const { disks = [] } = degraded as { disks?: { device: string; damagedBytes: number }[] };
  const where = disks.map(({ device, damagedBytes }) => `${formatBytes(damagedBytes)} of disk ${device}`);
  const what = where.length === 0 ? "its record on the target" : where.join(", ");
  const next = "The next snapshot reads everything";
  return `This snapshot is damaged and cannot be restored as a whole: ${what}. ${next}.`;
}

function instanceView(
  instance: SnapshotInstanceRecord,
  disks: readonly SnapshotDiskRecord[],
): SnapshotInstance {
  const { flavor } = instance;
  const groups = new Map(
    instance.nics.flatMap((nic) => nic.securityGroups).map((group) => [group.id, { ...group }]),
  );
  return {
    id: instance.id,
    name: instance.name,
    status: "available",
    metadata: {
      ...instance.metadata,
      availability_zone: instance.availabilityZone ?? "",
      config_drive: instance.hasConfigDrive ? "True" : "",
      ...(instance.keyPair === null ? {} : { key_name: instance.keyPair.name }),
      ...(instance.image === null ? {} : { image_id: instance.image.id }),
    },
    flavor: {
      name: flavor.name,
      vcpus: flavor.vcpus,
      ram: flavor.ramMiB,
      disk: flavor.diskGiB,
      ephemeral: flavor.ephemeralGiB,
      swap: flavor.swapMiB,
    },
    security_group: [...groups.values()],
    nics: instance.nics.flatMap(nicViews),
    vdisks: instance.disks.map((disk) => diskView(disk, instance, disks)),
    point_at: wireTime(instance.pointAt),
    consistency: consistencyView(instance.consistency),
  };
}

function consistencyView({
  quality,
  reason,
  freezeMs,
}: SnapshotInstanceRecord["consistency"]): SnapshotInstance["consistency"] {
  return { quality, reason, ...(freezeMs === undefined ? {} : { freeze_ms: freezeMs }) };
}

/** Nothing for one instance, for a serial workload, and before the points are taken. */
function pointView(instances: readonly SnapshotInstanceRecord[]): SnapshotDetail["workload_point"] {
  const point = workloadPoint(instances);
  if (point === undefined) return null;
  if (point.kind === "apart")
    return { together: false, skew_ms: null, window_ms: null, reason: point.because };
  return { together: true, skew_ms: point.skewMs, window_ms: point.windowMs, reason: null };
}

/** The wire knows one address a NIC: a port with two is shown as two, one without any with an empty one. */
function nicViews(nic: CapturedNic): SnapshotNic[] {
  const network = { id: nic.network.id, name: nic.network.name };
  if (nic.fixedIps.length === 0) {
    return [{ mac_address: nic.macAddress, ip_address: "", network: { ...network, subnet: null } }];
  }
  return nic.fixedIps.map(({ ipAddress, subnet }) => ({
    mac_address: nic.macAddress,
    ip_address: ipAddress,
    network: {
      ...network,
      subnet: {
        id: subnet.id,
        name: subnet.name,
        cidr: subnet.cidr,
        ip_version: subnet.ipVersion,
        gateway_ip: subnet.gatewayIp,
      },
    },
  }));
}

function diskView(
  disk: CapturedDisk,
  instance: SnapshotInstanceRecord,
  records: readonly SnapshotDiskRecord[],
): SnapshotDisk {
  const record = records.find((each) => each.diskId === disk.diskId);
  return {
    label: null,
    ...placeView(disk, instance),
    restore_size: record?.sizeBytes ?? disk.sizeBytes,
    disk: disk.device,
    disk_id: disk.diskId,
    format: record?.format ?? null,
    size_bytes: record?.sizeBytes ?? disk.sizeBytes,
    read: record?.read ?? null,
    read_bytes: record?.readBytes ?? null,
    changed_bytes: record?.changedBytes ?? null,
    audited_bytes: record?.auditedBytes ?? null,
    stored_bytes: record?.storedBytes ?? null,
  };
}

function placeView(disk: CapturedDisk, instance: SnapshotInstanceRecord): Partial<SnapshotDisk> {
  const { source } = disk;
  switch (source.kind) {
    case "local":
      return { image_id: instance.image?.id ?? null, image_name: instance.image?.name ?? null };
    case "volume":
      return {
        volume_id: source.volumeId,
        volume_name: source.name,
        volume_size: source.sizeGiB,
        volume_type: source.volumeType,
        volume_mountpoint: `/dev/${disk.device}`,
        availability_zone: source.availabilityZone,
        metadata: source.metadata,
      };
    default:
      return unreachable(source);
  }
}
