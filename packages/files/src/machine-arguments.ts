import type { MachineOptions } from "./machine.ts";

/** Each disk is a device, and a bus has room for about thirty. */
export const DISKS_MAX = 20;

const MEMORY_MIB = 384;
/**
 * What a machine may write to all of its disks goes to files of its folder; each of them ends here. Replaying
 * a journal writes less than the journal's size.
 */
const SCRATCH_BYTES_MAX = 2 * 1024 * 1024 * 1024;

/**
 * `no_timer_check`: on a busy host an emulated timer may be late when the kernel tries it, and the kernel
 * then gives up ("IO-APIC + timer doesn't work"). `loglevel=1`: what it dies of is on the console, and
 * nothing else.
 */
const KERNEL_LINE = [
  "quiet loglevel=1 console=ttyS0 panic=-1 reboot=t no_timer_check",
  "mitigations=off cryptomgr.notests random.trust_cpu=on",
].join(" ");

interface Parts extends Pick<MachineOptions, "appliance" | "accelerator"> {
  readonly initramfs: string;
  readonly portPath: string;
  readonly consolePath: string;
  readonly drives: readonly string[];
}

/**
 * The command line: it dies with this process (setpriv), writes no file beyond its bound (prlimit), and has
 * neither network, display nor any device that is not named.
 */
export function machineArguments(parts: Parts): string[] {
  const { appliance, initramfs, portPath, consolePath, accelerator } = parts;
  return [
    ["setpriv", "--pdeathsig", "KILL", "prlimit", `--fsize=${String(SCRATCH_BYTES_MAX)}`],
    [appliance.qemu],
    ["-machine", `q35,accel=${accelerator}`, "-cpu", "max", "-m", String(MEMORY_MIB)],
    ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ["-kernel", appliance.kernel, "-initrd", initramfs, "-append", KERNEL_LINE],
    ["-serial", `file:${consolePath}`],
    ["-device", "virtio-serial-pci"],
    ["-chardev", `socket,id=port,path=${portPath}`],
    ["-device", "virtserialport,chardev=port,name=cairn"],
    parts.drives,
  ].flat();
}

/** Drives that take what is written into scratch, so that the machine may replay journals. */
export function drives(serials: readonly string[], socketPath: string): string[] {
  return serials.flatMap((serial, index) => [
    "-drive",
    [
      `if=none,id=d${String(index)},format=raw,snapshot=on,file.driver=nbd`,
      `file.server.type=unix,file.server.path=${socketPath},file.export=${serial}`,
    ].join(","),
    "-device",
    `virtio-blk-pci,drive=d${String(index)},serial=${serial}`,
  ]);
}
