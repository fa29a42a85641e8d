import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, glob, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectQmp, type QmpClient } from "@cairn/qmp";
import { fieldsOf } from "../host/json.ts";

const run = promisify(execFile);
/** Where `./cairn test` puts a kernel, unless the host has one. */
const UNPACKED = fileURLToPath(new URL("../../../../.toolchain/kernel", import.meta.url));
const KERNEL_ROOT = existsSync(UNPACKED) ? UNPACKED : "/";
/** What a kernel has built in is not among its modules. */
const MODULES =
  "virtio_pci virtio_blk virtio_scsi virtio_console sd_mod crc32c_generic ext4 xfs dm_mod dm_snapshot";
/** Beside busybox: of small guests there is no other `mount`, of large ones that of util-linux. */
const VOLUME_PROGRAMS = ["lvm", "dmsetup"];
const LARGE_PROGRAMS = ["mount", "umount", "blkid"];
const FOLDERS = ["bin", "dev", "etc", "lib", "mnt", "modules", "own", "proc", "run", "sbin", "sys", "tmp"];
const BOOT_MS = 120_000;
const LOOK_MS = 20;

/** A line of base64 is a script to run; answered are its exit code and, in base64, what it said. */
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /run
/bin/busybox mkdir -p /busybox
/bin/busybox --install -s /busybox
for program in /busybox/*; do [ -e "/bin/\${program##*/}" ] || /bin/busybox mv "$program" /bin/; done
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
while read -r module; do insmod "/modules/$module"; done </modules/order
port=
while [ -z "$port" ]; do
  for each in /sys/class/virtio-ports/*; do
    [ "$(cat "$each/name")" != cairn ] || port=/dev/\${each##*/}
  done
done
exec 3<>"$port"
echo ready >&3
while read -r line <&3; do
  echo "$line" | base64 -d >/tmp/script
  (sh /tmp/script </dev/null >/tmp/said 2>/tmp/complained 3>&-)
  code=$?
  echo "$code $(base64 /tmp/said | tr -d '\\n') $(base64 /tmp/complained | tr -d '\\n')" >&3
done
poweroff -f
`;

/** A disk of a machine: a raw image, and how it says who it is. */
export interface MachineDisk {
  readonly path: string;
  readonly serial: string;
  readonly bus: "virtio" | "scsi";
}

/**
 * A small machine of QEMU with a kernel and programs of this host, which stands for a guest and its agent: it
 * runs scripts, and knows `guest-exec` in the words of libvirt's client.
 */
export class GuestMachine implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #port: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #monitor: QmpClient;
  readonly #runs: Promise<Said>[] = [];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, port: Socket, lines: AsyncIterator<string>, monitor: QmpClient) {
    this.#child = child;
    this.#exited = new Promise((resolve) => void child.once("exit", resolve));
    this.#port = port;
    this.#lines = lines;
    this.#monitor = monitor;
  }

  /** The folder is the caller's, and empty. */
  static async boot(folder: string, programs: "small" | "large"): Promise<GuestMachine> {
    const { kernel, modules } = await findKernel();
    const initramfs = await makeInitramfs(join(folder, "initramfs"), modules, programs);
    const [portPath, monitorPath] = [join(folder, "port.sock"), join(folder, "monitor.sock")];
    const listening = createServer().listen(portPath);
    await once(listening, "listening");
    const child = spawn("setpriv", machineArguments({ kernel, initramfs, portPath, monitorPath, folder }), {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = new AbortController();
    child.on("exit", () => ended.abort(new Error("the machine has ended")));
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(BOOT_MS)]);
    const [port] = (await once(listening, "connection", { signal })) as [Socket];
    listening.close();
    port.on("error", () => undefined);
    const lines = createInterface({ input: port })[Symbol.asyncIterator]();
    const monitor = await connectQmp({ path: monitorPath, timeoutMs: BOOT_MS, signal });
    const machine = new GuestMachine(child, port, lines, monitor);
    const first = await machine.#next();
    if (first !== "ready") throw new Error(`the machine began with ${first}`);
    return machine;
  }

  /** Plugs a disk in; the guest sees it a moment later. */
  async plug({ path, serial, bus }: MachineDisk, signal: AbortSignal): Promise<void> {
    const node = `n-${serial.slice(0, 8)}`;
    const file = { driver: "file", filename: path };
    await this.#monitor.execute("blockdev-add", { driver: "raw", "node-name": node, file }, { signal });
    const driver = bus === "virtio" ? { driver: "virtio-blk-pci" } : { driver: "scsi-hd", bus: "scsi.0" };
    const device = { ...driver, id: `d-${serial.slice(0, 8)}`, drive: node };
    // Of a virtio disk no more is told; QEMU refuses more of any other.
    const told = { serial: bus === "virtio" ? serial.slice(0, 20) : serial.slice(0, 36) };
    await this.#monitor.execute("device_add", { ...device, ...told }, { signal });
  }

  /** Runs a script; gives what it printed. Throws what it complained about when it failed. */
  async sh(script: string): Promise<string> {
    const { code, output, complaint } = await this.#say(script);
    if (code !== 0) throw new Error(`${script} ended with ${String(code)}: ${complaint}`);
    return output.trim();
  }

  /** `guest-exec` and `guest-exec-status`, as an agent answers them. */
  async agentCommand(_domain: unknown, { line }: { readonly line: string }): Promise<string> {
    const { execute, arguments: given } = fieldsOf(JSON.parse(line));
    const words = fieldsOf(given);
    if (execute === "guest-exec") {
      this.#runs.push(this.#say(scriptOf(words)));
      return JSON.stringify({ return: { pid: this.#runs.length } });
    }
    const said = await Promise.race([this.#runs[Number(words["pid"]) - 1], sleep(LOOK_MS, undefined)]);
    if (said === undefined) return JSON.stringify({ return: { exited: false } });
    const output = Buffer.from(said.output).toString("base64");
    return JSON.stringify({ return: { exited: true, exitcode: said.code, "out-data": output } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
    this.#monitor.close();
    this.#port.destroy();
  }

  async #say(script: string): Promise<Said> {
    const turn = this.#last.then(async () => {
      this.#port.write(`${Buffer.from(script).toString("base64")}\n`);
      const [code = "", output = "", complaint = ""] = (await this.#next()).split(" ");
      const text = (data: string): string => Buffer.from(data, "base64").toString("utf8");
      return { code: Number(code), output: text(output), complaint: text(complaint) };
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #next(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error("the machine has ended");
    return next.value;
  }
}

interface Said {
  readonly code: number;
  readonly output: string;
  readonly complaint: string;
}

/** Runs it as an agent does: with these variables only, and this as its input. */
function scriptOf(words: ReturnType<typeof fieldsOf>): string {
  const list = (name: string): readonly string[] => (words[name] as readonly string[] | undefined) ?? [];
  const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  const command = [...list("env"), String(words["path"]), ...list("arg")].map((each) => quoted(each));
  return `echo ${String(words["input-data"])} | base64 -d | env -i ${command.join(" ")}`;
}

function machineArguments(parts: {
  readonly kernel: string;
  readonly initramfs: string;
  readonly portPath: string;
  readonly monitorPath: string;
  readonly folder: string;
}): string[] {
  return [
    ["--pdeathsig", "KILL", "qemu-system-x86_64"],
    ["-machine", "pc,accel=tcg", "-cpu", "max", "-m", "384"],
    ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ["-kernel", parts.kernel, "-initrd", parts.initramfs],
    ["-append", "quiet panic=-1 console=ttyS0 no_timer_check"],
    ["-serial", `file:${join(parts.folder, "console.log")}`],
    ["-qmp", `unix:${parts.monitorPath},server=on,wait=off`],
    ["-device", "virtio-serial-pci", "-chardev", `socket,id=port,path=${parts.portPath}`],
    ["-device", "virtserialport,chardev=port,name=cairn", "-device", "virtio-scsi-pci,id=scsi"],
  ].flat();
}

/** The newest kernel that can be read, and its modules. */
async function findKernel(): Promise<{ readonly kernel: string; readonly modules: string }> {
  const names = await readdir(join(KERNEL_ROOT, "boot"));
  const versions = names.flatMap((name) => (name.startsWith("vmlinuz-") ? [name.slice(8)] : []));
  const newest = versions.toSorted((one, other) => other.localeCompare(one, "en", { numeric: true }))[0];
  if (newest === undefined) throw new Error(`no kernel below ${KERNEL_ROOT}boot`);
  const kernel = join(KERNEL_ROOT, "boot", `vmlinuz-${newest}`);
  return { kernel, modules: join(KERNEL_ROOT, "lib/modules", newest) };
}

async function makeInitramfs(root: string, modules: string, programs: "small" | "large"): Promise<string> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "init"), INIT, { mode: 0o755 });
  await copyProgram("busybox", root);
  for (const name of [...VOLUME_PROGRAMS, ...(programs === "large" ? LARGE_PROGRAMS : [])])
    await copyProgram(name, root);
  await copyModules(modules, join(root, "modules"));
  await run("sh", ["-c", "find . | busybox cpio -o -H newc >../initramfs.cpio"], { cwd: root });
  return join(dirname(root), "initramfs.cpio");
}

/** Into `/bin`, and the libraries that this host's loader finds for it. */
async function copyProgram(name: string, root: string): Promise<void> {
  const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  const { stdout } = await run("sh", ["-c", `command -v ${name}`], { env: environment });
  await copyFile(stdout.trim(), join(root, "bin", name));
  // It fails for a program that needs none.
  const listed = await run("ldd", [stdout.trim()]).catch(() => ({ stdout: "" }));
  for (const [, library = ""] of listed.stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await copyFile(library, join(root, library));
  }
}

/** Those that are wanted and all that they need, with the order in which they can be loaded. */
async function copyModules(from: string, to: string): Promise<void> {
  const called = (path: string): string =>
    basename(path)
      .replace(/\.ko.*$/, "")
      .replaceAll("-", "_");
  const files = new Map<string, string>();
  for await (const path of glob("kernel/**/*.ko*", { cwd: from })) files.set(called(path), path);
  const order: string[] = [];
  const take = async (name: string): Promise<void> => {
    const path = files.get(name);
    if (path === undefined) return;
    files.delete(name);
    const file = join(to, basename(path));
    await copyFile(join(from, path), file);
    if (file.endsWith(".xz")) await run("xz", ["-d", file]);
    const plain = file.replace(/\.xz$/, "");
    const needs = /\0depends=([^\0]+)\0/.exec(await readFile(plain, "latin1"))?.[1] ?? "";
    for (const need of needs.split(",")) await take(need.replaceAll("-", "_"));
    order.push(`${basename(plain)}\n`);
  };
  for (const name of MODULES.split(" ")) await take(name);
  await writeFile(join(to, "order"), order.join(""));
}
