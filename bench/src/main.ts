import { access, constants, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { describeFault, Fault, formatBytes, GiB, systemClock } from "@cairn/kernel";
import { benchApi } from "./api/bench-api.ts";
import { type CairnTool, openCairn } from "./cairn.ts";
import { type DiskImage, makeImage } from "./disk-image.ts";
import { FAMILIES } from "./families.ts";
import type { Meter } from "./measure.ts";
import { borgTool, resticTool, zstdTool } from "./peers.ts";
import { formatTable, type Results } from "./race.ts";
import { raceRows } from "./race-rows.ts";
import { formatRows, type Place, type Row } from "./rows.ts";

const USAGE = `Usage: ./cairn bench [--quick] [--json] [--folder PATH]
       ./cairn bench api --help

Protects and restores one disk with Cairn, restic, borg and zstd -1 -T2 and prints what each cost, then what
Cairn must reach and what it reaches. The disk is an ext4 image of real files of this machine: 7 GiB, or 1 GiB
with --quick. --json ends with one object: disk; rows (work, figure, must, limit, is, unit, verdict); race:
work (full, incremental, restore) -> tool -> seconds, cpu_seconds, stored_bytes, peak_bytes. All lies in a
folder of its own under PATH (the system's temporary folder) and is removed at the end.
`;
const NEEDED = ["mke2fs", "qemu-storage-daemon", "restic", "borg", "zstd", "ceph-mon", "ceph-osd", "radosgw"];
const FULL_BYTES = 7 * GiB;
const QUICK_BYTES = GiB;
/** The image, four repositories and one restored disk, with room to spare. */
const SPACE_FACTOR = 5;

/** What `--json` prints. */
interface Report {
  readonly disk: Pick<DiskImage, "files" | "fileBytes" | "sizeBytes">;
  readonly rows: readonly Row[];
  readonly race: Results;
}

interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly folder: string;
}

function parse(): Options | undefined {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      folder: { type: "string", default: tmpdir() },
      help: { type: "boolean", default: false },
    },
  });
  return values.help ? undefined : values;
}

async function missingPrograms(): Promise<readonly string[]> {
  // mke2fs lies where only root looks by default.
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = async (program: string): Promise<boolean> => {
    const tries = await Promise.allSettled(
      folders.map(async (folder) => access(join(folder, program), constants.X_OK)),
    );
    return tries.some(({ status }) => status === "fulfilled");
  };
  const verdicts = await Promise.all(NEEDED.map(found));
  return NEEDED.filter((_, index) => verdicts[index] !== true);
}

async function bench(options: Options, meter: Meter, tell: (line: string) => void): Promise<Report> {
  const wantedBytes = options.quick ? QUICK_BYTES : FULL_BYTES;
  const space = await statfs(options.folder);
  const freeBytes = space.bavail * space.bsize;
  if (freeBytes < wantedBytes * SPACE_FACTOR) {
    const needs = formatBytes(wantedBytes * SPACE_FACTOR);
    const message = `${options.folder} has ${formatBytes(freeBytes)} free, the bench needs ${needs}`;
    throw new Fault("no-space", message, "after-operator");
  }
  const folder = await mkdtemp(join(options.folder, "cairn-bench-"));
  let cairn: CairnTool | undefined;
  try {
    tell(`making a disk of ${formatBytes(wantedBytes)} of real files in ${folder}`);
    const image = await makeImage(meter, folder, wantedBytes);
    const size = `in an image of ${formatBytes(image.sizeBytes)}`;
    const what = `${image.files} files, ${formatBytes(image.fileBytes)}, ${size}`;
    tell(image.fileBytes < wantedBytes ? `${what}: this machine has no more` : what);
    const at = (name: string) => ({ folder: join(folder, name), disk: image.path });
    cairn = await openCairn(meter, join(folder, "cairn"), image.path);
    const peers = [resticTool(meter, at("restic")), borgTool(meter, at("borg")), zstdTool(meter, at("zstd"))];
    const place: Place = { meter, folder, quick: options.quick, image, cairn, peers, tell };
    const { rows, results } = await raceRows(place);
    tell(formatTable(results));
    const all = [...rows];
    for (const family of FAMILIES) all.push(...(await family.measure(place)));
    tell(formatRows(all));
    for (const remark of [...cairn.remarks, ...peers.flatMap(({ remarks }) => remarks)]) tell(`- ${remark}`);
    tell("- each figure is of one run, with the disk in the page cache and all earlier writes synced");
    const { fileBytes, sizeBytes, files } = image;
    return { disk: { files, fileBytes, sizeBytes }, rows: all, race: results };
  } finally {
    await cairn?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const [work, ...parameters] = process.argv.slice(2);
  const options = work === "api" ? "api" : parse();
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
  }
  const environment = {
    ...process.env,
    PATH: `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`,
  };
  process.env["PATH"] = environment.PATH;
  if (options === "api") {
    return benchApi(parameters, { folder: tmpdir(), environment, signal: stopped.signal });
  }
  const missing = await missingPrograms();
  if (missing.length > 0) {
    process.stderr.write(
      `the bench needs ${missing.join(", ")}: start it with ./cairn bench, which installs them\n`,
    );
    return 69;
  }
  // With --json the standard output is for the object alone.
  const out = options.json ? process.stderr : process.stdout;
  const report = await bench(options, { clock: systemClock, environment, signal: stopped.signal }, (line) => {
    out.write(`${line}\n`);
  });
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (cause) {
  process.stderr.write(`bench: ${describeFault(cause)}\n`);
  process.exitCode = 1;
}
