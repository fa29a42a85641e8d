import { GiB } from "@cairn/kernel";
import type { CapturedDisk, CapturedInstance, CapturedWorkload } from "./captured.ts";
import { Problems } from "./problems.ts";
import { type CapacityQuestions, checkVolumes } from "./restore-capacity.ts";
import type { NewDisk } from "./restore-new-instance.ts";
import type { Allowances, CapacityFacts, CommittedDiskFacts } from "./restore-observation.ts";
import { checkQuota } from "./restore-quota.ts";
import type { CreateVolumeStep, NoteStep, WriteByImageStep, WriteVolumeStep } from "./restore-steps.ts";
import type { PlannedStep, PlanVerdict } from "./run.ts";
import {
  MOUNT_KEY,
  type MountAddress,
  type MountedCopy,
  mountDevice,
  mountFolder,
  mountUrl,
} from "./snapshot-mount.ts";

/** The instance that a snapshot is mounted in. */
export interface MountInstance {
  readonly id: string;
  readonly name: string;
  /** Nova's word in capitals. */
  readonly status: string;
  readonly host: string | undefined;
  readonly addresses: readonly MountAddress[];
}

/** Everything that the plan of a mount depends on. */
export interface MountObservation {
  readonly snapshotId: string;
  readonly captured: CapturedWorkload;
  /** The disks of the commit: their exact sizes and what opens their trees. */
  readonly committed: readonly CommittedDiskFacts[];
  readonly instanceId: string;
  /** Undefined: the project has no such instance (any more). */
  readonly instance: MountInstance | undefined;
  readonly volumeTypeNames: readonly string[];
  readonly allowances: Pick<Allowances, "volumes" | "gigabytes" | "volumeTypes">;
  readonly capacity: CapacityFacts;
  /** Hosts whose datamover may take new work. */
  readonly liveHosts: readonly string[];
  /** Those of them whose datamover can have a guest mount: one of an earlier release cannot. */
  readonly mountingHosts: readonly string[];
}

/** Attach the volume of an earlier step to the instance. Its output is `{volumeId}`. */
export interface AttachVolumeStep {
  readonly volumeStep: string;
  readonly instanceId: string;
  readonly instanceName: string;
}

/** Have the guest mount what was attached. Its output is `{copies, fileSystems, url, warnings}`. */
export interface MountInGuestStep {
  readonly snapshotId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  /** Where the instance was; it may have moved since. */
  readonly host: string;
  /** Where people find what is mounted, if anything is. */
  readonly url: string;
  readonly disks: readonly (Omit<MountedCopy, "volumeId"> & {
    readonly volumeStep: string;
    readonly folder: string;
  })[];
}

/** Have the guest let go of what it has mounted. Its output is `{warnings}`. */
export type UnmountInGuestStep = Pick<
  MountInGuestStep,
  "snapshotId" | "instanceId" | "instanceName" | "host"
>;

/** Detach a copy from the instance, or delete it. */
export interface MountedVolumeStep {
  readonly snapshotId: string;
  readonly instanceId: string;
  readonly volumeId: string;
}

/** A disk and what its copy is made of. */
interface Copy {
  readonly instance: CapturedInstance;
  readonly disk: NewDisk;
}

const RUNNING = "ACTIVE";

/**
 * Plans to mount a snapshot: a volume for each disk, written, attached, and mounted by the guest. Refuses
 * with everything that speaks against it, before anything is touched.
 */
export function planSnapshotMount(observed: MountObservation): PlanVerdict {
  const problems = new Problems();
  const place = planPlace(observed, problems);
  const copies = copiesOf(observed, problems);
  checkRoom(observed, copies, problems);
  if (place === undefined || !problems.isEmpty) return problems.refusal();
  const built = copies.map((copy, index) => build(observed, copy, index + 1));
  const attach = built.map(({ number, writtenKey }): PlannedStep => {
    const { id: instanceId, name: instanceName } = place.instance;
    const parameters: AttachVolumeStep = { volumeStep: writtenKey, instanceId, instanceName };
    return { key: `attach-${number}`, kind: "attach-volume", parameters };
  });
  // Spread over all live datamovers: each has its own network link to the target.
  const hostAt = (index: number): string => observed.liveHosts[index % observed.liveHosts.length] ?? "";
  const writes = built.map((each, index) => each.writes(hostAt(index)));
  const stages = [
    built.map((each) => each.create),
    writes.map((each) => each.attached),
    writes.map((each) => each.byImage),
    attach,
    [guestStep(observed, place, built)],
  ];
  return { kind: "planned", plan: { stages } };
}

/** What must be asked of the cloud's capacity for this mount. */
export function mountQuestions(observed: MountObservation): CapacityQuestions {
  const types = copiesOf(observed, new Problems()).flatMap(({ disk }) => disk.volumeType ?? []);
  return { rooms: [], volumeTypes: [...new Set(types)] };
}

interface Place {
  readonly instance: MountInstance;
  readonly host: string;
}

function planPlace(
  { instance, instanceId, liveHosts, mountingHosts }: MountObservation,
  problems: Problems,
): Place | undefined {
  if (instance === undefined) {
    problems.add(`The mount instance ${instanceId} does not exist in this project`);
    return undefined;
  }
  const which = `The mount instance ${instance.name} (${instance.id})`;
  if (instance.status !== RUNNING) {
    problems.add(`${which} is ${instance.status}; start it: it must be ${RUNNING}`);
    return undefined;
  }
  if (instance.host === undefined || !liveHosts.includes(instance.host)) {
    const where = instance.host === undefined ? "its compute node" : `its compute node ${instance.host}`;
    problems.add(`${which} cannot be reached: ${where} has no live datamover; choose an instance elsewhere`);
    return undefined;
  }
  if (!mountingHosts.includes(instance.host)) {
    const why = `the datamover of its compute node ${instance.host} is of an earlier release`;
    problems.add(`${which} cannot be reached: ${why}; upgrade it, or choose an instance elsewhere`);
    return undefined;
  }
  return { instance, host: instance.host };
}

function copiesOf(observed: MountObservation, problems: Problems): Copy[] {
  const copies = observed.captured.instances.flatMap((instance) =>
    instance.disks.flatMap((disk) => copyOf(observed, { instance, disk }, problems)),
  );
  if (copies.length === 0) problems.add("This snapshot has no disk to mount");
  return copies;
}

function copyOf(
  observed: MountObservation,
  { instance, disk }: { readonly instance: CapturedInstance; readonly disk: CapturedDisk },
  problems: Problems,
): Copy[] {
  const which = `${disk.device} of instance ${instance.name}`;
  const committed = observed.committed.find(({ diskId }) => diskId === disk.diskId);
  if (committed === undefined) {
    problems.add(`Disk ${which} is not in the snapshot's commit`);
    return [];
  }
  const { source } = disk;
  const neededGiB = Math.max(1, Math.ceil(committed.sizeBytes / GiB));
  if (source.kind === "local") {
    return [
      {
        instance,
        disk: { captured: disk, committed, volumeType: null, availabilityZone: null, sizeGiB: neededGiB },
      },
    ];
  }
  const isThere = source.volumeType !== null && observed.volumeTypeNames.includes(source.volumeType);
  // A copy is thrown away soon, so any type does; but what was encrypted is not laid down in the clear.
  if (source.isEncrypted && !isThere) {
    const type = source.volumeType ?? "that it had";
    problems.add(
      `Disk ${which} was an encrypted volume, and the volume type ${type} does not exist any more: ` +
        "its copy would not be encrypted; restore it with a type of your choice instead",
    );
  }
  return [
    {
      instance,
      disk: {
        captured: disk,
        committed,
        volumeType: isThere ? source.volumeType : null,
        availabilityZone: source.availabilityZone,
        sizeGiB: Math.max(source.sizeGiB, neededGiB),
      },
    },
  ];
}

function checkRoom(
  { allowances, capacity }: MountObservation,
  copies: readonly Copy[],
  problems: Problems,
): void {
  const gibOf = (some: readonly Copy[]): number => some.reduce((sum, { disk }) => sum + disk.sizeGiB, 0);
  checkQuota(allowances.volumes, copies.length, { words: "volumes", problems });
  checkQuota(allowances.gigabytes, gibOf(copies), { words: "GiB of volumes", problems });
  for (const [type, own] of Object.entries(allowances.volumeTypes)) {
    const some = copies.filter(({ disk }) => disk.volumeType === type);
    checkQuota(own.volumes, some.length, { words: `volumes of type ${type}`, problems });
    checkQuota(own.gigabytes, gibOf(some), { words: `GiB of volumes of type ${type}`, problems });
  }
  checkVolumes(
    capacity,
    copies.map(({ instance, disk }) => ({ instanceName: instance.name, disk })),
    problems,
  );
}

interface Built {
  readonly number: number;
  readonly copy: Copy;
  readonly create: PlannedStep;
  /** The step whose output names the volume that holds the disk. */
  readonly writtenKey: string;
  writes(host: string): { readonly attached: PlannedStep; readonly byImage: PlannedStep };
}

const NAME_CHARACTERS_MAX = 255;

function build({ snapshotId }: MountObservation, copy: Copy, number: number): Built {
  const { instance, disk } = copy;
  const [volumeStep, writeStep, writtenKey] = [
    `volume-${number}`,
    `write-${number}`,
    `write-image-${number}`,
  ];
  const volume: CreateVolumeStep = {
    name: `cairn-mount ${instance.name} ${disk.captured.device}`.slice(0, NAME_CHARACTERS_MAX).toWellFormed(),
    description: `A copy of a disk of snapshot ${snapshotId}; it is deleted when the snapshot is dismounted.`,
    sizeGiB: disk.sizeGiB,
    volumeType: disk.volumeType,
    availabilityZone: disk.availabilityZone,
    metadata: { [MOUNT_KEY]: snapshotId },
  };
  const { diskId, root, sizeBytes } = disk.committed;
  const common = { volumeStep, disk: { diskId, root, sizeBytes }, isBootable: false, imageMetadata: {} };
  const what = `Disk ${disk.captured.device} of instance ${instance.name}`;
  return {
    number,
    copy,
    create: { key: volumeStep, kind: "create-volume", parameters: volume },
    writtenKey,
    writes: (host) => {
      const attached: WriteVolumeStep = { ...common, host, byImageStep: writtenKey };
      const byImage: WriteByImageStep = { ...common, host, writeStep, volume, what };
      return {
        attached: { key: writeStep, kind: "write-volume", parameters: attached },
        byImage: { key: writtenKey, kind: "write-by-image", parameters: byImage },
      };
    },
  };
}

function guestStep(
  { snapshotId }: MountObservation,
  { instance, host }: Place,
  built: readonly Built[],
): PlannedStep {
  const parameters: MountInGuestStep = {
    snapshotId,
    instanceId: instance.id,
    instanceName: instance.name,
    host,
    url: mountUrl(instance.addresses, snapshotId),
    disks: built.map(({ copy, writtenKey }) => ({
      volumeStep: writtenKey,
      diskId: copy.disk.captured.diskId,
      instanceId: copy.instance.id,
      instanceName: copy.instance.name,
      device: mountDevice(copy.disk.captured.device),
      folder: mountFolder(copy.instance),
    })),
  };
  return { key: "guest", kind: "mount-in-guest", parameters };
}

/** What the end of a mount depends on. */
export interface DismountObservation {
  readonly snapshotId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  readonly copies: readonly Pick<MountedCopy, "volumeId">[];
  /** Undefined: it is gone, and what was attached to it is free. */
  readonly instance: Pick<MountInstance, "status" | "host"> | undefined;
  readonly liveHosts: readonly string[];
}

/**
 * Plans to dismount a snapshot. Never refused: the copies are thrown away, so a guest that cannot be told is
 * no reason to keep them; only one that runs has anything mounted.
 */
export function planSnapshotDismount(observed: DismountObservation): PlanVerdict {
  const { snapshotId, instanceId, copies } = observed;
  const steps = (kind: string, prefix: string): PlannedStep[] =>
    copies.map(({ volumeId }, index) => {
      const parameters: MountedVolumeStep = { snapshotId, instanceId, volumeId };
      return { key: `${prefix}-${index + 1}`, kind, parameters };
    });
  const stages = [unmountSteps(observed), steps("detach-copy", "detach"), steps("delete-copy", "delete")];
  return { kind: "planned", plan: { stages: stages.filter((stage) => stage.length > 0) } };
}

function unmountSteps(observed: DismountObservation): PlannedStep[] {
  const { snapshotId, instanceId, instanceName, instance, liveHosts } = observed;
  if (instance?.status !== RUNNING) return [];
  if (instance.host === undefined || !liveHosts.includes(instance.host)) {
    const parameters: NoteStep = {
      warnings: [untoldGuest(instanceName, "its compute node has no datamover")],
    };
    return [{ key: "note", kind: "note", parameters }];
  }
  const parameters: UnmountInGuestStep = { snapshotId, instanceId, instanceName, host: instance.host };
  return [{ key: "guest", kind: "unmount-in-guest", parameters }];
}

/** What the user should know of a guest that lost its disks without having let go of them. */
export function untoldGuest(instanceName: string, because: string): string {
  return (
    `The disks were taken from instance ${instanceName} without its guest having unmounted them, as ` +
    `${because}; should it still show folders below /mnt/cairn, unmount them there (umount -l)`
  );
}
