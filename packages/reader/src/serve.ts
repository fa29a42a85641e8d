import type { NbdListen, NbdServer, NbdServerEvent } from "@cairn/nbd";
import type { CommittedDisk, RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";

export interface ServeOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** The disks of the commit; several instances may be among them. */
  readonly disks: readonly CommittedDisk[];
  readonly listen: NbdListen;
  /** 256 MiB unless told. */
  readonly cacheBytes?: number;
  /** Worker threads; 2 unless told. */
  readonly workers?: number;
  readonly onEvent?: (event: NbdServerEvent) => void;
  readonly signal: AbortSignal;
}

/** A disk that is served, and the names that it has: its id, and its device where only one disk has it. */
export interface ServedDisk {
  readonly disk: CommittedDisk;
  readonly exportNames: readonly string[];
  readonly uri: string;
}

export interface ServedSnapshot extends AsyncDisposable {
  readonly server: NbdServer;
  readonly disks: readonly ServedDisk[];
  close(): Promise<void>;
}
