import type { Database, FileClaim, FileJobRow } from "@cairn/database";
import type { Appliance } from "@cairn/files";
import type { OwnershipWorld } from "@cairn/flows";
import type { Clock, Secret } from "@cairn/kernel";

/** What an engine gives to the reading of files. */
export interface FileWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: OwnershipWorld["log"];
  readonly masterKey: Secret<Buffer>;
  /** The engine's name, for the record. */
  readonly engine: string;
  readonly settings: FileSettings;
  /** Makes it when it is first needed, and keeps it. */
  appliance(): Promise<Appliance>;
}

export interface FileSettings {
  /** A job may take so long, waiting for its turn not counted. */
  readonly timeoutMs: number;
  /** Files that one search tells at most. */
  readonly hitsMax: number;
  /** As QEMU calls them, best first. */
  readonly accelerators: readonly string[];
}

/** A job that is held. */
export interface HeldJob extends FileWorld {
  readonly job: FileJobRow;
  readonly claim: FileClaim;
  readonly signal: AbortSignal;
}
