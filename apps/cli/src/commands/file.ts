import { createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Download, FileSearch } from "@cairn/contract";
import { isUuid } from "@cairn/kernel";
import { looks } from "@cairn/sdk";
import { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { findSnapshot } from "../lookup.ts";
import { patiently } from "../patient.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, usage, wholeNumber, withCommonFlags } from "./context.ts";
import { FailedRun } from "./watching.ts";
import { examples } from "./workload.ts";

const SEARCH_COLUMNS = ["id", "status", "vm_id", "filepath", "created_at", "error_msg"];
const FOUND_COLUMNS = ["snapshot", "volume", "permissions", "size", "modified", "path"];
const FILE_COLUMNS = ["permissions", "links", "uid", "gid", "size", "modified", "path", "target"];
const PAGE = 1000;

/** `cairn file …`: what is inside of disks of snapshots. */
export function fileCommand(shell: Shell): Command {
  const file = new Command("file").description("files inside of snapshots: search, list, download");
  addSearch(file, shell);
  addSearches(file, shell);
  addList(file, shell);
  addGet(file, shell);
  return file;
}

interface SearchFlags {
  readonly snapshot: readonly string[];
  readonly first?: number;
  readonly latest?: number;
  readonly from?: string;
  readonly to?: string;
}

function addSearch(file: Command, shell: Shell): void {
  withCommonFlags(file.command("search"))
    .description("search an instance's disks in all snapshots, or some; waits and prints what was found")
    .argument("<instance>", "id of the instance, which may be gone")
    .argument("<path>", "from the root of a file system; * and ? as in a shell, ** for any folders")
    .option("--snapshot <snapshot>", "name or id; may be repeated", collected, [])
    .option("--first <n>", "the first n snapshots", wholeNumber("--first", 1, 100_000))
    .option("--latest <n>", "the latest n snapshots", wholeNumber("--latest", 1, 100_000))
    .option("--from <time>", "taken at or after YYYY-MM-DDTHH:MM:SS (UTC)")
    .option("--to <time>", "taken at or before YYYY-MM-DDTHH:MM:SS (UTC)")
    .addHelpText(
      "after",
      examples(
        "cairn file search 2f1c7d52-5d0c-4a0e-9d58-0d2f6ff5a1b3 '/etc/h*'",
        "cairn file search 2f1c7d52-5d0c-4a0e-9d58-0d2f6ff5a1b3 '/**/report.ods' --latest 3",
      ),
    )
    .action(async (instance: string, filepath: string, flags: SearchFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const ids = await Promise.all(flags.snapshot.map(async (wanted) => findSnapshot(api, wanted)));
      const { file_search: begun } = await api.searchFiles({
        body: {
          file_search: {
            vm_id: instance,
            filepath,
            ...(ids.length === 0 ? {} : { snapshot_ids: ids }),
            ...(flags.first === undefined ? {} : { start: flags.first }),
            ...(flags.latest === undefined ? {} : { end: flags.latest }),
            ...(flags.from === undefined ? {} : { date_from: flags.from }),
            ...(flags.to === undefined ? {} : { date_to: flags.to }),
          },
        },
      });
      const look = async (): Promise<FileSearch> =>
        (await api.showFileSearch({ params: { search_id: String(begun.id) } })).file_search;
      const ended = await ending(shell, begun, look);
      await context.printList(foundRows(ended), FOUND_COLUMNS);
      if (ended.error_msg !== null) shell.err.write(`Warning: ${ended.error_msg}.\n`);
    });
}

async function ending(
  { clock, signal }: Shell,
  begun: FileSearch,
  look: () => Promise<FileSearch>,
): Promise<FileSearch> {
  for await (const seen of looks(look, { title: `search ${String(begun.id)}`, clock, signal })) {
    if (seen.status === "completed") return seen;
    if (seen.status === "error")
      throw new FailedRun(`Search ${String(seen.id)} failed: ${seen.error_msg ?? ""}.`, EXIT.failed);
  }
  throw new Error("bug: looking at a search ended by itself");
}

type Facts = Readonly<Record<string, string | number>>;

/** The literal of a search as rows. */
function foundRows({ json_resp: literal }: FileSearch): Record<string, unknown>[] {
  const found = JSON.parse(literal ?? "[]") as Record<string, Record<string, Record<string, Facts>>[]>[];
  return found.flatMap((one) =>
    Object.entries(one).flatMap(([snapshot, volumes]) =>
      volumes.flatMap((each) =>
        Object.entries(each).flatMap(([volume, files]) =>
          Object.entries(files).map(([path, facts]) => ({ snapshot, volume, path, ...facts })),
        ),
      ),
    ),
  );
}

function addSearches(file: Command, shell: Shell): void {
  withCommonFlags(file.command("searches"))
    .description("list the project's searches, newest first")
    .addHelpText("after", examples("cairn file searches"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { file_search: rows } = await api.listFileSearches({ query: { limit: PAGE } });
      await context.printList(rows, SEARCH_COLUMNS);
    });
}

interface PlaceFlags {
  readonly instance?: string;
}

/** `vda1:/etc/hosts`: the volume's label, and the path in it. */
function placeOf(given: string): { readonly volume: string; readonly path: string } {
  const at = given.indexOf(":");
  if (at > 0 && given[at + 1] === "/") return { volume: given.slice(0, at), path: given.slice(at + 1) };
  const remedy = "Write it as VOLUME:/PATH; without a place, `cairn file list` shows the volumes.";
  throw usage("This is no place in a snapshot.", "place", given, remedy);
}

function ofInstance(instance: string | undefined): { vm_id?: string } {
  return instance === undefined ? {} : { vm_id: instance };
}

function addList(file: Command, shell: Shell): void {
  withCommonFlags(file.command("list"))
    .description("list a folder of a snapshot's disk, or the disks' volumes")
    .argument("<snapshot>", "name or id")
    .argument("[place]", "VOLUME:/PATH, such as vda1:/etc")
    .option("-i, --instance <id>", "id of the instance, where the snapshot has several")
    .addHelpText("after", examples("cairn file list nightly", "cairn file list nightly vda1:/etc"))
    .action(async (wanted: string, place: string | undefined, flags: PlaceFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { snapshot_id: isUuid(wanted) ? wanted : await findSnapshot(api, wanted) };
      const query = { ...ofInstance(flags.instance), ...(place === undefined ? {} : placeOf(place)) };
      const { volumes, files, more } = await patiently(shell, async () => api.listFiles({ params, query }));
      if (place === undefined) {
        await context.printList(volumes, ["label", "format", "readable"]);
        return;
      }
      let last = more ? files.at(-1) : undefined;
      while (last !== undefined) {
        const marker = basename(last.path);
        const next = await patiently(shell, async () =>
          api.listFiles({ params, query: { ...query, marker } }),
        );
        files.push(...next.files);
        last = next.more ? next.files.at(-1) : undefined;
      }
      await context.printList(files, FILE_COLUMNS);
    });
}

interface GetFlags extends PlaceFlags {
  readonly output?: string;
  readonly force?: true;
}

function addGet(file: Command, shell: Shell): void {
  withCommonFlags(file.command("get"))
    .description("download a file of a snapshot's disk, or a folder as a tar archive")
    .argument("<snapshot>", "name or id")
    .argument("<place>", "VOLUME:/PATH, such as vda1:/etc/hosts")
    .option("-i, --instance <id>", "id of the instance, where the snapshot has several")
    .option("-o, --output <file>", "where to write it; the file's own name here unless given")
    .option("--force", "write over a file that is there")
    .addHelpText(
      "after",
      examples(
        "cairn file get nightly vda1:/etc/hosts",
        "cairn file get nightly vda1:/var/www --output www.tar",
      ),
    )
    .action(async (wanted: string, place: string, flags: GetFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const params = { snapshot_id: isUuid(wanted) ? wanted : await findSnapshot(api, wanted) };
      const query = { ...ofInstance(flags.instance), ...placeOf(place) };
      const download = await api.getFile({ params, query });
      const path = await save(shell, download, flags);
      shell.err.write(`Written to ${path}.\n`);
    });
}

/** Whole and under its name, or not there. */
async function save(shell: Shell, { name, bytes }: Download, flags: GetFlags): Promise<string> {
  // What a tenant's disk calls a file is not where it goes.
  const path = resolve(shell.cwd, flags.output ?? basename(name));
  const partial = `${path}.part`;
  if (flags.force !== true && existsSync(path)) {
    throw usage(
      `The file ${path} is there already.`,
      "--output",
      path,
      "Choose another name, or use --force.",
    );
  }
  try {
    await pipeline(Readable.from(bytes), createWriteStream(partial, { flags: "w", mode: 0o600 }), {
      signal: shell.signal,
    });
    await rename(partial, path);
    return path;
  } catch (cause) {
    await rm(partial, { force: true });
    throw cause;
  }
}
