import { BARRIER_MEMBERS_MAX } from "./barrier.ts";
import type {
  CapturedInstance,
  CapturedRecord,
  CapturedSecurityGroup,
  CapturedWorkload,
} from "./captured.ts";
import { CAPTURED_VERSION } from "./captured.ts";
import type { CapturedServerGroup, CapturedTopology } from "./captured-network.ts";
import { bitmapName } from "./names.ts";
import { Problems } from "./problems.ts";
import type { PlannedStep, PlanVerdict } from "./run.ts";
import { isShared, readSharedOnce } from "./shared-volumes.ts";

/** The snapshot that a disk's changes are counted from; the datamover proves each field before it uses it. */
export interface BitmapBase {
  readonly snapshotId: string;
  readonly root: string;
  readonly sizeBytes: number;
  readonly bitmap: string;
  readonly qemu: { readonly pid: number; readonly startTicks: string };
  readonly persistent: boolean;
  readonly path: string;
}

/** What is remembered of a disk since its last committed snapshot. */
export interface KnownDisk {
  readonly diskId: string;
  readonly root: string;
  /** Absent when no bitmap was left recording. */
  readonly base?: BitmapBase;
}

export type ObservedInstance =
  | { readonly kind: "missing"; readonly id: string }
  | {
      readonly kind: "present";
      readonly captured: CapturedInstance;
      /** The compute node; undefined while it has none (building, shelved). */
      readonly host: string | undefined;
      readonly taskState: string | undefined;
    };

/** Everything that a snapshot's plan depends on. */
export interface SnapshotObservation {
  readonly snapshotId: string;
  readonly workload: { readonly id: string; readonly name: string };
  readonly record: CapturedRecord;
  /** `serial`: one instance after the other. */
  readonly order: "serial" | "parallel";
  readonly requested: SnapshotKind;
  /** The workload was reset, so that the next snapshot is full whatever is asked. */
  readonly nextFull: boolean;
  readonly hasCommittedSnapshot: boolean;
  readonly instances: readonly ObservedInstance[];
  readonly securityGroups: readonly CapturedSecurityGroup[];
  readonly topology: CapturedTopology;
  readonly serverGroups: readonly CapturedServerGroup[];
  /** Hosts whose datamover was seen a short while ago. */
  readonly liveHosts: readonly string[];
  /** Hosts that an operator has taken out of service. */
  readonly disabledHosts?: readonly string[];
  readonly knownDisks: readonly KnownDisk[];
  /** Bytes per disk that a bitmap calls unchanged to read and compare all the same. */
  readonly auditBytes: number;
}

export type SnapshotKind = "full" | "incremental";

/** Statuses in which an instance's disks can be read at one point in time. */
const READABLE = ["ACTIVE", "PAUSED", "SUSPENDED", "SHUTOFF"];

/** The shape of the datamover's `protect-instance` order. */
export interface ProtectOrder {
  readonly kind: "protect-instance";
  readonly snapshotId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  readonly disks: {
    diskId: string;
    device: string;
    source: { kind: "volume"; volumeId: string } | { kind: "local"; device: string };
    previousRoot?: string;
    base?: BitmapBase;
  }[];
  readonly bitmap: string;
  readonly auditBytes: number;
  readonly barrier?: { readonly id: string; readonly members: string[] };
}

/** Parameters of `protect-instance`. */
export interface ProtectStep {
  readonly host: string;
  readonly order: ProtectOrder;
}

/** Parameters of `write-commit`. */
export interface CommitStep {
  readonly type: SnapshotKind;
  readonly captured: CapturedWorkload;
  /** Keys of the steps whose outcomes are committed, in the order of the captured instances. */
  readonly protectSteps: readonly string[];
}

/** Parameters of `settle-instance`. */
export interface SettleStep {
  readonly host: string;
  readonly instanceId: string;
  readonly instanceName: string;
  /**
   * The step whose outcome tells which bitmaps stay: those that its bases name (for a stopped instance the
   * old one, which still holds). Null: none stays.
   */
  readonly protectStep: string | null;
}

/**
 * Whether a snapshot reads everything: the first does, one after a reset does, one that was asked to does.
 */
export function snapshotKind(asked: {
  readonly requested: SnapshotKind;
  readonly nextFull: boolean;
  readonly hasCommittedSnapshot: boolean;
}): SnapshotKind {
  return asked.nextFull || !asked.hasCommittedSnapshot ? "full" : asked.requested;
}

/**
 * Plans a snapshot. The bases advance (in the database) before `settle-instance` removes the bitmaps that
 * they replace, and both happen inside of the run: while it holds the workload, no other snapshot can start
 * a bitmap that a late settling would take for an old one.
 */
export function planSnapshot(observed: SnapshotObservation): PlanVerdict {
  const problems = new Problems();
  const sound = observed.instances.flatMap((instance) => checkInstance(instance, observed, problems));
  const captured = readSharedOnce(sound.map((member) => member.captured));
  const members = sound.map((member, index) => ({ ...member, captured: captured[index] ?? member.captured }));
  if (observed.instances.length === 0) problems.add(`Workload ${observed.workload.name} has no instances`);
  if (!problems.isEmpty) return problems.refusal();
  const kind = snapshotKind(observed);
  const barrier = barrierOf(members, observed);
  const protect = members.map((member, index): PlannedStep => {
    const parameters: ProtectStep = {
      host: member.host,
      order: { ...protectOrder(member.captured, observed, kind), ...barrier },
    };
    return { key: `protect-${index + 1}`, kind: "protect-instance", parameters };
  });
  const commit: CommitStep = {
    type: kind,
    captured: {
      version: CAPTURED_VERSION,
      workload: observed.workload,
      record: observed.record,
      instances: members.map((member) => member.captured),
      securityGroups: observed.securityGroups,
      topology: observed.topology,
      serverGroups: observed.serverGroups,
    },
    protectSteps: protect.map((step) => step.key),
  };
  const settle = members.map((member, index): PlannedStep => {
    const parameters: SettleStep = {
      host: member.host,
      instanceId: member.captured.id,
      instanceName: member.captured.name,
      protectStep: protect[index]?.key ?? null,
    };
    return { key: `settle-${index + 1}`, kind: "settle-instance", parameters };
  });
  return {
    kind: "planned",
    plan: {
      stages: [
        [{ key: "repository", kind: "ensure-repository", parameters: {} }],
        ...(observed.order === "serial" ? protect.map((step) => [step]) : [protect]),
        [{ key: "commit", kind: "write-commit", parameters: commit }],
        [{ key: "bases", kind: "advance-bases", parameters: { protectSteps: commit.protectSteps } }],
        settle,
      ],
    },
  };
}

/**
 * Instances that are read side by side take their points together; one after the other is what a serial
 * workload asks for.
 */
function barrierOf(
  members: readonly Member[],
  { order, snapshotId }: SnapshotObservation,
): Pick<ProtectOrder, "barrier"> {
  if (order === "serial" || members.length < 2 || members.length > BARRIER_MEMBERS_MAX) return {};
  return { barrier: { id: snapshotId, members: members.map(({ captured }) => captured.id) } };
}

interface Member {
  readonly captured: CapturedInstance;
  readonly host: string;
}

function checkInstance(
  instance: ObservedInstance,
  observed: SnapshotObservation,
  problems: Problems,
): Member[] {
  if (instance.kind === "missing") {
    // The words of the reference, which clients look for.
    problems.add(`Unable to find Virtual Machine '${instance.id}' in nova inventory`);
    return [];
  }
  const { captured, host, taskState } = instance;
  if (!READABLE.includes(captured.status)) {
    problems.add(
      `Instance ${captured.name} is ${captured.status}; it can be protected when it is ACTIVE or SHUTOFF`,
    );
    return [];
  }
  if (taskState !== undefined) {
    problems.add(`Instance ${captured.name} is being changed (${taskState}); try again when that is over`);
    return [];
  }
  if (captured.disks.length === 0) {
    problems.add(`Instance ${captured.name} has no disk to protect: all are excluded`);
    return [];
  }
  if (host === undefined || !observed.liveHosts.includes(host)) {
    problems.add(whyNoHost(captured.name, host, observed));
    return [];
  }
  return [{ captured, host }];
}

function whyNoHost(name: string, host: string | undefined, { disabledHosts }: SnapshotObservation): string {
  if (host === undefined) return `Instance ${name} is on no compute node`;
  // Begins with the words that clients look for.
  if (disabledHosts?.includes(host) === true)
    return `No valid host was found. Instance ${name} is on ${host}, whose datamover is disabled`;
  return `Instance ${name} is on compute node ${host}, which has no live datamover`;
}

function protectOrder(
  captured: CapturedInstance,
  observed: SnapshotObservation,
  kind: SnapshotKind,
): ProtectOrder {
  return {
    kind: "protect-instance",
    snapshotId: observed.snapshotId,
    instanceId: captured.id,
    instanceName: captured.name,
    disks: captured.disks.map((disk) => {
      const known = observed.knownDisks.find((each) => each.diskId === disk.diskId);
      const { base } = known ?? {};
      return {
        diskId: disk.diskId,
        device: disk.device,
        source:
          disk.source.kind === "volume"
            ? { kind: "volume", volumeId: disk.source.volumeId }
            : { kind: "local", device: disk.device },
        // A full snapshot trusts no bitmap, and a disk that others write into has none to trust, but
        // equal pages are still found again instead of stored again.
        ...(known === undefined ? {} : { previousRoot: known.root }),
        ...(base === undefined || kind === "full" || isShared(disk) ? {} : { base }),
      };
    }),
    bitmap: bitmapName(observed.snapshotId),
    auditBytes: observed.auditBytes,
  };
}
