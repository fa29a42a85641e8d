export { connectNbd, NbdClient, type NbdOptions, type ZeroOptions } from "./client.ts";
export type { NbdAddress } from "./connection.ts";
export { NbdProtocolFault, NbdRequestFault } from "./faults.ts";
export { ALLOCATION_HOLE, ALLOCATION_ZERO, BITMAP_DIRTY, type StatusExtent } from "./status.ts";
