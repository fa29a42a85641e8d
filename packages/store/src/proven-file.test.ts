import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hasCode, MiB } from "@cairn/kernel";
import { ProvenFiles } from "./proven-file.ts";

async function inFolder(parent: string, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(parent, "cairn-proven-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe("a file that is written and proven", () => {
  // A disk takes writes past the cache; a file system in memory may refuse them.
  for (const parent of [tmpdir(), "/dev/shm"]) {
    it(`has all bytes, whatever its length and however they come, in ${parent}`, async () => {
      await inFolder(parent, async (folder) => {
        const files = new ProvenFiles();
        const lengths = [0, 1, 4096, MiB - 1, MiB, MiB + 1, 4 * MiB, 4 * MiB + 4097, 9 * MiB + 5];
        for (const length of lengths) {
          const bytes = randomBytes(length);
          const cut = Math.floor(length / 3);
          const path = join(folder, String(length));
          await files.write(path, [bytes.subarray(0, cut), Buffer.alloc(0), bytes.subarray(cut)]);
          assert.ok((await readFile(path)).equals(bytes), `${length} bytes`);
        }
      });
    });
  }

  for (const length of [1000, 5 * MiB]) {
    it(`of ${length} bytes that reads back differently is refused`, async () => {
      await inFolder(tmpdir(), async (folder) => {
        const bytes = randomBytes(length);
        let looks = 0;
        const { signal } = new AbortController();
        // It looks at the signal once a piece: after the last piece was written we change what is expected.
        signal.throwIfAborted = (): void => {
          looks += 1;
          if (looks === Math.ceil(length / (4 * MiB)) + 1) bytes[length - 1] = (bytes[length - 1] ?? 0) ^ 1;
        };
        const written = new ProvenFiles().write(join(folder, "file"), [bytes], signal);
        await assert.rejects(written, (cause) => hasCode(cause, "store-io"));
      });
    });
  }
});
