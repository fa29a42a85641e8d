import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { MiB } from "@cairn/kernel";
import { type NbdExport, type NbdServer, serveNbd } from "@cairn/nbd";

/*
 * For tests: disks as tenants have them, made without rights, and served as the reader of a repository would
 * serve them.
 */

const run = promisify(execFile);
const UNPACKED_KERNEL = fileURLToPath(new URL("../../../../.toolchain/kernel", import.meta.url));

/** Where `./cairn test` puts a kernel, unless the host has one. */
export const KERNEL_ROOT = existsSync(UNPACKED_KERNEL) ? UNPACKED_KERNEL : "/";

const FIRST_BYTES = MiB;
const FIRST_SIZE_BYTES = 16 * MiB;

/** Two partitions: ext4 with links that lead astray, and swap. */
export async function makePartitioned(folder: string): Promise<string> {
  const root = join(folder, "root");
  await mkdir(join(root, "etc"), { recursive: true });
  await mkdir(join(root, "many"));
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  await writeFile(join(root, "etc/héllo world"), "x");
  await symlink("/etc", join(root, "link"));
  await symlink("../../../../../../bin", join(root, "astray"));
  await symlink("loop", join(root, "loop"));
  await symlink("/proc/self/root", join(root, "many/up"));
  for (let index = 0; index < 50; index += 1) await writeFile(join(root, `many/f${String(index)}`), "");
  const system = join(folder, "system.img");
  await run("mke2fs", ["-q", "-t", "ext4", "-d", root, system, `${String(FIRST_SIZE_BYTES / 1024)}k`]);
  const disk = join(folder, "partitioned.img");
  await using file = await open(disk, "w");
  await file.truncate(20 * MiB);
  await run("sh", ["-c", `printf 'label: gpt\\n,16M,L\\n,2M,S\\n' | sfdisk --quiet "${disk}"`]);
  await file.write(await readFile(system), 0, FIRST_SIZE_BYTES, FIRST_BYTES);
  await file.write("SWAPSPACE2", FIRST_BYTES + FIRST_SIZE_BYTES + 4086);
  return disk;
}

/** XFS, whose smallest is 300 MB. */
export async function makeXfs(folder: string): Promise<string> {
  const plan = join(folder, "xfs.plan");
  await writeFile(join(folder, "xfs.txt"), "from xfs\n");
  const lines = ["/", "0 0", "d--755 0 0", "srv d--755 0 0"];
  await writeFile(plan, `${lines.join("\n")}\nnote.txt ---640 7 8 ${join(folder, "xfs.txt")}\n$\n$\n`);
  const disk = join(folder, "xfs.img");
  await run("mkfs.xfs", ["-q", "-p", plan, "-d", `file,name=${disk},size=320m`]);
  return disk;
}

/** A logical volume: see README.md. */
export async function makeLogical(folder: string): Promise<string> {
  const disk = join(folder, "logical.img");
  const packed = await readFile(new URL("logical-volume.img.gz", import.meta.url));
  await writeFile(disk, await promisify(gunzip)(packed));
  return disk;
}

/** What says that it is ext4, and is nothing. */
export async function makeDamaged(folder: string): Promise<string> {
  const disk = join(folder, "damaged.img");
  const bytes = Buffer.alloc(4 * MiB, 0xa5);
  bytes.writeUInt16LE(0xef53, 1080);
  await writeFile(disk, bytes);
  return disk;
}

/** Serves files as disks, by their names there, until it is closed. */
export async function serveFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<NbdServer> {
  const exports = await Promise.all(
    Object.entries(files).map(async ([name, path]) => fileExport(name, path)),
  );
  return serveNbd({ exports, listen: { kind: "unix", path: join(folder, "disks.sock") } });
}

async function fileExport(name: string, path: string): Promise<NbdExport> {
  const file = await open(path, "r");
  const { size } = await file.stat();
  return {
    name,
    sizeBytes: size,
    lend: async (offset, length) => {
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, offset);
      return { parts: [{ kind: "data", bytes }], release: () => undefined };
    },
    async *extents(offset, length) {
      yield { offset, length, kind: "data" };
    },
  };
}
