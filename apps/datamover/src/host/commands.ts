import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Fault } from "@cairn/kernel";

const run = promisify(execFile);

/**
 * `qemu-img` with metadata only (create, info, bitmap) answers in milliseconds; a dead NFS server would hold
 * it for ever.
 */
const QEMU_IMG_TIMEOUT_MS = 60_000;

/** Runs `qemu-img` and gives what it printed. A failure is a Fault with its last words as cause. */
export async function qemuImg(words: readonly string[], signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  try {
    const { stdout } = await run("qemu-img", [...words], {
      signal,
      timeout: QEMU_IMG_TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    signal.throwIfAborted();
    throw new Fault("qemu-img-failed", `running qemu-img ${words.slice(0, 2).join(" ")}`, "later", cause);
  }
}
