import type { FoundFile } from "@cairn/domain";
import type { VolumeFacts } from "@cairn/files";
import type { HeldJob } from "./file-world.ts";
import { readOneSnapshot } from "./job-disks.ts";

/** A page of a folder, or a file itself. */
interface Listed {
  volumes: VolumeFacts[];
  kind: "volumes" | "folder" | "file" | "absent";
  files: FoundFile[];
  more: boolean;
}

/** Does a job of the kind `list`. */
export async function listFolder(held: HeldJob): Promise<Listed> {
  const { volume, path, after, limit } = held.job.request as {
    readonly volume: string;
    readonly path: string;
    readonly after: string;
    readonly limit: number;
  };
  const listed: Listed = { volumes: [], kind: volume === "" ? "volumes" : "file", files: [], more: false };
  await readOneSnapshot(held, async (reader) => {
    for await (const answer of reader.list({ volume, path }, { after, limit })) {
      switch (answer.kind) {
        case "volume":
          listed.volumes.push(answer.volume);
          break;
        case "file":
          listed.files.push(answer.file);
          break;
        case "folder":
        case "absent":
          listed.kind = answer.kind;
          break;
        case "more":
          listed.more = true;
          break;
        case "data":
        case "broken":
      }
    }
  });
  return listed;
}
