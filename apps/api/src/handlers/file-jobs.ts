import { type FileJobRow, isWhole, openFileJob, type SnapshotRow, type WantedFileJob } from "@cairn/database";
import type { FoundFile, SnapshotDiskRecord } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import type { World } from "../world.ts";

/** Jobs of a project that have not ended: each takes an engine some seconds at least. */
const WAITING_MAX = 20;

/** Opens a job for the engines. */
export async function opened(world: World, wanted: WantedFileJob): Promise<FileJobRow> {
  const row = await world.database.transaction(async (transaction) =>
    openFileJob(transaction, wanted, WAITING_MAX),
  );
  if (row !== "too-many") return row;
  throw new Rejection(
    `${String(WAITING_MAX)} searches and readings of files of this project go on already.`,
    {
      status: 409,
      field: "project_id",
      value: wanted.projectId,
      remedy: "Wait until some of them have ended.",
    },
  );
}

/** What an engine wrote of a folder. */
export interface Listed {
  readonly volumes: readonly { readonly label: string; readonly format: string; readonly state: string }[];
  readonly kind: "volumes" | "folder" | "file" | "absent";
  readonly files: readonly FoundFile[];
  readonly more: boolean;
}

/** The refusal of what an engine could not do. */
export function unreadable(job: Partial<Pick<FileJobRow, "error_message" | "snapshot_ids">>): Rejection {
  return new Rejection(`The disks could not be read: ${job.error_message ?? ""}.`, {
    status: 409,
    field: "snapshot_id",
    value: job.snapshot_ids ?? null,
    remedy: "Mend what it says and ask again.",
  });
}

/** The instance that is meant: the only one unless named. */
export function instanceOf(row: SnapshotRow, named: string | undefined): string {
  if (!isWhole(row)) {
    throw new Rejection(`The snapshot ${row.id} is ${row.status}.`, {
      status: 409,
      field: "status",
      value: row.status,
      remedy: "Name one that is available.",
    });
  }
  const ids = [...new Set((row.disks as readonly SnapshotDiskRecord[]).map((disk) => disk.instanceId))];
  const [only, ...others] = named === undefined ? ids : ids.filter((id) => id === named);
  if (only !== undefined && others.length === 0) return only;
  throw new Rejection(
    named === undefined
      ? `The snapshot has disks of ${String(ids.length)} instances.`
      : `The snapshot has no disks of an instance ${named}.`,
    {
      status: named === undefined ? 400 : 404,
      field: "vm_id",
      value: named ?? null,
      remedy: `Name one of ${ids.slice(0, 10).join(", ")}.`,
    },
  );
}

/** Refuses a volume or file that is not there. */
export function assertFound(
  { volumes, kind }: Pick<Listed, "volumes" | "kind">,
  { volume, path }: { readonly volume: string; readonly path: string },
): void {
  const found = volumes.find(({ label }) => label === volume);
  if (found === undefined) {
    const labels = volumes.map(({ label }) => label).join(", ");
    throw new Rejection(`The instance has no volume ${volume} in this snapshot.`, {
      status: 404,
      field: "volume",
      value: volume,
      remedy: labels === "" ? "It has none at all." : `There are ${labels}.`,
    });
  }
  if (found.state !== "mounted") {
    throw new Rejection(`The volume ${volume} cannot be read: ${found.format}, ${found.state}.`, {
      status: 409,
      field: "volume",
      value: volume,
      remedy: "Restore the disk, or mount it from `cairn repo serve`.",
    });
  }
  if (kind !== "absent") return;
  throw new Rejection(`The volume ${volume} has no ${path} in this snapshot.`, {
    status: 404,
    field: "path",
    value: path,
    remedy: "List the folder above it, or search for the file.",
  });
}
