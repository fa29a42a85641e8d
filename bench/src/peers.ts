import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { folderBytes } from "./disk-image.ts";
import { type Measured, type Meter, measure } from "./measure.ts";
import type { Tool } from "./tool.ts";

interface Place {
  readonly folder: string;
  /** The disk's raw file. */
  readonly disk: string;
}

const PASSWORD = "bench";

/**
 * `zstd -1` with two threads: what compression alone costs. It has no incremental: it compresses the whole
 * again.
 */
export function zstdTool(meter: Meter, { folder, disk }: Place): Tool {
  const file = join(folder, "disk.zst");
  const compress = async (): Promise<Measured> =>
    measure(meter, { program: "zstd", parameters: ["-1", "-T2", "-q", "-f", disk, "-o", file] });
  return {
    name: "zstd",
    prepare: async () => {
      await mkdir(folder, { recursive: true });
    },
    full: compress,
    incremental: compress,
    restore: async () => {
      const restored = join(folder, "restored.img");
      const parameters = ["-d", "-q", "-f", "--sparse", file, "-o", restored];
      return { ...(await measure(meter, { program: "zstd", parameters })), file: restored };
    },
    storedBytes: async () => (await stat(file)).size,
    remarks: ["zstd does not encrypt, verify or sync, and its incremental is a second full"],
    stop: async () => undefined,
  };
}

export function resticTool(meter: Meter, { folder, disk }: Place): Tool {
  const repository = join(folder, "repository");
  const run = async (...parameters: string[]): Promise<Measured> =>
    measure(meter, {
      program: "restic",
      parameters: ["-r", repository, "--cache-dir", join(folder, "cache"), "-q", ...parameters],
      environment: { RESTIC_PASSWORD: PASSWORD },
    });
  return {
    name: "restic",
    prepare: async () => {
      await mkdir(folder, { recursive: true });
      await run("init");
    },
    full: async () => run("backup", disk),
    incremental: async () => run("backup", disk),
    restore: async () => {
      const target = join(folder, "restored");
      return { ...(await run("restore", "latest", "--target", target)), file: join(target, disk) };
    },
    storedBytes: async () => folderBytes(repository),
    remarks: ["restic reads the whole disk for its incremental: it sees a file that has changed"],
    stop: async () => undefined,
  };
}

export function borgTool(meter: Meter, { folder, disk }: Place): Tool {
  const repository = join(folder, "repository");
  const target = join(folder, "restored");
  const run = async (where: string, ...parameters: string[]): Promise<Measured> =>
    measure(meter, {
      program: "borg",
      parameters,
      folder: where,
      environment: { BORG_PASSPHRASE: PASSWORD, BORG_BASE_DIR: join(folder, "borg") },
    });
  const create = async (archive: string): Promise<Measured> =>
    run(dirname(disk), "create", "--compression", "zstd,1", `${repository}::${archive}`, basename(disk));
  return {
    name: "borg",
    prepare: async () => {
      await mkdir(target, { recursive: true });
      await run(folder, "init", "--encryption", "repokey-blake2", repository);
    },
    full: async () => create("full"),
    incremental: async () => create("incremental"),
    restore: async () => {
      const measured = await run(target, "extract", "--sparse", `${repository}::incremental`);
      return { ...measured, file: join(target, basename(disk)) };
    },
    storedBytes: async () => folderBytes(repository),
    remarks: ["borg reads the whole disk for its incremental: it sees a file that has changed"],
    stop: async () => undefined,
  };
}
