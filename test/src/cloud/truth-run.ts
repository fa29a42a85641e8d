import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { SnapshotDetail } from "@cairn/contract";
import { findSnapshot } from "@cairn/database";
import { systemClock, unreachable } from "@cairn/kernel";
import { beginSnapshot, endOfSnapshot, runOf } from "../job.ts";
import { until } from "../tree.ts";
import { killQemu, restartLibvirt } from "./host.ts";
import { Operator } from "./operator.ts";
import { describeStep, type InstanceState, type Operation, type Step } from "./plan.ts";
import type { CloudTree } from "./short-tree.ts";
import { complaintAbout, type TakenSnapshot } from "./truth-check.ts";
import type { TruthInstance } from "./truth-instance.ts";

const WRITE_MS = 2_000;
const HANDED_OUT_MS = 120_000;

/** Nova's own actions, and the status that each leads to. */
const ACTIONS = {
  pause: [{ pause: null }, "PAUSED"],
  unpause: [{ unpause: null }, "ACTIVE"],
  suspend: [{ suspend: null }, "SUSPENDED"],
  resume: [{ resume: null }, "ACTIVE"],
  "soft-reboot": [{ reboot: { type: "SOFT" } }, "ACTIVE"],
  "hard-reboot": [{ reboot: { type: "HARD" } }, "ACTIVE"],
  stop: [{ "os-stop": null }, "SHUTOFF"],
  start: [{ "os-start": null }, "ACTIVE"],
  shelve: [{ shelve: null }, "SHELVED_OFFLOADED"],
  unshelve: [{ unshelve: null }, "ACTIVE"],
} as const;
type Action = keyof typeof ACTIONS;
const isAction = (operation: Operation): operation is Action => operation in ACTIONS;

/** What a run of operations came to. */
export interface TruthTally {
  committed: number;
  incremental: number;
  frozen: number;
  /** Snapshots that ended with an error, each with its step and reason. */
  readonly refused: string[];
}

export interface TruthMember {
  readonly instance: TruthInstance;
  readonly workloadId: string;
  /** Ids of flavors between which the instance is resized, by turns; it has the first one now. */
  flavors: readonly [now: string, next: string];
  state: InstanceState;
}

interface PendingSnapshot {
  readonly title: string;
  readonly member: TruthMember;
  readonly taken: Omit<TakenSnapshot, "atMost">;
}

/** Carries out steps and compares each committed snapshot with the model as soon as its bounds are known. */
export class TruthRun {
  readonly tally: TruthTally = { committed: 0, incremental: 0, frozen: 0, refused: [] };
  readonly #tree: CloudTree;
  readonly #cloudFolder: string;
  readonly #members: readonly TruthMember[];
  readonly #operator: Operator;
  readonly #pending: PendingSnapshot[] = [];

  constructor(tree: CloudTree, cloudFolder: string, members: readonly TruthMember[]) {
    this.#tree = tree;
    this.#cloudFolder = cloudFolder;
    this.#members = members;
    this.#operator = new Operator(tree.cloud, tree.signal);
  }

  async perform(step: Step, index: number): Promise<void> {
    const member = this.#members[step.instance];
    if (member === undefined) throw new Error(`there is no instance ${step.instance}`);
    const title = describeStep(step, index);
    const { snapshot } = step;
    await this.#tell(title);
    if (snapshot?.when === "beside") {
      await this.#snapshot(
        member,
        { title, isFull: snapshot.isFull, operation: step.operation },
        async (id) => {
          if (snapshot.after === "handed-out") await this.#handedOut(id);
          await systemClock.sleep(snapshot.delayMs, this.#tree.signal);
          await this.operate(member, step.operation, step.leaves);
        },
      );
    } else {
      await this.operate(member, step.operation, step.leaves);
      if (snapshot !== undefined)
        await this.#snapshot(member, { title, isFull: snapshot.isFull, operation: undefined });
    }
    await this.#judgePending();
  }

  /** One operation, to its end: a running guest writes again when it resolves. */
  async operate(member: TruthMember, operation: Operation, leaves: InstanceState): Promise<void> {
    const { instance } = member;
    const changesDisks =
      operation === "attach-volume" ||
      operation === "detach-volume" ||
      operation === "extend-volume" ||
      operation === "rebuild";
    if (changesDisks) await instance.stopWriter();
    await this.#ask(member, operation);
    member.state = leaves;
    if (operation === "rebuild") await instance.arm();
    if (changesDisks) await instance.startWriter(operation === "rebuild" ? ["root"] : []);
    else if (leaves === "active") await instance.revive();
  }

  async #ask(member: TruthMember, operation: Operation): Promise<void> {
    const { id } = member.instance;
    if (isAction(operation)) {
      const [action, status] = ACTIONS[operation];
      await this.#operator.act(id, action, status);
    } else {
      await this.#askFurther(member, operation);
    }
  }

  async #askFurther(member: TruthMember, operation: Exclude<Operation, Action>): Promise<void> {
    const { instance, flavors } = member;
    const { id, wish } = instance;
    const operator = this.#operator;
    switch (operation) {
      case "write":
        return systemClock.sleep(WRITE_MS, this.#tree.signal);
      case "rebuild":
        return void (await operator.act(id, { rebuild: { imageRef: this.#tree.imageId } }, "ACTIVE"));
      case "resize":
        member.flavors = [flavors[1], flavors[0]];
        return operator.resize(id, flavors[1]);
      case "create-image":
        return operator.imageAndDelete(id, `${wish.name}-image`);
      case "attach-volume":
        await operator.attach(id, instance.extra.id);
        instance.extra.isAttached = true;
        return;
      case "detach-volume":
        await operator.detach(id, instance.extra.id);
        instance.extra.isAttached = false;
        return;
      case "extend-volume":
        instance.extra.sizeGiB += 1;
        return operator.extend(instance.extra.id, instance.extra.sizeGiB);
      case "snapshot-volume":
        return operator.snapshotAndDelete(instance.anyVolumeId, `${wish.name}-snapshot`);
      case "kill-qemu":
        await killQemu(id);
        return void (await operator.whenStatus(id, "SHUTOFF"));
      case "restart-libvirt":
        await restartLibvirt(this.#cloudFolder);
        return operator.computeIsBack(this.#tree.embedded.cloud("admin", "admin"), id);
      case "restart-datamover":
        return this.#restartDatamover();
      default:
        return unreachable(operation);
    }
  }

  async #restartDatamover(): Promise<void> {
    const part = `datamover-${this.#tree.place.computeHost}` as const;
    await this.#tree.embedded.kill(part);
    await this.#tree.embedded.start(part);
  }

  async #snapshot(
    member: TruthMember,
    what: { readonly title: string; readonly isFull: boolean; readonly operation: Operation | undefined },
    beside: (snapshotId: string) => Promise<void> = async () => Promise.resolve(),
  ): Promise<void> {
    const { instance } = member;
    if (member.state === "active") await instance.sync();
    const atLeast = instance.known;
    const before = attachedKeys(instance);
    const wasShelved = member.state === "shelved";
    const id = await beginSnapshot(this.#tree, member.workloadId, what.isFull);
    await beside(id);
    const detail = await endOfSnapshot(this.#tree, id);
    if (detail.status !== "available") {
      this.#refuse(detail, what, wasShelved);
      return;
    }
    this.#count(detail, instance);
    const mustHave = attachedKeys(instance).filter((key) => before.includes(key));
    const isRootReplaced = what.operation === "rebuild";
    const taken = { detail, atLeast, mustHave, isRootReplaced };
    this.#pending.push({ title: what.title, member, taken });
  }

  /** A datamover has been told to take it, or it has ended before. */
  async #handedOut(snapshotId: string): Promise<void> {
    const run = await runOf(this.#tree, "snapshot", snapshotId);
    const { handle } = this.#tree.database;
    await until(`an order for snapshot ${snapshotId}`, HANDED_OUT_MS, async () => {
      const orders = await handle
        .selectFrom("datamover_order")
        .select("state")
        .where("run_id", "=", run)
        .where("state", "!=", "queued")
        .execute();
      const snapshot = await findSnapshot(handle, { id: snapshotId });
      return orders.length > 0 || snapshot?.status === "error" ? true : undefined;
    });
  }

  #count(detail: SnapshotDetail, instance: TruthInstance): void {
    this.tally.committed += 1;
    const seen = detail.instances.find(({ id }) => id === instance.id);
    if (seen?.vdisks.some(({ read }) => read?.mode === "incremental") === true) this.tally.incremental += 1;
    if (seen?.consistency?.quality !== "crash") this.tally.frozen += 1;
  }

  /** A snapshot may fail for what was done to its instance meanwhile, and must say so; else it may not. */
  #refuse(
    detail: SnapshotDetail,
    { title, operation }: { readonly title: string; readonly operation: Operation | undefined },
    wasShelved: boolean,
  ): void {
    const reason = detail.error_msg ?? "";
    if (reason === "" || (operation === undefined && !wasShelved))
      throw new Error(`${title}: the snapshot is ${detail.status}: ${reason}`);
    this.tally.refused.push(`${title}: ${reason}`);
  }

  /** A guest that cannot be asked now is asked when it runs again; what it wrote by then bounds the point. */
  async #judgePending(): Promise<void> {
    const open = this.#pending.splice(0);
    for (const pending of open) {
      const { member, taken, title } = pending;
      const { instance } = member;
      if (member.state !== "active") {
        this.#pending.push(pending);
        continue;
      }
      await instance.sync();
      const complaint = await complaintAbout(this.#tree, instance, { ...taken, atMost: instance.known + 1 });
      if (complaint !== undefined)
        throw new Error(`${title}: snapshot ${taken.detail.id} is not what the guest wrote: ${complaint}`);
      await this.#tell(`   ${describe(taken.detail)}: equal`);
    }
  }

  async #tell(line: string): Promise<void> {
    const now = new Date(systemClock.now()).toISOString().slice(11, 19);
    await appendFile(join(this.#tree.embedded.layout.logs, "truth.story"), `${now} ${line}\n`);
  }
}

function attachedKeys(instance: TruthInstance): readonly string[] {
  const attached = instance.volumes.filter(({ isAttached }) => isAttached);
  return [instance.rootKey, ...attached.map(({ key }) => key)];
}

function describe({ instances }: SnapshotDetail): string {
  return instances
    .map(({ consistency, vdisks }) => {
      const reads = vdisks.map(({ disk, read }) => `${disk} ${read?.tracker ?? read?.because ?? "?"}`);
      return `${consistency?.quality ?? "?"}, ${reads.join(", ")}`;
    })
    .join("; ");
}
