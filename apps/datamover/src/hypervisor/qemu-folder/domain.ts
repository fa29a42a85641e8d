import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DiskSource } from "@cairn/contract";
import { asError, Fault, hasCode } from "@cairn/kernel";
import { type Fields, fieldsOf, listOf, optionalNumber, optionalText, textField } from "../../host/json.ts";
import { findProcess, type ProcessIdentity } from "../../host/process-identity.ts";

/**
 * A disk as `domain.json` describes it. Node names are those of the running process and change with each
 * start.
 */
export interface DomainDisk {
  readonly device: string;
  readonly serial: string | undefined;
  readonly path: string;
  readonly format: "qcow2" | "raw";
  readonly nodeName: string;
  readonly qdevId: string;
}

/** An instance as `domain.json` describes it. */
export interface Domain {
  readonly instanceId: string;
  readonly state:
    | {
        readonly kind: "running";
        readonly process: ProcessIdentity;
        readonly qmpSocket: string;
        /**
         * A second monitor: QEMU serves one client a socket, and a stopped datamover holds on to the first.
         */
        readonly guardSocket: string;
      }
    /** Described as running, but its QEMU has died: the hypervisor has not noticed yet. */
    | { readonly kind: "crashed" }
    | { readonly kind: "stopped" };
  readonly disks: readonly DomainDisk[];
}

/** Reads what the hypervisor tells of an instance; nothing when the host has no such instance. */
export async function findDomain(folder: string, instanceId: string): Promise<Domain | undefined> {
  const path = join(folder, instanceId, "domain.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new Fault("domain-unreadable", `reading ${path}`, "later", cause);
  }
  const fields = parseFields(text, path);
  return {
    instanceId,
    state: await readState(fields, path),
    disks: listOf(fields["disks"]).map((disk) => readDisk(disk, path)),
  };
}

/** Like `findDomain`, but an unknown instance is a Fault. */
export async function getDomain(folder: string, instanceId: string): Promise<Domain> {
  const domain = await findDomain(folder, instanceId);
  if (domain !== undefined) return domain;
  throw new Fault("instance-unknown", `looking for instance ${instanceId} on this host`, "later");
}

/** The ids of all instances of the host. */
export async function listDomains(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
      .map((entry) => entry.name);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return [];
    throw new Fault("domain-unreadable", `listing ${folder}`, "later", cause);
  }
}

/** The disk that an order means. */
export function getDisk(domain: Domain, source: DiskSource): DomainDisk {
  const found = domain.disks.find((disk) => isMeant(disk, source));
  if (found !== undefined) return found;
  const what = source.kind === "volume" ? `volume ${source.volumeId}` : `local disk ${source.device}`;
  throw new Fault("disk-unknown", `looking for ${what} of instance ${domain.instanceId}`, "later");
}

function isMeant(disk: DomainDisk, source: DiskSource): boolean {
  switch (source.kind) {
    case "volume":
      return disk.serial === source.volumeId;
    case "local":
      return disk.device === source.device && disk.serial === undefined;
  }
}

function parseFields(text: string, path: string): Fields {
  try {
    return fieldsOf(JSON.parse(text));
  } catch (cause) {
    throw new Fault("domain-unreadable", `parsing ${path}`, "later", asError(cause));
  }
}

async function readState(fields: Fields, path: string): Promise<Domain["state"]> {
  const state = textField(fields, "state", path);
  if (state === "shutoff") return { kind: "stopped" };
  if (state !== "running") {
    throw new Fault("instance-busy", `instance is ${state} according to ${path}`, "later");
  }
  const pid = optionalNumber(fields, "pid");
  const process = pid === undefined ? undefined : await findProcess(pid);
  if (process === undefined) return { kind: "crashed" };
  const qmpSocket = textField(fields, "qmpSocket", path);
  return { kind: "running", process, qmpSocket, guardSocket: textField(fields, "guardSocket", path) };
}

function readDisk(disk: Fields, path: string): DomainDisk {
  const format = textField(disk, "format", path);
  if (format !== "qcow2" && format !== "raw") {
    throw new Fault("format-unknown", `disk of ${path} has format ${format}`, "never");
  }
  return {
    device: textField(disk, "device", path),
    serial: optionalText(disk, "serial"),
    path: textField(disk, "path", path),
    format,
    nodeName: textField(disk, "nodeName", path),
    qdevId: textField(disk, "qdevId", path),
  };
}
