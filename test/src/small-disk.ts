import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, statfs } from "node:fs/promises";
import { createInterface, type Interface } from "node:readline";

const LIMIT_ATTEMPTS = 20;

/**
 * A file system in memory whose size can be changed while it is used. It is mounted in a mount namespace of
 * its own, which lasts as long as the process that holds it, and is reached through that process's root
 * (proc(5), /proc/pid/root): no mount of the machine changes, and whoever may make user namespaces needs no
 * rights for it.
 */
export class SmallDisk {
  /** Its root, as anybody outside of the namespace reaches it. */
  readonly path: string;
  readonly #holder: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(holder: ChildProcess, answers: AsyncIterator<string>, point: string) {
    this.#holder = holder;
    this.#answers = answers;
    this.path = `/proc/${String(holder.pid)}/root${point}`;
  }

  /** Mounts one at a new folder; to everybody else that stays an empty folder. Close it at the end. */
  static async mount(point: string): Promise<SmallDisk> {
    await mkdir(point);
    const refusals: string[] = [];
    // Root in a user namespace of its own, or root that it is already where there are no such namespaces.
    for (const rights of [["--map-root-user", "--mount"], ["--mount"]]) {
      const disk = await hold(rights, point);
      if (typeof disk === "string") refusals.push(disk);
      else return new SmallDisk(disk.holder, disk.answers, point);
    }
    const needs = "this test mounts a tmpfs: it needs root, or user namespaces (user.max_user_namespaces)";
    throw new Error(`${needs}: ${refusals.join("; ")}`);
  }

  /** Leaves so much room beside what is there now. */
  async leave(room: { readonly bytes: number } | { readonly files: number }): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#limit(room);
        return;
      } catch (cause) {
        // Whoever writes at this moment may use more than was counted, and tmpfs refuses to become smaller
        // than what it holds.
        if (attempt === LIMIT_ATTEMPTS) throw cause;
      }
    }
  }

  async #limit(room: { readonly bytes: number } | { readonly files: number }): Promise<void> {
    const { blocks, bfree, bsize, files, ffree } = await statfs(this.path);
    if ("files" in room) await this.#remount(`nr_inodes=${String(files - ffree + room.files)}`);
    // A size of nothing would mean no limit (tmpfs(5)).
    else await this.#remount(`size=${String(Math.max(bsize, (blocks - bfree) * bsize + room.bytes))}`);
  }

  /** Plenty of room again. */
  async makeRoom(): Promise<void> {
    await this.#remount("size=1g,nr_inodes=100000");
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#holder.once("exit", resolve));
    this.#holder.stdin?.end();
    await gone;
  }

  async #remount(options: string): Promise<void> {
    this.#holder.stdin?.write(`${options}\n`);
    const { value } = (await this.#answers.next()) as { readonly value?: string };
    if (value !== "done") throw new Error(`remounting with ${options}: ${value ?? "the holder has ended"}`);
  }
}

const SCRIPT = `
mount -t tmpfs -o size=1g,nr_inodes=100000,mode=711 none "$1" || exit 1
echo done
while read -r options; do
  if refusal=$(mount -o "remount,$options" "$1" 2>&1); then echo done; else echo $refusal; fi
done
`;

/** The process that holds the namespace, once the file system is there; or why it is not. */
async function hold(
  rights: readonly string[],
  point: string,
): Promise<{ readonly holder: ChildProcess; readonly answers: AsyncIterator<string> } | string> {
  const holder = spawn("unshare", [...rights, "sh", "-c", SCRIPT, "sh", point], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaint = "";
  holder.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  holder.on("error", (cause) => {
    complaint += cause.message;
  });
  const lines: Interface = createInterface({ input: holder.stdout });
  const answers = lines[Symbol.asyncIterator]();
  const { value } = (await answers.next()) as { readonly value?: string };
  return value === "done" ? { holder, answers } : `unshare ${rights.join(" ")}: ${complaint.trim()}`;
}
