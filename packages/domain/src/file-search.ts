import { Rejection } from "@cairn/kernel";

/** A file as its file system describes it: all of it may be a lie. */
export interface FoundFile {
  /** From the root of its file system. Bytes that are no UTF-8 are shown as `\xNN`. */
  readonly path: string;
  /** Kind and permissions, as in stat(2). */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly inode: number;
  /** Seconds since 1970. */
  readonly accessedAt: number;
  readonly modifiedAt: number;
  readonly changedAt: number;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** What a search found on one disk, partition or logical volume. */
export interface SearchedVolume {
  readonly label: string;
  readonly files: readonly FoundFile[];
}

/** What it found in one snapshot. */
export interface SearchedSnapshot {
  readonly snapshotId: string;
  readonly volumes: readonly SearchedVolume[];
}

const PATH_CHARACTERS_MAX = 4096;

/**
 * Refuses what is no path from the root of a file system. In a pattern `*` stands for any characters but a
 * slash, `?` for one of them, and a part that is `**` for any folders.
 */
export function assertFilePath(path: string, field: string): void {
  const refuse = (message: string, remedy: string): never => {
    throw new Rejection(message, { status: 400, field, value: path.slice(0, 200), remedy });
  };
  const example = "Give it from the root of its file system, such as /etc/hosts or /var/log/*.log.";
  if (!path.startsWith("/")) refuse("The path does not begin with a slash.", example);
  if (path.length > PATH_CHARACTERS_MAX) {
    refuse(`The path has more than ${String(PATH_CHARACTERS_MAX)} characters.`, example);
  }
  if (path.includes("\0") || !path.isWellFormed())
    refuse("The path has characters that no name has.", example);
  if (path.split("/").some((part) => part === "." || part === "..")) {
    refuse("The path has a part that is . or ..", "Give it without.");
  }
}

/** Which snapshots a search shall look into; one way to say so, or none: all. */
export interface SnapshotChoice {
  readonly ids: readonly string[];
  /** So many of the first. */
  readonly first: number;
  /** So many of the latest. */
  readonly latest: number;
  /** Milliseconds since 1970. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

interface Choosable {
  readonly id: string;
  readonly createdAtMs: number;
}

/** The names of the request's fields, for people. */
const FIELDS = {
  ids: "snapshot_ids",
  first: "start",
  latest: "end",
  from: "date_from",
  to: "date_to",
} as const;

/**
 * The ids of the snapshots that are meant, in the order of `snapshots`, which is oldest first. Rejections:
 * two ways at once, numbers below 0, an end before the beginning, an id that is not among them.
 */
export function chooseSnapshots(snapshots: readonly Choosable[], choice: SnapshotChoice): string[] {
  assertOneWay(choice);
  const { ids, first, latest, fromMs, toMs } = choice;
  if (ids.length > 0) return byIds(snapshots, ids);
  if (first > 0 || latest > 0) {
    const last = snapshots.length - latest;
    return snapshots.filter((_, index) => index < first || index >= last).map(({ id }) => id);
  }
  return snapshots
    .filter(({ createdAtMs }) => createdAtMs >= (fromMs ?? 0) && createdAtMs <= (toMs ?? Infinity))
    .map(({ id }) => id);
}

function byIds(snapshots: readonly Choosable[], ids: readonly string[]): string[] {
  const known = new Set(snapshots.map(({ id }) => id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw new Rejection(`There is no available snapshot ${unknown} of the instance.`, {
      status: 400,
      field: FIELDS.ids,
      value: unknown,
      remedy: "Name snapshots that have the instance and are available, or none: then all are searched.",
    });
  }
  const wanted = new Set(ids);
  return snapshots.map(({ id }) => id).filter((id) => wanted.has(id));
}

function assertOneWay({ ids, first, latest, fromMs, toMs }: SnapshotChoice): void {
  for (const [field, value] of [[FIELDS.first, first] as const, [FIELDS.latest, latest] as const]) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    const remedy = "Give a whole number of snapshots; 0 means that it does not count.";
    throw new Rejection(`${field} is no number of snapshots.`, { status: 400, field, value, remedy });
  }
  const ways = [
    ids.length > 0 ? FIELDS.ids : undefined,
    first > 0 ? FIELDS.first : latest > 0 ? FIELDS.latest : undefined,
    fromMs !== undefined ? FIELDS.from : toMs !== undefined ? FIELDS.to : undefined,
  ].filter((way) => way !== undefined);
  const [one, other] = ways;
  if (one !== undefined && other !== undefined) {
    throw new Rejection(`${one} and ${other} are two ways to choose snapshots.`, {
      status: 400,
      field: other,
      value: true,
      remedy: `Give one of them: snapshot_ids, start and end, or date_from and date_to.`,
    });
  }
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new Rejection("date_to is before date_from.", {
      status: 400,
      field: FIELDS.to,
      value: new Date(toMs).toISOString(),
      remedy: "Give the earlier time as date_from.",
    });
  }
}

/**
 * What a search found as clients of the reference evaluate it: JSON that is a literal of Python as well, so
 * without booleans and null. A snapshot has its disks, a disk its paths, a path what `ls -l` shows.
 */
export function searchLiteral(found: readonly SearchedSnapshot[]): string {
  return JSON.stringify(
    found.map(({ snapshotId, volumes }) => ({
      [snapshotId]: volumes.map(({ label, files }) => ({
        // Not an object's literal: a file may be called `__proto__`.
        [label]: Object.fromEntries(files.map((file) => [file.path, describeFile(file)])),
      })),
    })),
  );
}

/** A file's facts under the names that clients see. */
export function describeFile(file: FoundFile): Record<string, string | number> {
  return {
    permissions: permissionsOf(file.mode),
    mode: file.mode,
    size: file.sizeBytes,
    uid: file.uid,
    gid: file.gid,
    links: file.links,
    inode: file.inode,
    accessed: timeOf(file.accessedAt),
    modified: timeOf(file.modifiedAt),
    changed: timeOf(file.changedAt),
    ...(file.target === undefined ? {} : { target: file.target }),
  };
}

/** A hostile file system may claim any time. */
const SECONDS_MAX = 253_402_300_799;

function timeOf(seconds: number): string {
  const clamped = Math.max(0, Math.min(SECONDS_MAX, seconds));
  return new Date(clamped * 1000).toISOString().slice(0, 19);
}

const KINDS: Readonly<Record<number, string>> = {
  0o140000: "s",
  0o120000: "l",
  0o100000: "-",
  0o060000: "b",
  0o040000: "d",
  0o020000: "c",
  0o010000: "p",
};
const KIND_BITS = 0o170000;

/** Kind and permissions as `ls -l` shows them: `-rw-r--r--`. */
export function permissionsOf(mode: number): string {
  const bits = Array.from((mode & 0o777).toString(2).padStart(9, "0"));
  const letters = bits.map((bit, index) => (bit === "1" ? ("rwx"[index % 3] ?? "-") : "-"));
  const special = [
    [0o4000, 2, "s", "S"],
    [0o2000, 5, "s", "S"],
    [0o1000, 8, "t", "T"],
  ] as const;
  for (const [bit, at, small, large] of special) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === "x" ? small : large;
  }
  return `${KINDS[mode & KIND_BITS] ?? "?"}${letters.join("")}`;
}
