import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { connectLibvirt, type DomainRef, type LibvirtClient } from "@cairn/libvirt";
import { fieldsOf } from "../host/json.ts";
import { describeDomain } from "../hypervisor/libvirt/domain-xml.ts";
import { domainMonitor } from "../hypervisor/libvirt/link.ts";
import { listNodes } from "../hypervisor/nodes.ts";
import type { TestDisk } from "./test-node.ts";

const run = promisify(execFile);
const PLACE = { socket: "/run/libvirt/libvirt-sock", uri: "qemu:///system" };
const POLL_MS = 250;
const READY_TIMEOUT_MS = 120_000;
const COMMAND_TIMEOUT_S = 60;

/** A server of a real Nova on this machine, with a volume attached; removed with all that belongs to it. */
export class NovaInstance implements AsyncDisposable {
  readonly place = PLACE;
  readonly client: LibvirtClient;
  readonly id: string;
  readonly disks: readonly TestDisk[];
  readonly #folder: string;
  readonly #volumeIds: readonly string[];

  private constructor(parts: {
    folder: string;
    client: LibvirtClient;
    id: string;
    volumeIds: readonly string[];
  }) {
    this.#folder = parts.folder;
    this.client = parts.client;
    this.id = parts.id;
    this.#volumeIds = parts.volumeIds;
    this.disks = [undefined, ...parts.volumeIds].map((volumeId, position) => ({
      device: `vd${"abcdef"[position] ?? ""}`,
      format: "qcow2",
      sizeBytes: 0,
      ...(volumeId === undefined ? {} : { volumeId }),
    }));
  }

  /** Which of these volume types the cloud has. */
  static async volumeTypes(folder: string, wanted: readonly string[]): Promise<readonly string[]> {
    const there = (await openstack(folder, ["volume", "type", "list", "-f", "value", "-c", "Name"])).split(
      "\n",
    );
    return wanted.filter((type) => there.includes(type));
  }

  /**
   * In the cloud whose folder has a `clouds.yaml`; with the image, flavor and network that a testcloud has,
   * and a volume of each type.
   */
  static async create(folder: string, volumeTypes: readonly string[]): Promise<NovaInstance> {
    const name = `cairn-test-${randomUUID().slice(0, 8)}`;
    const volumeIds: string[] = [];
    for (const type of volumeTypes) {
      const volume = ["volume", "create", "--size", "1", "--type", type, `${name}-${type}`];
      volumeIds.push(await openstack(folder, [...volume, "-f", "value", "-c", "id"]));
    }
    const server = ["--image", "guest", "--flavor", "t1.disk", "--network", "priv", "--wait", name];
    const id = await openstack(folder, ["server", "create", ...server, "-f", "value", "-c", "id"]);
    const client = await connectLibvirt({ ...PLACE, timeoutMs: 40_000 });
    const instance = new NovaInstance({ folder, client, id, volumeIds });
    // A kernel that is still looking for its disks could call a volume /dev/vda.
    await instance.ready(1);
    for (const volumeId of volumeIds) {
      const words = ["volume", "show", volumeId, "-f", "value", "-c", "status"];
      await until(async () => (await openstack(folder, words)) === "available");
      await openstack(folder, ["server", "add", "volume", id, volumeId]);
      // Nova attaches after it has answered: the next one could be faster, and have this one's device.
      await until(async () => (await openstack(folder, words)) === "in-use");
    }
    await instance.ready();
    return instance;
  }

  /** `openstack server <verb> <this server> …`. */
  async nova(verb: string, ...words: readonly string[]): Promise<string> {
    return openstack(this.#folder, ["server", ...verb.split(" "), this.id, ...words]);
  }

  async cloud(...words: readonly string[]): Promise<string> {
    return openstack(this.#folder, words);
  }

  async domain(): Promise<DomainRef> {
    const domain = await this.client.findDomain(this.id);
    if (domain === undefined) throw new Error("Nova has no domain for the server");
    return domain;
  }

  /** Waits until the disks are there, or so many of them, and the guest's agent answers. */
  async ready(count = this.disks.length): Promise<void> {
    await until(async () => {
      const { agent, disks } = describeDomain(await this.client.domainXml(await this.domain(), "current"));
      return agent === "connected" && disks.length === count;
    });
  }

  /** Runs a line of shell in the guest, and gives what it printed. */
  async guest(line: string): Promise<string> {
    const domain = await this.domain();
    const ask = async (command: object): Promise<ReturnType<typeof fieldsOf>> => {
      const asked = { line: JSON.stringify(command), timeoutS: 10 };
      return fieldsOf(fieldsOf(JSON.parse(await this.client.agentCommand(domain, asked)))["return"]);
    };
    const words = { path: "/bin/sh", arg: ["-c", line], "capture-output": true };
    const { pid } = await ask({ execute: "guest-exec", arguments: words });
    for (let polls = 0; polls < (COMMAND_TIMEOUT_S * 1000) / POLL_MS; polls += 1) {
      const status = await ask({ execute: "guest-exec-status", arguments: { pid } });
      if (status["exited"] === true) return decodeOutput(status, line);
      await sleep(POLL_MS);
    }
    throw new Error(`the guest does not finish: ${line}`);
  }

  /** Bitmaps of ours, jobs and checkpoints. */
  async traces(): Promise<{ bitmaps: readonly string[]; others: readonly string[] }> {
    const domain = await this.domain();
    const nodes = await listNodes(domainMonitor(this.client, domain), new AbortController().signal);
    const bitmaps = nodes.flatMap((node) => node.bitmaps.map(({ name }) => name));
    const checkpoints = await this.client.listCheckpoints(domain);
    const job = (await this.client.hasJob(domain)) ? ["job"] : [];
    return { bitmaps, others: [...checkpoints.map(({ name }) => name), ...job] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await openstack(this.#folder, ["server", "delete", "--wait", this.id]);
    for (const volumeId of this.#volumeIds) await openstack(this.#folder, ["volume", "delete", volumeId]);
  }
}

async function openstack(folder: string, words: readonly string[]): Promise<string> {
  // The client of Debian 12 knows Nova up to 2.92, and its Python must not be another one's.
  const settings = [
    `OS_CLIENT_CONFIG_FILE=${join(folder, "clouds.yaml")}`,
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
  ];
  const { stdout } = await run("env", [...settings, "openstack", "--os-cloud", "admin", ...words]);
  return stdout.trim();
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(READY_TIMEOUT_MS);
  while (!(await isSo())) {
    limit.throwIfAborted();
    await sleep(POLL_MS);
  }
}

function decodeOutput(status: ReturnType<typeof fieldsOf>, line: string): string {
  const text = (name: string): string => {
    const value = status[name];
    return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8").trim() : "";
  };
  if (status["exitcode"] !== 0) throw new Error(`the guest failed at ${line}: ${text("err-data")}`);
  return text("out-data");
}
