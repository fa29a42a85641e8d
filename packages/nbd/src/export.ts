/** A part of an export as it lies in memory, or a stretch of zeroes that lies nowhere. */
export type ExportPart =
  | { readonly kind: "data"; readonly bytes: Buffer }
  | { readonly kind: "zero"; readonly length: number };

/** Bytes that the server may send until it calls `release`. */
export interface ExportLoan {
  /** In order; together as long as what was asked for. */
  readonly parts: readonly ExportPart[];
  release(): void;
}

export interface ExportExtent {
  readonly offset: number;
  readonly length: number;
  readonly kind: "data" | "zero";
}

/**
 * What the server offers under a name, read-only. Calls overlap. A failure of `lend` or `extents` becomes
 * `EIO` for that request alone.
 */
export interface NbdExport {
  readonly name: string;
  readonly description?: string;
  readonly sizeBytes: number;
  /** At most 1 MiB at once. */
  lend(offset: number, length: number, signal: AbortSignal): Promise<ExportLoan>;
  /** The same when nothing has to be waited for, else nothing. */
  lendNow?(offset: number, length: number): ExportLoan | undefined;
  /** Ascending, gapless, covering the stretch. */
  extents(offset: number, length: number, signal: AbortSignal): AsyncIterable<ExportExtent>;
}

/** Where to listen. TCP listens on loopback unless told; without TLS nothing there is encrypted. */
export type NbdListen =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      /** `127.0.0.1` unless told. */
      readonly host?: string;
      /** 0: any free port. */
      readonly port: number;
      /** PEM. With it, a client must begin TLS (`NBD_OPT_STARTTLS`) before it learns anything. */
      readonly tls?: { readonly key: string; readonly certificate: string };
    };

/** What the server tells of. Nothing of it is an error of the server: it goes on. */
export type NbdServerEvent =
  | { readonly kind: "connected"; readonly connection: number; readonly exportName: string }
  | {
      readonly kind: "request-failed";
      readonly connection: number;
      readonly exportName: string;
      readonly offset: number;
      readonly length: number;
      readonly cause: unknown;
    }
  /** The client's bytes made no sense, it fell silent, or there were too many connections. */
  | { readonly kind: "dropped"; readonly connection: number; readonly why: string }
  | { readonly kind: "disconnected"; readonly connection: number };

export interface NbdServerOptions {
  readonly exports: readonly NbdExport[];
  readonly listen: NbdListen;
  readonly connectionsMax?: number;
  /** How long a handshake may take, and how long a client may take to read what it asked for. */
  readonly patienceMs?: number;
  readonly onEvent?: (event: NbdServerEvent) => void;
  /** Ends the server, as `close` does. */
  readonly signal?: AbortSignal;
}

export interface NbdServer extends AsyncDisposable {
  /** Where it listens: for TCP with the port that it got. */
  readonly address:
    | { readonly kind: "unix"; readonly path: string }
    | { readonly kind: "tcp"; readonly host: string; readonly port: number };
  /** An NBD URI of an export (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md). */
  uri(exportName: string): string;
  readonly connections: number;
  /** Ends all connections and removes the socket. May be called twice. */
  close(): Promise<void>;
}
