import { LibvirtProtocolFault } from "./faults.ts";
import type { XdrReader, XdrWriter } from "./xdr.ts";

/** How libvirt's protocol names a domain in each call and event. */
export interface DomainRef {
  readonly name: string;
  /** With hyphens; Nova gives an instance's domain the instance's own id. */
  readonly uuid: string;
  /** A number for each start of the domain; -1 while it is shut off. */
  readonly id: number;
}

const UUID_BYTES = 16;

/** Puts a domain into a call. */
export function putDomain(writer: XdrWriter, domain: DomainRef): XdrWriter {
  return writer.text(domain.name).fixed(uuidBytes(domain.uuid)).int(domain.id);
}

/** Takes a domain off an answer. */
export function takeDomain(reader: XdrReader): DomainRef {
  return { name: reader.text(), uuid: uuidText(reader.fixed(UUID_BYTES)), id: reader.int() };
}

/** The 16 bytes of a UUID; whoever calls has looked at its form. */
export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
  if (bytes.length !== UUID_BYTES) throw new LibvirtProtocolFault(`${uuid} is no UUID`);
  return bytes;
}

function uuidText(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const STATES = [
  "none",
  "running",
  "blocked",
  "paused",
  "shutting-down",
  "shut-off",
  "crashed",
  "pm-suspended",
] as const;

/** `virDomainState`. */
export type DomainState = (typeof STATES)[number];

/** The word for libvirt's number of a state. */
export function stateOf(number: number): DomainState {
  return STATES[number] ?? "none";
}

/** `VIR_DOMAIN_PAUSED_IOERROR`: the reason of a domain that QEMU paused because a write failed. */
export const PAUSED_FOR_IO_ERROR = 5;

/** A typed parameter's value, as in the statistics of a job. */
export type ParameterValue = number | boolean | string;

/** Takes a list of typed parameters (`remote_typed_param`). */
export function takeParameters(reader: XdrReader): ReadonlyMap<string, ParameterValue> {
  return new Map(reader.list(() => [reader.text(), takeValue(reader)] as const));
}

/** `virTypedParameterType`. */
function takeValue(reader: XdrReader): ParameterValue {
  const type = reader.int();
  switch (type) {
    case 1:
      return reader.int();
    case 2:
      return reader.uint();
    case 3:
      return reader.long();
    case 4:
      return reader.ulong();
    case 5:
      return reader.double();
    case 6:
      return reader.int() !== 0;
    case 7:
      return reader.text();
    default:
      throw new LibvirtProtocolFault(`a parameter of type ${type}`);
  }
}
