import { access, constants, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fault } from "@cairn/kernel";
import { type CpioEntry, cpioArchive } from "./cpio.ts";
import { loadModules } from "./kernel-modules.ts";
import { findProgram, perlEntries, programEntries, requireProgram } from "./programs.ts";

/** What a machine starts from: a kernel of this host, and a first file system with programs of it. */
export interface Appliance {
  readonly qemu: string;
  readonly kernel: string;
  readonly initramfs: Buffer;
}

export interface ApplianceOptions {
  /** Where `boot/vmlinuz-*` and `lib/modules/*` of the kernel are; `/` is this host's own. */
  readonly kernelRoot: string;
  /** The variable `PATH`. */
  readonly path: string;
}

const FOLDERS = ["bin", "dev", "lib", "mnt", "modules", "proc", "run", "sbin", "sys", "tmp"];

/**
 * What is loaded at the start, and then what the agent loads when it meets a file system of that kind: the
 * rest of a kernel stays away from hostile disks. What a kernel has built in is not among its modules.
 */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  boot: ["virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic"],
  ext4: ["ext4"],
  xfs: ["xfs"],
  btrfs: ["xxhash_generic", "btrfs"],
  vfat: ["nls_cp437", "nls_ascii", "nls_utf8", "vfat"],
  iso9660: ["isofs"],
  squashfs: ["squashfs"],
  lvm: ["dm_mod"],
};

/** Makes it: some 20 MB, in less than a second. Fault `files-unavailable` says what this host lacks. */
export async function buildAppliance({ kernelRoot, path }: ApplianceOptions): Promise<Appliance> {
  const { kernel, modules } = await findKernel(kernelRoot);
  const qemu = await requireProgram("qemu-system-x86_64", path, "qemu-system-x86");
  const busybox = await requireProgram("busybox", path, "busybox-static");
  const perl = await requireProgram("perl", path, "perl");
  const lvm = await findProgram("lvm", path);
  const files: CpioEntry[] = [
    { kind: "file", name: "init", bytes: await readFile(new URL("init.sh", import.meta.url)) },
    { kind: "file", name: "agent.pl", bytes: await readFile(new URL("agent.pl", import.meta.url)) },
    ...(await programEntries(busybox, "bin/busybox")),
    ...(await programEntries(perl, "bin/perl")),
    ...(await perlEntries(perl)),
    // Without it, only logical volumes stay closed.
    ...(lvm === undefined ? [] : await programEntries(lvm, "sbin/lvm")),
    ...(await moduleEntries(modules)),
  ];
  return { qemu, kernel, initramfs: cpioArchive(withFolders(files)) };
}

async function moduleEntries(folder: string): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [];
  for (const [group, names] of Object.entries(MODULES)) {
    const loaded = await loadModules(folder, names);
    const order = loaded.map(({ name }) => `${name}.ko\n`).join("");
    entries.push({ kind: "file", name: `modules/${group}.order`, bytes: Buffer.from(order) });
    for (const { name, bytes } of loaded) entries.push({ kind: "file", name: `modules/${name}.ko`, bytes });
  }
  return entries;
}

/** Each file once, and before them all folders, outer ones first. */
function withFolders(files: readonly CpioEntry[]): CpioEntry[] {
  const unique = new Map(files.map((file) => [file.name, file]));
  const folders = new Set(FOLDERS);
  for (const name of unique.keys()) {
    for (let at = dirname(name); at !== "."; at = dirname(at)) folders.add(at);
  }
  const made = [...folders].toSorted().map((name) => ({ kind: "folder", name }) as const);
  return [...made, ...unique.values()];
}

/** The newest kernel that can be read and has its modules. */
async function findKernel(root: string): Promise<{ readonly kernel: string; readonly modules: string }> {
  const boot = join(root, "boot");
  const names = await readdir(boot).catch(() => [] as string[]);
  const versions = names.flatMap((name) => (name.startsWith("vmlinuz-") ? [name.slice(8)] : []));
  const newestFirst = versions.toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }));
  for (const version of newestFirst) {
    const found = { kernel: join(boot, `vmlinuz-${version}`), modules: join(root, "lib/modules", version) };
    const isUsable = await Promise.all([
      access(found.kernel, constants.R_OK),
      access(join(found.modules, "kernel")),
    ]).then(
      () => true,
      () => false,
    );
    if (isUsable) return found;
  }
  const doing = `looking for a kernel below ${boot} that this user may read, and its modules`;
  throw new Fault("files-unavailable", `${doing}: install linux-image-amd64`, "after-operator");
}
