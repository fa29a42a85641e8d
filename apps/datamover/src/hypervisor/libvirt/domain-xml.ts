import type { DiskSource } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import { attributeOf, childOf, childrenOf, elementText, parseXml, type XmlElement } from "@cairn/libvirt";

/** Where a disk's bytes lie, as libvirt describes it. */
export type DiskStorage =
  | { readonly kind: "file" | "device"; readonly path: string }
  | {
      readonly kind: "rbd";
      readonly pool: string;
      readonly image: string;
      readonly hosts: readonly { readonly host: string; readonly port: string }[];
      readonly user: string | undefined;
      readonly secretUuid: string | undefined;
    }
  /** Anything else: read through the running instance only. */
  | { readonly kind: "other"; readonly name: string };

/** A disk of a domain. */
export interface DescribedDisk {
  /** The target, `vda`. */
  readonly device: string;
  readonly alias: string | undefined;
  /** Nova writes the id of the Cinder volume; an instance's local disks have none. */
  readonly serial: string | undefined;
  readonly format: "qcow2" | "raw";
  /** QEMU deciphers it: what lies in the storage is not what the guest sees. */
  readonly isEncrypted: boolean;
  readonly storage: DiskStorage;
  /** N of the node `libvirt-N-format`: of this QEMU process, and of this attachment only. */
  readonly index: string | undefined;
  /** The same for the images below it. */
  readonly indexesBelow: readonly string[];
}

/** What we need of a domain's description. */
export interface DescribedDomain {
  readonly disks: readonly DescribedDisk[];
  /** Nova adds the agent's channel when the image asks for it (`hw_qemu_guest_agent`). */
  readonly agent: "absent" | "disconnected" | "connected";
}

const AGENT_CHANNEL = "org.qemu.guest_agent.0";
/** Device names become part of node names, which have at most 31 letters. */
const DEVICE_NAME = /^[a-z0-9]{1,16}$/;

/** Reads a domain's description. */
export function describeDomain(document: string): DescribedDomain {
  const devices = childOf(parseXml(document), "devices");
  const disks = childrenOf(devices, "disk").filter(isDisk).map(readDisk);
  return { disks, agent: readAgent(devices) };
}

/** The disk that an order means. */
export function describedDisk(
  domain: DescribedDomain,
  source: DiskSource,
  instanceId: string,
): DescribedDisk {
  const found = domain.disks.find((disk) => isMeant(disk, source));
  const what = source.kind === "volume" ? `volume ${source.volumeId}` : `local disk ${source.device}`;
  if (found === undefined)
    throw new Fault("disk-unknown", `looking for ${what} of instance ${instanceId}`, "later");
  if (DEVICE_NAME.test(found.device)) return found;
  throw new Fault("bad-answer", `device name ${found.device} is not expected`, "after-operator");
}

/** The name of a disk's storage in a base's record: when it changes, the base is not used. */
export function storagePath(storage: DiskStorage): string {
  switch (storage.kind) {
    case "file":
    case "device":
      return storage.path;
    case "rbd":
      return `rbd:${storage.pool}/${storage.image}`;
    case "other":
      return storage.name;
  }
}

function isMeant(disk: DescribedDisk, source: DiskSource): boolean {
  switch (source.kind) {
    case "volume":
      return disk.serial === source.volumeId;
    case "local":
      return disk.device === source.device && disk.serial === undefined;
  }
}

function isDisk(disk: XmlElement): boolean {
  const device = attributeOf(disk, "device") ?? "disk";
  return device === "disk" || device === "lun";
}

function readDisk(disk: XmlElement): DescribedDisk {
  const source = childOf(disk, "source");
  const below: string[] = [];
  for (let at = childOf(disk, "backingStore"); at !== undefined; at = childOf(at, "backingStore")) {
    const index = attributeOf(at, "index") ?? attributeOf(childOf(at, "source"), "index");
    if (index !== undefined) below.push(index);
  }
  return {
    device: attributeOf(childOf(disk, "target"), "dev") ?? "",
    alias: attributeOf(childOf(disk, "alias"), "name"),
    serial: elementText(childOf(disk, "serial")),
    format: attributeOf(childOf(disk, "driver"), "type") === "qcow2" ? "qcow2" : "raw",
    isEncrypted: (childOf(disk, "encryption") ?? childOf(source, "encryption")) !== undefined,
    storage: readStorage(disk, source),
    index: attributeOf(source, "index"),
    indexesBelow: below,
  };
}

function readStorage(disk: XmlElement, source: XmlElement | undefined): DiskStorage {
  const type = attributeOf(disk, "type");
  const file = attributeOf(source, "file");
  const device = attributeOf(source, "dev");
  const name = attributeOf(source, "name") ?? "";
  const protocol = attributeOf(source, "protocol") ?? "";
  if (type === "file" && file !== undefined) return { kind: "file", path: file };
  if (type === "block" && device !== undefined) return { kind: "device", path: device };
  const slash = name.indexOf("/");
  if (type !== "network" || protocol !== "rbd" || slash === -1)
    return { kind: "other", name: `${type ?? "unknown"}:${protocol}/${name}` };
  // libvirt gives it back where it was put: Nova puts it beside the source, newer users into it.
  const auth = childOf(source, "auth") ?? childOf(disk, "auth");
  return {
    kind: "rbd",
    pool: name.slice(0, slash),
    image: name.slice(slash + 1),
    hosts: childrenOf(source, "host").map((host) => ({
      host: attributeOf(host, "name") ?? "",
      port: attributeOf(host, "port") ?? "6789",
    })),
    user: attributeOf(auth, "username"),
    secretUuid: attributeOf(childOf(auth, "secret"), "uuid"),
  };
}

function readAgent(devices: XmlElement | undefined): DescribedDomain["agent"] {
  const targets = childrenOf(devices, "channel").map((channel) => childOf(channel, "target"));
  const target = targets.find((each) => attributeOf(each, "name") === AGENT_CHANNEL);
  if (target === undefined) return "absent";
  return attributeOf(target, "state") === "connected" ? "connected" : "disconnected";
}
