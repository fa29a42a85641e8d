import { assert } from "@cairn/kernel";
import type { PlannedFloatingIp } from "./restore-floating-ips.ts";
import { GROUPS_KEY, type PlannedGroups } from "./restore-groups.ts";
import { keyNameOf } from "./restore-key-pairs.ts";
import type { NewDisk, NewInstance } from "./restore-new-instance.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type {
  AssignFloatingIpStep,
  CreatePortStep,
  CreateServerStep,
  CreateVolumeStep,
  FinishSecurityGroupsStep,
  FinishServerStep,
  NicReference,
  NoteStep,
  PlaceholderImageStep,
  StartServerStep,
  WriteByImageStep,
  WriteInstanceDiskStep,
  WriteVolumeStep,
} from "./restore-steps.ts";
import type { PlannedTopology } from "./restore-topology.ts";
import type { PlannedStep } from "./run.ts";

/*
 * The order of a restore's stages. Volumes are whole before an instance can boot from them, so no guest
 * ever sees a disk that is half written. An instance that boots from a local disk is made on a blank image:
 * it boots nothing, is stopped, written, and only then started. The marks of the run go last, when nothing
 * can fail any more but looking.
 */

/** What is made around the instances. */
export interface Surroundings {
  readonly groups: PlannedGroups;
  readonly topology: PlannedTopology;
  /** By instance. */
  readonly floatingIps: readonly (readonly PlannedFloatingIp[])[];
  /** Steps that need nothing and that others need. */
  readonly prepare: readonly PlannedStep[];
  readonly warnings: readonly string[];
}

/** The stages that make these instances. */
export function stagesOfNewInstances(
  observed: RestoreObservation,
  instances: readonly NewInstance[],
  around: Surroundings,
): PlannedStep[][] {
  const { groups, topology } = around;
  const builds = instances.map((instance, index) => build(observed, instance, { number: index + 1, around }));
  const volumes = builds.flatMap((each) => each.volumes);
  const prepare = [
    ...noteStep(around.warnings),
    ...volumes.map((volume) => volume.create),
    ...(topology.networks === undefined ? [] : [topology.networks]),
    ...(groups.step === undefined
      ? []
      : [{ key: GROUPS_KEY, kind: "create-security-groups", parameters: groups.step }]),
    ...around.prepare,
    ...builds.flatMap((each) => each.images),
  ];
  // Spread over all live datamovers: each has its own network link to the target.
  const writes = volumes.map((volume, index) => volume.writes(hostAt(observed, index)));
  const stages = [
    prepare,
    // Legs of routers have addresses of their own, which no port of an instance must get before.
    topology.routers === undefined ? [] : [topology.routers],
    [...writes.map((each) => each.attached), ...builds.flatMap((each) => each.ports)],
    writes.map((each) => each.byImage),
    builds.map((each) => each.server),
    builds.flatMap((each) => each.stops),
    builds.flatMap((each) => each.rootWrites),
    builds.flatMap((each) => each.starts),
    builds.flatMap((each) => each.floatingIps),
    [
      ...builds.map((each) => each.finish),
      ...finishGroups(groups),
      ...(topology.finish === undefined ? [] : [topology.finish]),
    ],
  ];
  return stages.filter((stage) => stage.length > 0);
}

function noteStep(warnings: readonly string[]): PlannedStep[] {
  if (warnings.length === 0) return [];
  const parameters: NoteStep = { warnings };
  return [{ key: "note", kind: "note", parameters }];
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
  /** The step whose output names the volume that holds the disk. */
  readonly writtenKey: string;
  writes(host: string): { readonly attached: PlannedStep; readonly byImage: PlannedStep };
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
  readonly floatingIps: readonly PlannedStep[];
  readonly finish: PlannedStep;
}

function build(
  observed: RestoreObservation,
  instance: NewInstance,
  { number, around }: { readonly number: number; readonly around: Surroundings },
): Build {
  const volumes = instance.disks
    .filter((disk) => disk.captured.source.kind === "volume")
    .map((disk, index) => buildVolume(instance, disk, `${number}-${index + 1}`));
  const ports = instance.nics.map((nic, index) =>
    buildPort(nic, `port-${number}-${index + 1}`, around.groups),
  );
  const floatingIps = (around.floatingIps[number - 1] ?? []).map((planned, index) =>
    buildFloatingIp(planned, ports, `floating-ip-${number}-${index + 1}`),
  );
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
    floatingIps: floatingIps.map((each) => each.step),
    finish: {
      key: `finish-${number}`,
      kind: "finish-server",
      parameters: finish(instance, serverKey, { volumes, ports, floatingIps }),
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

function buildVolume(instance: NewInstance, disk: NewDisk, suffix: string): VolumeBuild {
  const { source } = disk.captured;
  assert(source.kind === "volume", "only volumes are made of volumes");
  const key = `volume-${suffix}`;
  const volume: CreateVolumeStep = {
    name: source.name,
    description: source.description,
    sizeGiB: disk.sizeGiB,
    volumeType: disk.volumeType,
    availabilityZone: disk.availabilityZone,
    metadata: source.metadata,
  };
  const { diskId, root, sizeBytes } = disk.committed;
  const { imageMetadata } = source;
  const isBootable = source.isBootable || disk.captured.isRoot;
  const common = { volumeStep: key, disk: { diskId, root, sizeBytes }, isBootable, imageMetadata };
  const [writeStep, writtenKey] = [`write-${suffix}`, `write-image-${suffix}`];
  const what = `Disk ${disk.captured.device} of instance ${instance.name}`;
  return {
    key,
    disk,
    create: { key, kind: "create-volume", parameters: volume },
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

interface PortBuild {
  readonly nic: NewInstance["nics"][number];
  readonly reference: NicReference;
  readonly step: PlannedStep | undefined;
  readonly name: string;
}

function buildPort(nic: NewInstance["nics"][number], key: string, groups: PlannedGroups): PortBuild {
  if (nic.kind === "existing") {
    return { nic, reference: { kind: "existing", portId: nic.portId }, step: undefined, name: "" };
  }
  const parameters: CreatePortStep = { ...nic.port, securityGroups: groups.refer(nic.groupIds) };
  return {
    nic,
    reference: { kind: "created", portStep: key },
    step: { key, kind: "create-port", parameters },
    name: nic.port.name,
  };
}

interface FloatingIpBuild {
  readonly step: PlannedStep;
  readonly description: string;
}

function buildFloatingIp(
  { nic, assign, captured }: PlannedFloatingIp,
  ports: readonly PortBuild[],
  key: string,
): FloatingIpBuild {
  const port = ports.find((each) => each.nic === nic);
  assert(port !== undefined, "a floating address is for an interface of its instance");
  const parameters: AssignFloatingIpStep = { ...assign, port: port.reference };
  return { step: { key, kind: "assign-floating-ip", parameters }, description: captured.description };
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
    flavorId: instance.flavor.kind === "existing" ? instance.flavor.id : "",
    flavorStep: instance.flavor.kind === "created" ? instance.flavor.flavorStep : null,
    serverGroup: instance.serverGroup,
    imageStep: imageKey,
    volumes: volumes.map(({ writtenKey, disk }) => {
      const { source } = disk.captured;
      return {
        volumeStep: writtenKey,
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

function finish(
  instance: NewInstance,
  serverStep: string,
  { volumes, ports, floatingIps }: Parts & { readonly floatingIps: readonly FloatingIpBuild[] },
): FinishServerStep {
  return {
    serverStep,
    originalId: instance.captured.id,
    name: instance.name,
    volumeSteps: volumes.map((volume) => volume.writtenKey),
    ports: ports.flatMap(({ reference, name }) =>
      reference.kind === "created" ? [{ portStep: reference.portStep, name }] : [],
    ),
    floatingIps: floatingIps.map(({ step, description }) => ({ floatingIpStep: step.key, description })),
  };
}

function hostAt(observed: RestoreObservation, index: number): string {
  const host = observed.liveHosts[index % observed.liveHosts.length];
  assert(host !== undefined, "a plan that writes volumes has a live host");
  return host;
}
