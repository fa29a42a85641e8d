import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "@cairn/kernel";
import { connectLibvirt, type LibvirtClient } from "../client.ts";

const run = promisify(execFile);
/** `nobody` and `nogroup`: libvirtd of root would manage the whole machine's domains. */
const NOBODY = 65_534;
const START_TIMEOUT_MS = 30_000;

/** A session libvirtd of this test alone: its sockets, configuration and state lie in one folder. */
export class TestDaemon implements AsyncDisposable {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.#child = child;
    const exited = Promise.withResolvers<void>();
    child.on("exit", () => {
      exited.resolve();
    });
    this.#exited = exited.promise;
  }

  static async open(): Promise<TestDaemon> {
    const folder = await mkdtemp(join(tmpdir(), "cairn-lv-"));
    const isRoot = process.getuid?.() === 0;
    await chmod(folder, 0o700);
    await configure(folder);
    if (isRoot) await run("chown", ["-R", `${NOBODY}:${NOBODY}`, folder]);
    const daemon = new TestDaemon(folder, spawnDaemon(folder, isRoot));
    const until = systemClock.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        using _client = await daemon.connect();
        return daemon;
      } catch (cause) {
        if (daemon.#child.exitCode !== null || systemClock.now() > until) {
          await daemon[Symbol.asyncDispose]();
          throw cause;
        }
        await systemClock.sleep(50);
      }
    }
  }

  get socket(): string {
    return join(this.folder, "run", "libvirt", "libvirt-sock");
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async connect(change: { keepaliveMs?: number } = {}): Promise<LibvirtClient> {
    return connectLibvirt({ socket: this.socket, uri: "qemu:///session", timeoutMs: 30_000, ...change });
  }

  /** The description of a domain without a guest, with fresh disks of 16 MiB. */
  async describe(disks: readonly { target: string; format: "qcow2" | "raw" }[]): Promise<string> {
    const uuid = randomUUID();
    const described: string[] = [];
    for (const { target, format } of disks) {
      const path = join(this.folder, `${uuid.slice(0, 8)}-${target}.img`);
      await run("qemu-img", ["create", "-q", "-f", format, path, "16M"]);
      if (process.getuid?.() === 0) await chown(path, NOBODY, NOBODY);
      described.push(
        `<disk type='file' device='disk'><driver name='qemu' type='${format}'/><source file='${path}'/>` +
          `<target dev='${target}' bus='virtio'/><serial>serial-${target}</serial></disk>`,
      );
    }
    return (
      `<domain type='qemu'><name>test-${uuid.slice(0, 8)}</name><uuid>${uuid}</uuid>` +
      `<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>` +
      `<devices>${described.join("")}</devices></domain>`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) await this.#destroyDomains();
    this.#child.kill("SIGTERM");
    const overdue = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await this.#exited;
    clearTimeout(overdue);
    await rm(this.folder, { recursive: true, force: true });
  }

  async #destroyDomains(): Promise<void> {
    using client = await this.connect();
    for (const domain of await client.listDomains()) {
      if (domain.id !== -1) await client.destroyDomain(domain);
    }
  }
}

/** Without virtlogd, which the daemon would start and leave behind. */
async function configure(folder: string): Promise<void> {
  const place = join(folder, "config", "libvirt");
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "qemu.conf"), 'stdio_handler = "file"\n');
}

function spawnDaemon(folder: string, isRoot: boolean): ChildProcess {
  const places = {
    HOME: folder,
    XDG_RUNTIME_DIR: join(folder, "run"),
    XDG_CONFIG_HOME: join(folder, "config"),
    XDG_CACHE_HOME: join(folder, "cache"),
    XDG_DATA_HOME: join(folder, "data"),
  };
  const as = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const variables = Object.entries(places).map(([name, value]) => `${name}=${value}`);
  return spawn("env", [...variables, ...as, "libvirtd"], { stdio: "ignore", cwd: folder });
}
