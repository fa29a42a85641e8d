import type { Measured } from "./measure.ts";

/** One tool in the race: keeps its repository in a folder of its own. */
export interface Tool {
  readonly name: string;
  /** Empty repository; not measured. */
  prepare(): Promise<void>;
  full(): Promise<Measured>;
  /** After the disk was changed. */
  incremental(): Promise<Measured>;
  /** Brings the disk back as it was at the incremental. Says where the file is. */
  restore(): Promise<Measured & { readonly file: string }>;
  /** Bytes of the repository. */
  storedBytes(): Promise<number>;
  /** What a reader should know beside the figures. */
  readonly remarks: readonly string[];
  stop(): Promise<void>;
}
