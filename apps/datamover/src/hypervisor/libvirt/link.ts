import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import { connectLibvirt, type DomainRef, type LibvirtClient } from "@cairn/libvirt";
import { QmpRefusal } from "@cairn/qmp";
import { fieldsOf, optionalText } from "../../host/json.ts";
import { commandLineOf, findProcess, type ProcessIdentity } from "../../host/process-identity.ts";
import type { Monitor } from "../monitor.ts";

/** Where the host's libvirt listens. */
export interface LibvirtPlace {
  readonly socket: string;
  readonly uri: string;
}

/** Another caller may hold a domain for 30 s before libvirt gives up (QEMU_JOB_WAIT_TIME in its source). */
const CALL_TIMEOUT_MS = 40_000;

/** Connects; the caller closes. */
export async function openLibvirt(place: LibvirtPlace, signal: AbortSignal): Promise<LibvirtClient> {
  return connectLibvirt({ ...place, timeoutMs: CALL_TIMEOUT_MS, signal });
}

/** The instance's domain: Nova gives it the instance's id. */
export async function getDomain(
  client: LibvirtClient,
  instanceId: string,
  signal: AbortSignal,
): Promise<DomainRef> {
  const domain = await client.findDomain(instanceId, { signal });
  if (domain !== undefined) return domain;
  throw new Fault("instance-unknown", `looking for instance ${instanceId} on this host`, "later");
}

/** Whether QEMU has the instance, as far as its disks are concerned. */
export async function activityOf(
  client: LibvirtClient,
  domain: DomainRef,
  signal: AbortSignal,
): Promise<"running" | "stopped"> {
  const { state } = await client.domainState(domain, { signal });
  switch (state) {
    case "running":
    case "blocked":
    case "paused":
    case "pm-suspended":
      return "running";
    case "shut-off":
    case "crashed":
      return domain.id === -1 ? "stopped" : "running";
    case "none":
    case "shutting-down":
      throw new Fault("instance-busy", `instance ${domain.uuid} is ${state}`, "later");
  }
}

/**
 * Why a domain does not run: `virDomainShutoffReason` of include/libvirt/libvirt-domain.h. `unknown` and
 * `daemon` are those of domains whose end the daemon did not see.
 */
export const SHUTOFF = { unknown: 0, shutdown: 1, saved: 5, daemon: 8 } as const;

/** The monitor of a domain's QEMU, through libvirt; what QEMU refuses is a `QmpRefusal`. */
export function domainMonitor(client: LibvirtClient, domain: DomainRef): Monitor {
  return {
    execute: async (command, commandArguments, options) => {
      const line = JSON.stringify({ execute: command, arguments: commandArguments });
      const answer = fieldsOf(JSON.parse(await client.monitorCommand(domain, line, options)));
      if (!("error" in answer)) return answer["return"];
      const error = fieldsOf(answer["error"]);
      const [qmpClass, reason] = [optionalText(error, "class"), optionalText(error, "desc")];
      throw new QmpRefusal(command, qmpClass ?? "", reason ?? "");
    },
  };
}

/** A domain's QEMU process: who it is beyond doubt, and the group that it runs as. */
export interface QemuProcess {
  readonly identity: ProcessIdentity;
  readonly groupId: number;
}

/** Finds the process by the UUID in its command line; libvirt has no call that tells it. */
export async function findQemu(uuid: string): Promise<QemuProcess> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [program = "", ...words] = await commandLineOf(Number(name));
    if (!basename(program).startsWith("qemu") || words[words.indexOf("-uuid") + 1] !== uuid) continue;
    const identity = await findProcess(Number(name));
    const groupId = await groupOf(Number(name));
    if (identity !== undefined && groupId !== undefined) return { identity, groupId };
  }
  throw new Fault("qemu-died", `looking for QEMU of instance ${uuid}`, "later");
}

/** proc(5): `Gid` has the real, effective, saved and file system's id. */
async function groupOf(pid: number): Promise<number | undefined> {
  try {
    const [, effective] = /^Gid:\s+\d+\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
    return effective === undefined ? undefined : Number(effective);
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ESRCH")) return undefined;
    throw cause;
  }
}
