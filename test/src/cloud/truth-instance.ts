import { bootInstance, type Guest, openGuests } from "@cairn/embedded";
import { Fault, type InstanceId, systemClock, type VolumeId } from "@cairn/kernel";
import { until } from "../tree.ts";
import { FREEZE_HOOK, WRITER_SCRIPT, type WrittenDisk } from "./guest-writes.ts";
import { GuestModel } from "./model.ts";
import type { PlannedInstance } from "./plan.ts";
import type { CloudTree } from "./short-tree.ts";

const BOOT_MS = 240_000;
const ANSWER_MS = 60_000;
const PAUSE_US = 150_000;
const SLOTS_PER_GIB = 64;
const ROOT_SLOTS = 32;
/** Between the beginnings of two slots of a volume: 16 MiB. */
export const VOLUME_STRIDE_BLOCKS = 4096;
/** Of a volume's id, the serial number that the guest sees (virtio-blk). */
const SERIAL_CHARACTERS = 20;
export const ROOT_SLOTS_FILE = "/data/truth/slots";
export const FROZEN_FILE = "/data/truth/frozen";

export interface TruthVolume {
  readonly key: string;
  readonly id: VolumeId;
  sizeGiB: number;
  isAttached: boolean;
}

/** What a test asks for. */
export interface TruthWish extends PlannedInstance {
  readonly name: string;
  readonly seed: number;
  readonly flavor: string;
  /** Of the root, when it boots from a volume. */
  readonly rootType: string;
  /** Of the volumes beside; the last is the one that comes and goes, where there is such. */
  readonly volumeTypes: readonly string[];
}

/** An instance whose guest makes numbered writes, and what its disks must hold. */
export class TruthInstance {
  readonly id: InstanceId;
  readonly wish: TruthWish;
  readonly model: GuestModel;
  readonly volumes: TruthVolume[];
  /** The volume that it boots from. */
  readonly rootVolumeId: VolumeId | undefined;
  /** The last write that is known to be complete. */
  known = 0;
  readonly #tree: CloudTree;
  #disks = "";

  private constructor(tree: CloudTree, wish: TruthWish, ids: { id: InstanceId; volumeIds: VolumeId[] }) {
    this.#tree = tree;
    this.wish = wish;
    this.id = ids.id;
    this.model = new GuestModel(wish.seed);
    const isImage = wish.boot === "image";
    this.rootVolumeId = isImage ? undefined : ids.volumeIds[0];
    this.volumes = ids.volumeIds.slice(isImage ? 0 : 1).map((id, index) => ({
      key: `${wish.name}-${wish.volumeTypes[index] ?? ""}-${index}`,
      id,
      sizeGiB: 1,
      isAttached: true,
    }));
  }

  static async boot(tree: CloudTree, wish: TruthWish): Promise<TruthInstance> {
    const { imageId } = tree;
    const root = { kind: "volume", imageId, sizeGiB: 1, volumeType: wish.rootType } as const;
    const sample = {
      name: wish.name,
      flavor: wish.flavor,
      network: "priv",
      zone: "nova",
      boot: wish.boot === "image" ? ({ kind: "image", imageId } as const) : root,
      volumes: wish.volumeTypes.map((volumeType, index) => ({
        name: `${wish.name}-${index}`,
        sizeGiB: 1,
        volumeType,
      })),
    };
    const { id, volumeIds } = await bootInstance(tree.cloud, sample, tree.signal);
    const made = new TruthInstance(tree, wish, { id, volumeIds: [...volumeIds] });
    await made.arm();
    await made.startWriter(["root"]);
    return made;
  }

  /** The volume that comes and goes. */
  get extra(): TruthVolume {
    const last = this.volumes.at(-1);
    if (last === undefined || !this.wish.hasExtra) throw new Error(`${this.wish.name} has no extra volume`);
    return last;
  }

  get anyVolumeId(): VolumeId {
    const id = this.volumes[0]?.id ?? this.rootVolumeId;
    if (id === undefined) throw new Error(`${this.wish.name} has no volume`);
    return id;
  }

  get rootKey(): string {
    return `${this.wish.name}-root`;
  }

  /** Puts the writer and the hook on a root disk that has none. */
  async arm(): Promise<void> {
    const next = String(this.known + 1).padStart(15);
    await this.inGuest(`mkdir -p /data/truth /etc/qemu/fsfreeze-hook.d && cd /data/truth
dd if=/dev/zero of=${ROOT_SLOTS_FILE} bs=65536 count=${ROOT_SLOTS} 2>/dev/null
printf '%s\\n' '${next}' >next
printf '%15s\\n' unknown >frozen
cat >writer.sh <<'END_OF_WRITER'
${WRITER_SCRIPT}END_OF_WRITER
cat >/etc/qemu/fsfreeze-hook.d/app <<'END_OF_HOOK'
${FREEZE_HOOK}END_OF_HOOK
chmod 755 /etc/qemu/fsfreeze-hook.d/app
sync`);
  }

  /** Starts the writer on the disks that are attached. `fresh` are disks that hold nothing yet. */
  async startWriter(fresh: readonly ("root" | "extra")[] = []): Promise<void> {
    const attached = this.volumes.filter(({ isAttached }) => isAttached);
    const finding = attached.map(({ key, id, sizeGiB }) => {
      const serial = id.slice(0, SERIAL_CHARACTERS);
      return `add ${key} ${serial} ${sizeGiB * SLOTS_PER_GIB} ${sizeGiB * 1024 * 1024 * 2}`;
    });
    // A script is run again when a freeze keeps its answer: of two writers none would write what is expected.
    const next = await this.inGuest(`mkdir -p /run/truth && cd /run/truth
[ ! -e writer ] || kill -9 -$(cat writer) 2>/dev/null
rm -f writer stop stopped failed done state
printf '%15s\\n' unknown | dd of=${FROZEN_FILE} conv=fsync,notrunc 2>/dev/null
echo "${this.rootKey} ${ROOT_SLOTS_FILE} ${ROOT_SLOTS} 16" >disks
add() {
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    for disk in /sys/block/vd*; do
      [ "$(cat $disk/serial)" = "$2" ] && [ "$(cat $disk/size)" = "$4" ] || continue
      echo "$1 /dev/\${disk##*/} $3 ${VOLUME_STRIDE_BLOCKS}" >>disks
      return 0
    done
    sleep 1
  done
  echo "no disk $2 of $4 sectors: $(cd /sys/block; grep . vd*/serial vd*/size | tr '\\n' ' ')" >&2
  exit 1
}
${finding.join("\n")}
cat /data/truth/next
setsid sh /data/truth/writer.sh ${this.wish.seed} ${PAUSE_US} </dev/null >/dev/null 2>&1 &`);
    const disks: WrittenDisk[] = [
      { key: this.rootKey, slots: ROOT_SLOTS },
      ...attached.map(({ key, sizeGiB }) => ({ key, slots: sizeGiB * SLOTS_PER_GIB })),
    ];
    this.#beginEpoch(Number(next), disks, fresh);
    await until(`the first write of ${this.wish.name}`, ANSWER_MS, async () =>
      (await this.#done()) === undefined ? undefined : true,
    );
    await this.sync();
  }

  /** Between two writes; `known` is exact then. */
  async stopWriter(): Promise<void> {
    await this.inGuest("touch /run/truth/stop");
    await until(`the end of the writer of ${this.wish.name}`, ANSWER_MS, async () =>
      (await this.inGuest("cat /run/truth/stopped /run/truth/failed 2>/dev/null; true")) === ""
        ? undefined
        : true,
    );
    await this.sync();
  }

  /** Starts the writer where the guest has been started anew. */
  async revive(): Promise<void> {
    const state = await this.inGuest("cat /run/truth/state 2>/dev/null; true");
    if (state === "") await this.startWriter();
    else await this.sync();
  }

  /** Asks the guest how far it is. */
  async sync(): Promise<void> {
    const done = await this.#done();
    if (done === undefined) throw new Error(`the guest of ${this.wish.name} does not write`);
    if (done < this.known) throw new Error(`${this.wish.name} is at ${done} after ${this.known}`);
    this.known = done;
  }

  /** Runs a script; an agent that is busy with a freeze, or is just starting, is asked again. */
  async inGuest(script: string): Promise<string> {
    const { signal } = this.#tree;
    const deadlineMs = systemClock.now() + ANSWER_MS;
    for (;;) {
      try {
        // A connection of its own: libvirt's daemon is restarted now and then.
        using guests = await openGuests(this.#tree.place.libvirtSocket, signal);
        const guest: Guest = await guests.of(this.id, { withinMs: BOOT_MS, signal });
        return (await guest.run(script, signal)).trim();
      } catch (cause) {
        const isFinal = cause instanceof Fault && cause.code === "guest-failed";
        if (isFinal || systemClock.now() > deadlineMs) throw cause;
        await systemClock.sleep(500, signal);
      }
    }
  }

  async #done(): Promise<number | undefined> {
    const said = await this.inGuest("cat /run/truth/failed /run/truth/done 2>/dev/null; true");
    if (said === "") return undefined;
    if (!/^\d+$/.test(said)) throw new Error(`the writer of ${this.wish.name} failed: ${said}`);
    return Number(said);
  }

  #beginEpoch(next: number, disks: readonly WrittenDisk[], fresh: readonly ("root" | "extra")[]): void {
    const signature = JSON.stringify(disks);
    if (signature === this.#disks && fresh.length === 0) return;
    this.#disks = signature;
    const keys = fresh.map((which) => (which === "root" ? this.rootKey : this.extra.key));
    this.model.begin({ from: next, disks, fresh: keys });
  }
}
