export { type CheckpointRef, connectLibvirt, type JobStatistics, LibvirtClient } from "./client.ts";
export type { CallOptions, LibvirtAddress } from "./connection.ts";
export { type DomainRef, type DomainState, PAUSED_FOR_IO_ERROR } from "./domain.ts";
export type { DomainEvent, Lifecycle } from "./events.ts";
export { isLibvirtRefusal, type LibvirtErrorName, LibvirtRefusal } from "./faults.ts";
export {
  attributeOf,
  childOf,
  childrenOf,
  elementText,
  escapeXml,
  parseXml,
  type XmlElement,
} from "./xml/codec.ts";
