/**
 * An operation that begins on an instance or a volume, and that a block job which runs there would break or
 * slow down. With both ids it concerns only a job that reads this volume of this instance.
 */
export interface Announcement {
  readonly instanceId?: string;
  readonly volumeId?: string;
  /** In Nova's or Cinder's own words: `powering-off`, `instance.suspend.start`. */
  readonly operation: string;
}

type Loose = Readonly<Record<string, unknown>>;

/**
 * What a message of Nova or Cinder announces; undefined when it is of no concern to a job, or not understood:
 * anybody may write to a bus. Three forms are known: Nova's versioned notifications, its legacy ones (a cloud
 * has the one or the other, by `notification_format`), and Cinder's, each in oslo.messaging's envelope
 * (`oslo.message`, messaging/_drivers/common.py) or bare.
 */
export function announcementOf(content: string): Announcement | undefined {
  const message = unwrap(content);
  const type = textAt(message, "event_type");
  const payload = looseAt(message, "payload");
  if (type === undefined || payload === undefined) return undefined;
  if (type.startsWith("instance.")) return ofVersioned(type, looseAt(payload, "nova_object.data"));
  if (type.startsWith("compute.instance.")) return ofLegacy(type.slice("compute.".length), payload);
  return ofCinder(type, payload);
}

/**
 * Whether a job should not run while an instance has this task state: Nova sets it in its API, before the
 * compute service does anything.
 */
export function isDisturbing(taskState: string): boolean {
  return DISTURBING_TASKS.has(taskState);
}

function ofVersioned(type: string, data: Loose | undefined): Announcement | undefined {
  const instanceId = textAt(data, "uuid");
  if (data === undefined || instanceId === undefined) return undefined;
  if (type !== "instance.update") return ofAction(type, instanceId, textAt(data, "volume_id"));
  const change = looseAt(looseAt(data, "state_update"), "nova_object.data");
  return ofTask(instanceId, textAt(change, "new_task_state"));
}

/** `compute.instance.update`, `compute.instance.power_off.start` (nova/compute/utils.py). */
function ofLegacy(type: string, payload: Loose): Announcement | undefined {
  const instanceId = textAt(payload, "instance_id");
  if (instanceId === undefined) return undefined;
  if (type === "instance.update") return ofTask(instanceId, textAt(payload, "new_task_state"));
  return ofAction(LEGACY_NAMES[type] ?? type, instanceId, textAt(payload, "volume_id"));
}

function ofTask(instanceId: string, taskState: string | undefined): Announcement | undefined {
  if (taskState === undefined || !isDisturbing(taskState)) return undefined;
  return { instanceId, operation: taskState };
}

function ofAction(type: string, instanceId: string, volumeId: string | undefined): Announcement | undefined {
  if (DISTURBING_ACTIONS.has(type)) return { instanceId, operation: type };
  if (!VOLUME_ACTIONS.has(type) || volumeId === undefined) return undefined;
  return { instanceId, volumeId, operation: type };
}

function ofCinder(type: string, payload: Loose): Announcement | undefined {
  const volumeId = textAt(payload, "volume_id");
  return volumeId === undefined || !CINDER_ACTIONS.has(type) ? undefined : { volumeId, operation: type };
}

/** nova/objects/fields.py, `InstanceTaskState`, without what leaves disks and their locks alone. */
const DISTURBING_TASKS: ReadonlySet<string> = new Set([
  "image_snapshot_pending",
  "image_snapshot",
  "image_pending_upload",
  "image_backup",
  "resize_prep",
  "resize_migrating",
  "resize_migrated",
  "resize_finish",
  "resize_reverting",
  "resize_confirming",
  "rebooting",
  "reboot_pending",
  "reboot_started",
  "rebooting_hard",
  "reboot_pending_hard",
  "reboot_started_hard",
  "suspending",
  "resuming",
  "powering-off",
  "powering-on",
  "rescuing",
  "unrescuing",
  "rebuilding",
  "rebuild_block_device_mapping",
  "rebuild_spawning",
  "migrating",
  "deleting",
  "soft-deleting",
  "restoring",
  "shelving",
  "shelving_image_pending_upload",
  "shelving_offloading",
  "unshelving",
]);

/**
 * nova/notifications/objects/instance.py. Not among them: pause and unpause, which a job survives; interfaces
 * and attaching a volume, which it does not hinder; crash dumps, which the guest writes.
 */
const DISTURBING_ACTIONS: ReadonlySet<string> = new Set([
  "instance.power_off.start",
  "instance.power_on.start",
  "instance.shutdown.start",
  "instance.reboot.start",
  "instance.suspend.start",
  "instance.resume.start",
  "instance.snapshot.start",
  "instance.resize_prep.start",
  "instance.resize.start",
  "instance.resize_finish.start",
  "instance.resize_confirm.start",
  "instance.resize_revert.start",
  "instance.live_migration_pre.start",
  "instance.rebuild.start",
  "instance.shelve.start",
  "instance.shelve_offload.start",
  "instance.rescue.start",
  "instance.unrescue.start",
  "instance.soft_delete.start",
  "instance.delete.start",
]);

/** Of one volume of an instance: its other disks may be read meanwhile. */
const VOLUME_ACTIONS: ReadonlySet<string> = new Set([
  "instance.volume_detach.start",
  "instance.volume_swap.start",
]);

/** Where the legacy name is not the versioned one with `compute.` before it. */
const LEGACY_NAMES: Readonly<Record<string, string>> = {
  "instance.live_migration.pre.start": "instance.live_migration_pre.start",
  "instance.resize.prep.start": "instance.resize_prep.start",
  "instance.finish_resize.start": "instance.resize_finish.start",
  "instance.resize.confirm.start": "instance.resize_confirm.start",
  "instance.resize.revert.start": "instance.resize_revert.start",
};

/**
 * cinder/volume/manager.py. A snapshot of a file on a share is an assisted one: libvirt makes an overlay,
 * which waits for the job.
 */
const CINDER_ACTIONS: ReadonlySet<string> = new Set([
  "volume.resize.start",
  "snapshot.create.start",
  "snapshot.delete.start",
]);

function unwrap(content: string): Loose | undefined {
  const outer = parse(content);
  const inner = textAt(outer, "oslo.message");
  return inner === undefined ? outer : parse(inner);
}

function parse(content: string): Loose | undefined {
  try {
    const parsed: unknown = JSON.parse(content);
    return isLoose(parsed) ? parsed : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function isLoose(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function looseAt(from: Loose | undefined, key: string): Loose | undefined {
  const value = from?.[key];
  return isLoose(value) ? value : undefined;
}

function textAt(from: Loose | undefined, key: string): string | undefined {
  const value = from?.[key];
  return typeof value === "string" ? value : undefined;
}
