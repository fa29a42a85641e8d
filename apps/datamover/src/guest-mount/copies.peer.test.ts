import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import type { MountedDisk, OrderOutcome } from "@cairn/contract";
import { MiB, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { runInGuest } from "../hypervisor/libvirt/guest-run.ts";
import type { GuestProgram, Hypervisor } from "../hypervisor/port.ts";
import { GuestMachine } from "../testing/guest-machine.ts";
import { mountInGuest, unmountInGuest } from "./mount-in-guest.ts";

/*
 * The script in a guest: a machine of QEMU with a kernel, busybox and lvm, and once more with the mount and
 * blkid of large distributions. The guest has the disks that were copied, in use, and gets copies of their
 * bytes as they were at one moment, journals and all, while the script waits for them. The tests of one
 * machine follow each other.
 */

const run = promisify(execFile);
const never = AbortSignal.timeout(600_000);
const SNAPSHOT = "0199b3a2-0000-7000-8000-000000000001";
const BASE = `/mnt/cairn/${SNAPSHOT}`;
/** Where no daemon makes the nodes of devices, lvm does. */
const ALONE = `--config 'activation { udev_sync=0 udev_rules=0 }'`;

interface Copy extends MountedDisk {
  readonly bus: "virtio" | "scsi";
  /** The image that is copied. */
  readonly of: string;
}

const COPIES: readonly Copy[] = [
  copy("a0000001", "web_i1/vda", "virtio", "partitioned"),
  copy("a0000002", "web_i1/vdb", "virtio", "xfs"),
  copy("a0000003", "web_i1/vdc", "scsi", "group1"),
  copy("a0000004", "web_i1/vdd", "scsi", "group2"),
  copy("a0000005", ".db_i2/vda", "virtio", "damaged"),
  copy("a0000006", ".db_i2/vdb", "scsi", "empty"),
];
/** Nobody attaches it. */
const MISSING = copy("a0000007", ".db_i2/vdc", "virtio", "empty");

const EXPECTED = [
  ["a0000001", `${BASE}/web_i1/vda1.mnt`, "ext4"],
  ["a0000002", `${BASE}/web_i1/vdb.mnt`, "xfs"],
  ["a0000003", `${BASE}/web_i1/data-my-files.mnt`, "ext4"],
];

let folder: string;
let machine: GuestMachine;
/** How long the script waits for disks, and for another run. */
let waitS = 30;

function copy(start: string, place: string, bus: Copy["bus"], of: string): Copy {
  const [folder = "", device = ""] = place.split("/");
  return { volumeId: `${start}-aaaa-4aaa-8aaa-0123456789ab`, folder, device, bus, of };
}

/** Two partitions, of which the second is swap, as `sfdisk` makes them. */
async function makePartitioned(): Promise<void> {
  const system = join(folder, "system.img");
  await run("mke2fs", ["-q", "-t", "ext4", system, "24m"]);
  const disk = join(folder, "partitioned");
  await using file = await open(disk, "w");
  await file.truncate(32 * MiB);
  await run("sh", ["-c", `printf 'label: gpt\\n,24M,L\\n,2M,S\\n' | sfdisk --quiet "${disk}"`]);
  await file.write(await readFile(system), 0, 24 * MiB, MiB);
  await file.write("SWAPSPACE2", 25 * MiB + 4086);
}

async function makeImages(): Promise<void> {
  await makePartitioned();
  await run("mkfs.xfs", ["-q", "-d", `file,name=${join(folder, "xfs")},size=320m`]);
  for (const name of ["group1", "group2", "empty"]) {
    await using file = await open(join(folder, name), "w");
    await file.truncate(16 * MiB);
  }
  const damaged = Buffer.alloc(4 * MiB, 0xa5);
  // The mark of ext4, in what is none.
  damaged.writeUInt16LE(0xef53, 1080);
  await writeFile(join(folder, "damaged"), damaged);
}

/** A guest that has its disks in use: mounted, with files, and with nothing unmounted properly. */
async function useDisks(): Promise<void> {
  for (const [index, name] of ["partitioned", "xfs", "group1", "group2"].entries()) {
    const serial = `own-${String(index)}`;
    await machine.plug({ path: join(folder, name), serial, bus: "virtio" }, never);
    await machine.sh(`until grep -q ${serial} /sys/block/vd?/serial; do sleep 1; done; sleep 1`);
  }
  await machine.sh(`
    mkdir -p /own/ext /own/xfs /own/lvm
    mount -t ext4 /dev/vda1 /own/ext && mount -t xfs /dev/vdb /own/xfs || exit 1
    lvm pvcreate ${ALONE} /dev/vdc /dev/vdd || exit 1
    lvm vgcreate ${ALONE} -s 1M data /dev/vdc /dev/vdd || exit 1
    # Larger than one disk has room for, so that it lies on both.
    lvm lvcreate ${ALONE} -Zn -Wn -L 20M -n my-files data || exit 1
    mke2fs -q /dev/mapper/data-my--files && mount -t ext4 /dev/mapper/data-my--files /own/lvm || exit 1
    for place in ext xfs lvm; do echo "from $place" >/own/$place/note.txt; done
    sync`);
}

/** The driver's way to run programs, with the machine for libvirt and agent. */
function context(): Parameters<typeof mountInGuest>[1] {
  const client = {
    agentCommand: machine.agentCommand.bind(machine),
    domainState: async () => Promise.resolve({ state: "running" as const, reason: 1 }),
  };
  const handle = { client, domain: { name: "i", uuid: "u", id: 1 } };
  const place = { clock: systemClock, scratch: { path: folder } };
  const hypervisor: Pick<Hypervisor, "runInGuest"> = {
    runInGuest: async (_, program, signal) =>
      runInGuest(place, { handle, agent: "connected", program: patient(program) }, signal),
  };
  const log = createLog("datamover", { level: "error", write: () => undefined });
  return { hypervisor: hypervisor as Hypervisor, log, signal: never };
}

function patient(program: GuestProgram): GuestProgram {
  return { ...program, environment: { ...program.environment, CAIRN_WAIT_S: String(waitS) } };
}

async function mounted(disks: readonly MountedDisk[]): Promise<OrderOutcome & { kind: "mounted-in-guest" }> {
  const order = { kind: "mount-in-guest", snapshotId: SNAPSHOT, instanceId: "u" } as const;
  const outcome = await mountInGuest({ ...order, disks: [...disks] }, context());
  assert.ok(outcome.kind === "mounted-in-guest");
  return outcome;
}

/** Gives the warnings. */
async function unmounted(): Promise<readonly string[]> {
  const order = { kind: "unmount-in-guest", snapshotId: SNAPSHOT, instanceId: "u" } as const;
  const outcome = await unmountInGuest(order, context());
  assert.ok(outcome.kind === "unmounted-in-guest");
  return outcome.warnings;
}

function inShort({ folders }: OrderOutcome & { kind: "mounted-in-guest" }): unknown {
  // With marks only, all of ext look alike.
  return folders.map((each) => [each.volumeId.slice(0, 8), each.folder, each.fileSystem.replace("2", "4")]);
}

async function assertOwnUntouched(): Promise<void> {
  const said = await machine.sh("cat /own/*/note.txt; cut -d ' ' -f 2 /proc/mounts | grep -c ^/own/");
  assert.equal(said, "from ext\nfrom lvm\nfrom xfs\n3");
}

/** Whatever of ours a guest could still have. */
async function leftOver(): Promise<string> {
  const look = "ls /mnt /run | grep cairn; grep /mnt/cairn /proc/mounts; dmsetup ls | grep cairn_";
  return machine.sh(`${look}; true`);
}

for (const programs of ["small", "large"] as const) {
  suite(`a guest with ${programs} programs`, () => {
    before(async () => {
      waitS = 30;
      folder = await mkdtemp(join(tmpdir(), "cairn-gm-"));
      await makeImages();
      await mkdir(join(folder, "machine"));
      machine = await GuestMachine.boot(join(folder, "machine"), programs);
      await useDisks();
    });

    after(async () => {
      await machine[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    test("finds copies that come late, and mounts them beside what they were copied from", async () => {
      // The moment: what the guest has on its disks now, with all its file systems in use.
      for (const { of } of COPIES) await copyFile(join(folder, of), join(folder, `copy-${of}`));
      await machine.sh("for place in ext xfs lvm; do echo later >/own/$place/later.txt; done");
      const working = mounted(COPIES);
      await systemClock.sleep(2_000);
      for (const { of, volumeId, bus } of COPIES)
        await machine.plug({ path: join(folder, `copy-${of}`), serial: volumeId, bus }, never);
      const outcome = await working;
      assert.deepEqual(inShort(outcome), EXPECTED, outcome.warnings.join("\n"));
      assert.equal(outcome.warnings.length, 2, outcome.warnings.join("\n"));
      // Depends on whether blkid believes a mark.
      assert.match(outcome.warnings[0] ?? "", /^\.db_i2: (?:vda .* cannot be mounted|no file .* on vda)/);
      assert.match(outcome.warnings[1] ?? "", /^\.db_i2: no file system was found on vdb$/);
      const notes = await machine.sh(`cat ${BASE}/web_i1/*.mnt/note.txt`);
      assert.equal(notes, "from lvm\nfrom ext\nfrom xfs");
      assert.equal(await machine.sh(`ls ${BASE}/web_i1/*/later.txt 2>/dev/null || true`), "");
      await assertOwnUntouched();
      waitS = 3;
    });

    test("says the same when it is asked again, and which copy it does not see", async () => {
      const outcome = await mounted([...COPIES, MISSING]);
      assert.deepEqual(inShort(outcome), EXPECTED);
      assert.ok(outcome.warnings.includes(".db_i2: the guest does not see the disk of vdc"));
      assert.equal(await machine.sh(`grep -c ' ${BASE}/' /proc/mounts`), "3");
    });

    test("has copies read-only; who makes them writable writes into the copy", async () => {
      const place = `${BASE}/web_i1/vda1.mnt`;
      await assert.rejects(machine.sh(`echo x >${place}/mine.txt`), /[Rr]ead-only/);
      await machine.sh(`mount -o remount,rw ${place} && echo mine >${place}/mine.txt && sync`);
      assert.equal(await machine.sh(`cat ${place}/mine.txt`), "mine");
      assert.equal(await machine.sh("ls /own/ext"), "later.txt\nlost+found\nnote.txt");
    });

    test("has nothing left when all is unmounted; a second time there is nothing to do", async () => {
      assert.deepEqual(await unmounted(), []);
      assert.equal(await leftOver(), "");
      await assertOwnUntouched();
      assert.deepEqual(await unmounted(), []);
      assert.deepEqual(inShort(await mounted(COPIES)), EXPECTED);
    });

    test("lets go of what is in use when nobody uses it any more", async () => {
      await machine.sh(`sleep 600 <${BASE}/web_i1/vdb.mnt/note.txt >/dev/null 2>&1 & echo $! >/tmp/reader`);
      const warnings = await unmounted();
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0] ?? "", /vdb\.mnt was in use/);
      assert.equal(await leftOver(), "");
      await machine.sh('kill "$(cat /tmp/reader)"');
    });

    test("is held up by no run that was killed, but by one that is at work", async () => {
      await machine.sh("ln -s 99999 /run/cairn-mount");
      assert.deepEqual(inShort(await mounted(COPIES)), EXPECTED);
      await machine.sh("rm -f /run/cairn-mount; ln -s 1 /run/cairn-mount");
      assert.match((await unmounted()).join("\n"), /an earlier run of this is still at work/);
      await machine.sh("rm /run/cairn-mount");
      assert.deepEqual(await unmounted(), []);
      assert.equal(await leftOver(), "");
    });

    test("keeps a folder that somebody has put something into, and tells", async () => {
      await mounted(COPIES);
      await machine.sh(`echo x >${BASE}/web_i1/mine.txt`);
      assert.match((await unmounted()).join("\n"), /stays, because something else is in it/);
      assert.equal(await machine.sh(`cat ${BASE}/web_i1/mine.txt`), "x");
      await machine.sh("rm -r /mnt/cairn");
    });
  });
}
