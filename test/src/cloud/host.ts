import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hasCode } from "@cairn/kernel";
import { until } from "../tree.ts";

const run = promisify(execFile);
const TESTCLOUD = fileURLToPath(new URL("../../../testcloud/src/main.ts", import.meta.url));
const GONE_MS = 30_000;
const RESTART_MS = 200_000;

/** Kills an instance's QEMU as the kernel's killer would, and waits until it is gone. */
export async function killQemu(instanceId: string): Promise<void> {
  const pid = await qemuOf(instanceId);
  if (pid === undefined) throw new Error(`instance ${instanceId} has no QEMU`);
  process.kill(pid, "SIGKILL");
  await until(`the end of QEMU ${pid}`, GONE_MS, async () =>
    (await qemuOf(instanceId)) === undefined ? true : undefined,
  );
}

/** The process that has the instance's id in its command line. */
async function qemuOf(instanceId: string): Promise<number | undefined> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await readUnlessGone(`/proc/${name}/cmdline`)).split("\0");
    if (words[0]?.includes("qemu") === true && words[words.indexOf("-uuid") + 1] === instanceId)
      return Number(name);
  }
  return undefined;
}

async function readUnlessGone(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ESRCH")) return "";
    throw cause;
  }
}

/** Restarts libvirt's daemon of the test cloud in a folder; its guests go on. */
export async function restartLibvirt(cloudFolder: string): Promise<void> {
  const words = [TESTCLOUD, "restart", "libvirtd", "--folder", cloudFolder];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"], timeout: RESTART_MS });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += String(part)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`restarting libvirtd ended with ${code}:\n${said}`);
}

/** What Ceph's pools and their trash hold and which domains libvirt has, each as a line. */
export async function storageInventory(cloudFolder: string): Promise<readonly string[]> {
  const domains = (await run("virsh", ["-q", "-c", "qemu:///system", "list", "--all", "--uuid"])).stdout;
  const { ceph } = JSON.parse(await readFile(join(cloudFolder, "access.json"), "utf8")) as Access;
  const lines = domains.split("\n").map((uuid) => `domain ${uuid.trim()}`);
  if (ceph === undefined) return lines;
  for (const pool of [ceph.volumes, ceph.instances]) {
    const rbd = async (...words: readonly string[]): Promise<string> =>
      (await run("rbd", ["--conf", ceph.conf, "--id", ceph.user, "--pool", pool, ...words])).stdout;
    for (const words of [
      ["ls", "--long"],
      ["trash", "ls"],
    ] as const)
      lines.push(...(await rbd(...words)).split("\n").map((line) => `${pool} ${words[0]} ${line.trim()}`));
  }
  return lines.toSorted();
}

interface Access {
  readonly ceph?: {
    readonly conf: string;
    readonly user: string;
    readonly volumes: string;
    readonly instances: string;
  };
}

/** One line a thing of ours that libvirt or QEMU of an instance has: checkpoints, jobs, bitmaps. */
export async function tracesOf(instanceId: string, bitmapsInUse: ReadonlySet<string>): Promise<string[]> {
  const virsh = async (...words: readonly string[]): Promise<string> =>
    (await run("virsh", ["-q", "-c", "qemu:///system", ...words])).stdout.trim();
  const found: string[] = [];
  const checkpoints = await virsh("checkpoint-list", "--name", instanceId);
  if (checkpoints !== "") found.push(`checkpoints of ${instanceId}: ${checkpoints}`);
  const job = await virsh("domjobinfo", instanceId);
  if (!/None/.test(job)) found.push(`job of ${instanceId}: ${job}`);
  const nodes = await virsh("qemu-monitor-command", instanceId, '{"execute":"query-named-block-nodes"}');
  for (const bitmap of nodes.match(/cairn-[\w-]+/g) ?? [])
    if (!bitmapsInUse.has(bitmap)) found.push(`bitmap or node ${bitmap} of ${instanceId}`);
  return found;
}
