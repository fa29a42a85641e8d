export { connectNbd, type NbdClient, type NbdOptions, type ZeroOptions } from "./client.ts";
export type { NbdAddress } from "./connection.ts";
export type {
  ExportExtent,
  ExportLoan,
  ExportPart,
  NbdExport,
  NbdListen,
  NbdServer,
  NbdServerEvent,
  NbdServerOptions,
} from "./export.ts";
export { type NbdProtocolFault, NbdRequestFault } from "./faults.ts";
export { serveNbd } from "./server/serve.ts";
export { ALLOCATION_ZERO, BITMAP_DIRTY, type StatusExtent } from "./status.ts";
