/** A file that a search found. */
export interface FoundFile {
  readonly snapshotId: string;
  /** The disk, partition or logical volume. */
  readonly volume: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** When it was changed last, as the API writes times. */
  readonly modified: string;
  /** As `ls -l` writes them. */
  readonly permissions: string;
}

/** What was found in one snapshot. */
export interface FoundInSnapshot {
  readonly snapshotId: string;
  readonly files: readonly FoundFile[];
}

/**
 * Reads what a search found: for each snapshot its volumes, each with paths and what `ls -l` shows of them.
 * Throws a TypeError on anything else.
 */
export function readFound(text: string): FoundInSnapshot[] {
  return listOf(JSON.parse(text) as unknown).flatMap((one) =>
    Object.entries(fieldsOf(one)).map(([snapshotId, volumes]) => ({
      snapshotId,
      files: listOf(volumes).flatMap((volume) => filesOf(snapshotId, volume)),
    })),
  );
}

function filesOf(snapshotId: string, volume: unknown): FoundFile[] {
  return Object.entries(fieldsOf(volume)).flatMap(([label, files]) =>
    Object.entries(fieldsOf(files)).map(([path, file]) => {
      const { size, modified, permissions } = fieldsOf(file);
      return {
        snapshotId,
        volume: label,
        path,
        sizeBytes: Number(size),
        modified: String(modified),
        permissions: String(permissions),
      };
    }),
  );
}

/** The name that a file is saved under: the last part of its path, a folder's with the archive's ending. */
export function saveName({ path, permissions }: Pick<FoundFile, "path" | "permissions">): string {
  const last = path.split("/").findLast((part) => part !== "") ?? "root";
  return permissions.startsWith("d") ? `${last}.tar` : last;
}

/** What can be had: devices, pipes and sockets have no bytes, and a link has another file's. */
export function canBeSaved({ permissions }: Pick<FoundFile, "permissions">): boolean {
  return permissions.startsWith("-") || permissions.startsWith("d");
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("what was found is no list");
  return value;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new TypeError("what was found is no object");
  return value as Readonly<Record<string, unknown>>;
}
