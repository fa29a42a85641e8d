import type { ProjectId, SnapshotId, UserId } from "@cairn/kernel";
import type { ColumnType, Generated, Selectable } from "kysely";

/** The tables of searching and reading files; a part of `Tables`. */
export interface FileTables {
  file_job: FileJobTable;
  file_part: FilePartTable;
}

type Json<Value> = ColumnType<Value, string, string>;
type Now = ColumnType<Date, Date | undefined, Date>;

export type FileJobKind = "search" | "list" | "get";

interface FileJobTable {
  id: Generated<number>;
  kind: FileJobKind;
  project_id: ProjectId;
  asked_by: UserId;
  instance_id: string;
  snapshot_ids: Json<readonly SnapshotId[]>;
  request: Json<unknown>;
  state: Generated<"executing" | "completed" | "error">;
  result: ColumnType<unknown, string | null | undefined, string | null>;
  error_message: string | null;
  generation: Generated<number>;
  claimed_by: string | null;
  lease_until: Date | null;
  created_at: Now;
  updated_at: Date | null;
}
export type FileJobRow = Selectable<FileJobTable>;

interface FilePartTable {
  job_id: number;
  number: number;
  bytes: Buffer;
}
