import { assert } from "@cairn/kernel";
import type { CapturedKeyPair } from "./captured.ts";
import { GROUPS_KEY, type PlannedGroups } from "./restore-groups.ts";
import type { NewDisk, NewInstance } from "./restore-new-instance.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type {
  CreatePortStep,
  CreateServerStep,
  CreateVolumeStep,
  FinishSecurityGroupsStep,
  FinishServerStep,
  ImportKeyPairStep,
  NicReference,
  PlaceholderImageStep,
  StartServerStep,
  WriteInstanceDiskStep,
  WriteVolumeStep,
} from "./restore-steps.ts";
import type { PlannedStep } from "./run.ts";

/*
 * The order of a restore's stages. Volumes are whole before an instance can boot from them, so no guest
 * ever sees a disk that is half written. An instance that boots from a local disk is made on a blank image:
 * it boots nothing, is stopped, written, and only then started. The marks of the run go last, when nothing
 * can fail any more but looking.
 */

/** The stages that make these instances. */
export function stagesOfNewInstances(
  observed: RestoreObservation,
  instances: readonly NewInstance[],
  groups: PlannedGroups,
): PlannedStep[][] {
  const builds = instances.map((instance, index) => build(observed, instance, index + 1, groups));
  const volumes = builds.flatMap((each) => each.volumes);
  const prepare = [
    ...volumes.map((volume) => volume.create),
    ...(groups.step === undefined
      ? []
      : [{ key: GROUPS_KEY, kind: "create-security-groups", parameters: groups.step }]),
    ...keyPairSteps(observed, instances),
    ...builds.flatMap((each) => each.images),
  ];
  // Spread over all live datamovers: each has its own network link to the target.
  const writes = volumes.map((volume, index) => volume.write(hostAt(observed, index)));
  const stages = [
    prepare,
    [...writes, ...builds.flatMap((each) => each.ports)],
    builds.map((each) => each.server),
    builds.flatMap((each) => each.stops),
    builds.flatMap((each) => each.rootWrites),
    builds.flatMap((each) => each.starts),
    [...builds.map((each) => each.finish), ...finishGroups(groups)],
  ];
  return stages.filter((stage) => stage.length > 0);
}

function finishGroups(groups: PlannedGroups): PlannedStep[] {
  if (groups.step === undefined) return [];
  const parameters: FinishSecurityGroupsStep = {
    groupsStep: GROUPS_KEY,
    groups: groups.step.groups.map(({ id, description }) => ({ capturedId: id, description })),
  };
  return [{ key: "finish-security-groups", kind: "finish-security-groups", parameters }];
}

interface VolumeBuild {
  readonly key: string;
  readonly disk: NewDisk;
  readonly create: PlannedStep;
  write(host: string): PlannedStep;
}

/** The steps that make one instance, by stage. */
interface Build {
  readonly volumes: readonly VolumeBuild[];
  readonly images: readonly PlannedStep[];
  readonly ports: readonly PlannedStep[];
  readonly server: PlannedStep;
  readonly stops: readonly PlannedStep[];
  readonly rootWrites: readonly PlannedStep[];
  readonly starts: readonly PlannedStep[];
  readonly finish: PlannedStep;
}

function build(
  observed: RestoreObservation,
  instance: NewInstance,
  number: number,
  groups: PlannedGroups,
): Build {
  const volumes = instance.disks
    .filter((disk) => disk.captured.source.kind === "volume")
    .map((disk, index) => buildVolume(disk, `${number}-${index + 1}`));
  const ports = instance.nics.map((nic, index) => buildPort(nic, `port-${number}-${index + 1}`, groups));
  const serverKey = `server-${number}`;
  const local = instance.disks.find((disk) => disk.captured.source.kind === "local");
  const imageKey = local === undefined ? null : `image-${number}`;
  const server = serverParameters(observed, instance, { volumes, ports, imageKey });
  const created = { kind: "created", serverStep: serverKey } as const;
  const power: StartServerStep = { instance: created, instanceName: instance.name };
  return {
    volumes,
    ports: ports.flatMap((port) => port.step ?? []),
    server: { key: serverKey, kind: "create-server", parameters: server },
    finish: {
      key: `finish-${number}`,
      kind: "finish-server",
      parameters: finish(instance, serverKey, { volumes, ports }),
    },
    ...(local === undefined || imageKey === null
      ? { images: [], stops: [], rootWrites: [], starts: [] }
      : {
          images: [imageStep(instance, local, imageKey)],
          stops: [{ key: `stop-${number}`, kind: "stop-server", parameters: power }],
          rootWrites: [rootWrite(instance, local, { key: `write-root-${number}`, serverKey })],
          starts: [{ key: `start-${number}`, kind: "start-server", parameters: power }],
        }),
  };
}

function buildVolume(disk: NewDisk, suffix: string): VolumeBuild {
  const { source } = disk.captured;
  assert(source.kind === "volume", "only volumes are made of volumes");
  const key = `volume-${suffix}`;
  const parameters: CreateVolumeStep = {
    name: source.name,
    description: source.description,
    sizeGiB: disk.sizeGiB,
    volumeType: disk.volumeType,
    availabilityZone: disk.availabilityZone,
    metadata: source.metadata,
  };
  return {
    key,
    disk,
    create: { key, kind: "create-volume", parameters },
    write: (host) => {
      const { diskId, root, sizeBytes } = disk.committed;
      const { isBootable, imageMetadata } = source;
      const write: WriteVolumeStep = {
        volumeStep: key,
        host,
        disk: { diskId, root, sizeBytes },
        isBootable: isBootable || disk.captured.isRoot,
        imageMetadata,
      };
      return { key: `write-${suffix}`, kind: "write-volume", parameters: write };
    },
  };
}

interface PortBuild {
  readonly reference: NicReference;
  readonly step: PlannedStep | undefined;
  readonly name: string;
}

function buildPort(nic: NewInstance["nics"][number], key: string, groups: PlannedGroups): PortBuild {
  if (nic.kind === "existing") {
    return { reference: { kind: "existing", portId: nic.portId }, step: undefined, name: "" };
  }
  const parameters: CreatePortStep = { ...nic.port, securityGroups: groups.refer(nic.groupIds) };
  return {
    reference: { kind: "created", portStep: key },
    step: { key, kind: "create-port", parameters },
    name: nic.port.name,
  };
}

interface Parts {
  readonly volumes: readonly VolumeBuild[];
  readonly ports: readonly PortBuild[];
}

function serverParameters(
  observed: RestoreObservation,
  instance: NewInstance,
  { volumes, ports, imageKey }: Parts & { readonly imageKey: string | null },
): CreateServerStep {
  const { captured } = instance;
  return {
    name: instance.name,
    description: captured.description,
    flavorId: instance.flavor.id,
    imageStep: imageKey,
    volumes: volumes.map(({ key, disk }) => {
      const { source } = disk.captured;
      return {
        volumeStep: key,
        device: disk.captured.device,
        isRoot: disk.captured.isRoot,
        deleteOnTermination: source.kind === "volume" && source.deleteOnTermination,
      };
    }),
    nics: ports.map((port) => port.reference),
    availabilityZone: instance.availabilityZone,
    keyName: keyNameOf(observed, captured.keyPair),
    metadata: instance.metadata,
    tags: captured.tags,
    userData: captured.userData,
    hasConfigDrive: captured.hasConfigDrive,
  };
}

/** The image's bytes are whole sectors: QEMU rounds the size of a raw file up in the same way. */
function imageStep(instance: NewInstance, local: NewDisk, key: string): PlannedStep {
  const { image } = instance.captured;
  assert(image !== null, "an instance with a local root disk has an image");
  const virtualSizeBytes = Math.ceil(local.committed.sizeBytes / 512) * 512;
  const parameters: PlaceholderImageStep = { virtualSizeBytes, image };
  return { key, kind: "create-placeholder-image", parameters };
}

function rootWrite(
  instance: NewInstance,
  local: NewDisk,
  { key, serverKey }: { readonly key: string; readonly serverKey: string },
): PlannedStep {
  const { diskId, root, sizeBytes } = local.committed;
  const parameters: WriteInstanceDiskStep = {
    instance: { kind: "created", serverStep: serverKey },
    instanceName: instance.name,
    device: local.captured.device,
    source: { kind: "local", device: local.captured.device },
    disk: { diskId, root, sizeBytes },
    mode: "whole",
  };
  return { key, kind: "write-instance-disk", parameters };
}

function finish(instance: NewInstance, serverStep: string, { volumes, ports }: Parts): FinishServerStep {
  return {
    serverStep,
    originalId: instance.captured.id,
    name: instance.name,
    volumeSteps: volumes.map((volume) => volume.key),
    ports: ports.flatMap(({ reference, name }) =>
      reference.kind === "created" ? [{ portStep: reference.portStep, name }] : [],
    ),
  };
}

function keyNameOf(observed: RestoreObservation, keyPair: CapturedKeyPair | null): string | null {
  if (keyPair === null) return null;
  return keyPair.publicKey !== null || observed.keyPairNames.includes(keyPair.name) ? keyPair.name : null;
}

/** A key pair that Nova has lost together with its public key is left out: the guest has it on its disk. */
function keyPairSteps(observed: RestoreObservation, instances: readonly NewInstance[]): PlannedStep[] {
  const missing = new Map<string, ImportKeyPairStep>();
  for (const { captured } of instances) {
    const { keyPair } = captured;
    if (keyPair === null || observed.keyPairNames.includes(keyPair.name)) continue;
    if (keyPair.publicKey === null) continue;
    missing.set(keyPair.name, { name: keyPair.name, publicKey: keyPair.publicKey, type: keyPair.type });
  }
  return [...missing.values()].map((parameters, index) => ({
    key: `key-pair-${index + 1}`,
    kind: "import-key-pair",
    parameters,
  }));
}

function hostAt(observed: RestoreObservation, index: number): string {
  const host = observed.liveHosts[index % observed.liveHosts.length];
  assert(host !== undefined, "a plan that writes volumes has a live host");
  return host;
}
