import { chmod, chown, mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { assert, describeFault, Fault, formatBytes, hasCode } from "@cairn/kernel";

/** How much room a point may need, and what is never used up. */
export interface ScratchBudget {
  /** Share of a disk's allocated bytes that guests may overwrite while it is read. */
  readonly percent: number;
  /** Bytes that stay free whatever happens: below it the work ends before a guest's write could fail. */
  readonly reserveBytes: number;
}

/** sun_path of a unix socket is 108 bytes with its final zero (unix(7)). */
const SOCKET_PATH_MAX = 107;

/** What the operator can do about too little room. */
export const SCRATCH_REMEDY = "make room there, or set datamover.scratch_dir to another place";

/** The folder where this host's datamover keeps what QEMU copies before guests overwrite it, and sockets. */
export class Scratch {
  readonly path: string;
  readonly #budget: ScratchBudget;

  constructor(path: string, budget: ScratchBudget) {
    // Without a slash at its end, because the path is the mark by which orphaned daemons are found.
    this.path = resolve(path);
    this.#budget = budget;
  }

  /** Makes the folder itself. */
  async prepare(): Promise<void> {
    await this.#usable(() => mkdir(this.path, { recursive: true, mode: 0o711 }));
  }

  /** A fresh folder by this name; what a predecessor left in it is removed. Only root may look into it. */
  async open(name: string): Promise<string> {
    const folder = this.folderOf(name);
    await this.#usable(async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true, mode: 0o711 });
    });
    return folder;
  }

  /** Lets the processes of a group make files and sockets in a folder, such as a QEMU that is not root's. */
  async share(name: string, groupId: number): Promise<void> {
    const folder = this.folderOf(name);
    await this.#usable(async () => {
      await chown(folder, (await stat(folder)).uid, groupId);
      await chmod(folder, 0o770);
    });
  }

  /** Gives a file in a shared folder to the group, too. */
  async shareFile(path: string, groupId: number): Promise<void> {
    await this.#usable(async () => {
      await chown(path, (await stat(path)).uid, groupId);
      await chmod(path, 0o660);
    });
  }

  folderOf(name: string): string {
    assert(/^[a-z0-9-]+$/.test(name), "a scratch folder has a plain name");
    return join(this.path, name);
  }

  /** Absent is removed. */
  async remove(name: string): Promise<void> {
    await this.#usable(() => rm(this.folderOf(name), { recursive: true, force: true }));
  }

  /** Names of our folders that satisfy the pattern. */
  async list(pattern: RegExp): Promise<readonly string[]> {
    const entries = await this.#usable(() => readdir(this.path, { withFileTypes: true }));
    return entries
      .filter((entry) => entry.isDirectory() && pattern.test(entry.name))
      .map((entry) => entry.name);
  }

  /** Refuses a point whose disks hold so many bytes that their overwriting could fill the file system. */
  async admit(allocatedBytes: number): Promise<void> {
    const needed = Math.ceil((allocatedBytes * this.#budget.percent) / 100) + this.#budget.reserveBytes;
    const free = await this.#freeBytes();
    if (free >= needed) return;
    const lack = `${formatBytes(free)} free, ${formatBytes(needed)} needed`;
    const what = `taking a point with scratch files in ${this.path}: ${lack}`;
    throw new Fault("scratch-too-small", `${what} (${SCRATCH_REMEDY})`, "after-operator");
  }

  /**
   * What went wrong, as the operator's to mend if the folder had no room: QEMU and its tools only say so in
   * words.
   */
  judge(cause: unknown): unknown {
    if (hasCode(cause, "scratch-full") || !isFull(cause)) return cause;
    return new Fault("scratch-full", `${this.path} is full (${SCRATCH_REMEDY})`, "after-operator", cause);
  }

  /** Bytes that may be used before the reserve is touched. */
  async roomBytes(): Promise<number> {
    return Math.max(0, (await this.#freeBytes()) - this.#budget.reserveBytes);
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bsize } = await this.#usable(() => statfs(this.path));
    return bavail * bsize;
  }

  /** A file system that is full or read-only is the operator's to mend, and no bug. */
  async #usable<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      if (isFull(cause)) throw this.judge(cause);
      throw new Fault("scratch-unusable", `working in ${this.path}`, "after-operator", cause);
    }
  }
}

/** strerror(3) of ENOSPC and EDQUOT. */
function isFull(cause: unknown): boolean {
  if (hasCode(cause, "ENOSPC") || hasCode(cause, "EDQUOT")) return true;
  return /No space left on device|Disk quota exceeded/.test(describeFault(cause));
}

/** The same path, or a Fault that says why no socket can be there. */
export function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_MAX) return path;
  const what = `making the socket ${path}: ${bytes} bytes, at most ${SOCKET_PATH_MAX} are possible`;
  throw new Fault("scratch-path-too-long", what, "after-operator");
}
