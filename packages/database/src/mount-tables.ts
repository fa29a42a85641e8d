import type { MountedCopy, MountedFileSystem } from "@cairn/domain";
import type { InstanceId, RunId, SnapshotId } from "@cairn/kernel";
import type { ColumnType, Selectable } from "kysely";

/** The table of migration 0023. */
export interface MountTables {
  snapshot_mount: SnapshotMountTable;
}

type JsonList<Item> = ColumnType<Item[], string | undefined, string>;

interface SnapshotMountTable {
  snapshot_id: SnapshotId;
  instance_id: InstanceId;
  instance_name: string;
  run_id: RunId;
  copies: JsonList<MountedCopy>;
  file_systems: JsonList<MountedFileSystem>;
  url: ColumnType<string, string | undefined, string>;
  created_at: ColumnType<Date, Date | undefined, Date>;
  mounted_at: Date | null;
}
export type SnapshotMountRow = Selectable<SnapshotMountTable>;
