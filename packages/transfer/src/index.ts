export type { BlockDestination, BlockSource, Extent } from "./device.ts";
export type {
  DiskReader,
  DiskReaderOptions,
  Loan,
  LoanPart,
  ReadSession,
  ReadSessionOptions,
} from "./disk-reader.ts";
export { type FileDestination, type FileDestinationOptions, fileDestination } from "./file-destination.ts";
export { changedExtents, memoryDisk } from "./memory-disk.ts";
export { openTransfer, RESTORE_WORKERS } from "./open.ts";
export { openDiskReader, openReadSession } from "./read-session.ts";
export type {
  SealedTransfer,
  StoreDiskRequest,
  StoredDisk,
  Transfer,
  TransferOptions,
  TransferProgress,
  WriteDiskRequest,
  WrittenDisk,
} from "./transfer.ts";
