import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A disk of an instance as its host knows it. */
export interface DomainDisk {
  readonly device: string;
  /** The Cinder volume's id. */
  readonly serial?: string;
  readonly path: string;
  readonly format: "qcow2" | "raw";
  /** Name of the top block node; another one after each start. */
  readonly nodeName: string;
  readonly qdevId: string;
}

/** `domain.json` in an instance's folder: what a hypervisor would tell about it. */
export interface DomainFile {
  readonly uuid: string;
  readonly name: string;
  readonly state: "running" | "shutoff";
  readonly pid?: number;
  readonly startTicks?: string;
  readonly qmpSocket?: string;
  /** A second monitor, for whoever has to act while somebody holds on to the first. */
  readonly guardSocket?: string;
  /** How often it was started. */
  readonly boots: number;
  readonly disks: readonly DomainDisk[];
}

export function readDomain(folder: string): DomainFile | undefined {
  const path = join(folder, "domain.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as DomainFile) : undefined;
}

/** Replaces the file at once, so that a reader sees the old or the new one. */
export function writeDomain(folder: string, domain: DomainFile): void {
  const path = join(folder, "domain.json");
  writeFileSync(`${path}.tmp`, `${JSON.stringify(domain, undefined, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** The disk under the name that it has during this start of the instance. */
export function namedDisk(disk: Omit<DomainDisk, "nodeName" | "qdevId">, boots: number): DomainDisk {
  return { ...disk, nodeName: `sandbox-${boots}-${disk.device}-format`, qdevId: `disk-${disk.device}` };
}

/** The first free device name: `vda` … `vdz`, `vdaa` … */
export function nextDevice(taken: readonly string[]): string {
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index));
  const names = [...letters, ...letters.flatMap((first) => letters.map((second) => first + second))];
  const free = names.map((name) => `vd${name}`).find((name) => !taken.includes(name));
  return free ?? "vdzz";
}
