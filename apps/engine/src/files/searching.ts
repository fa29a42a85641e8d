import type { FoundFile, SearchedSnapshot, SearchedVolume } from "@cairn/domain";
import type { FileReader, VolumeFacts } from "@cairn/files";
import type { HeldJob } from "./file-world.ts";
import { readJobDisks } from "./job-disks.ts";

export interface SearchResult {
  readonly result: readonly SearchedSnapshot[];
  /** What is missing of it, for people. */
  readonly note: string | undefined;
}

/** What is no file system, or an empty disk, is missed by nobody. */
const UNMISSED = ["empty", "swap"];
const NOTES_MAX = 10;

/** Does a job of the kind `search`. */
export async function searchSnapshots(held: HeldJob): Promise<SearchResult> {
  const { filepath } = held.job.request as { readonly filepath: string };
  const result: SearchedSnapshot[] = [];
  const notes: string[] = [];
  let left = held.settings.hitsMax;
  const { gone } = await readJobDisks(held, async (reader) => {
    const searched = await searchOne(reader, filepath, left);
    result.push({ snapshotId: reader.snapshotId, volumes: searched.volumes });
    notes.push(...searched.notes);
    left -= searched.volumes.reduce((sum, { files }) => sum + files.length, 0);
  });
  notes.push(...gone.map((id) => `snapshot ${id} was deleted meanwhile`));
  return { result, note: noteOf(notes) };
}

function noteOf(notes: readonly string[]): string | undefined {
  if (notes.length === 0) return undefined;
  const more = notes.length - NOTES_MAX;
  return [...notes.slice(0, NOTES_MAX), ...(more > 0 ? [`${String(more)} more like these`] : [])].join("; ");
}

interface Searched {
  readonly volumes: readonly SearchedVolume[];
  readonly notes: readonly string[];
}

async function searchOne(reader: FileReader, pattern: string, hitsMax: number): Promise<Searched> {
  const volumes: { label: string; files: FoundFile[] }[] = [];
  const notes: string[] = [];
  const about = `snapshot ${reader.snapshotId}`;
  for await (const answer of reader.search(pattern, Math.max(hitsMax, 0))) {
    switch (answer.kind) {
      case "volume":
        volumes.push({ label: answer.volume.label, files: [] });
        if (isMissed(answer.volume)) notes.push(`${about}: ${missing(answer.volume)}`);
        break;
      case "file":
        volumes.at(-1)?.files.push(answer.file);
        break;
      case "more":
        notes.push(`${about}: there are more files than were listed; narrow the path`);
        break;
      case "broken":
        notes.push(`${about}: a file system could not be read to its end`);
        break;
      case "data":
      case "folder":
      case "absent":
    }
  }
  return { volumes, notes };
}

function isMissed({ state, format }: VolumeFacts): boolean {
  return state === "damaged" || (state === "other" && !UNMISSED.includes(format));
}

function missing({ label, format, state }: VolumeFacts): string {
  return state === "damaged"
    ? `${label} could not be mounted (${format})`
    : `${label} has no file system that can be searched (${format})`;
}
