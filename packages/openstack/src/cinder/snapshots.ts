import type { VolumeId } from "@cairn/kernel";

/** A volume snapshot of Cinder's, not one of ours. */
export interface VolumeSnapshot {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly volumeId: VolumeId;
  readonly sizeGiB: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface VolumeSnapshots {
  list(
    filter?: { readonly volumeId?: VolumeId; readonly name?: string },
    signal?: AbortSignal,
  ): Promise<readonly VolumeSnapshot[]>;
  find(id: string, signal?: AbortSignal): Promise<VolumeSnapshot | undefined>;
  /** Works on volumes in use too (`force`). */
  create(
    snapshot: { readonly volumeId: VolumeId; readonly name: string },
    signal?: AbortSignal,
  ): Promise<VolumeSnapshot>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}
