import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hasCode, KiB, MiB } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import { type FileDestination, fileDestination, openTransfer } from "./index.ts";
import { moveRecords } from "./move-records.ts";
import { neverAborted, setUp, store, type Workbench } from "./workbench.ts";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-file-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeTo(
  bench: Workbench,
  root: string,
  destination: FileDestination,
  options: { readonly workers?: number; readonly store?: Store } = {},
): Promise<number> {
  const { workers = 2 } = options;
  const from = { store: options.store ?? bench.store, ...bench.handle, indexSegments: [] };
  const transfer = await openTransfer({ ...from, workers, signal: neverAborted });
  try {
    const request = { root, destination, mode: "whole", signal: neverAborted } as const;
    return (await transfer.writeDisk(request)).writtenBytes;
  } finally {
    await transfer.close();
    await destination.close();
  }
}

/** 3 MiB of data, a hole, and within the data a stretch of zeroes that was stored as data. */
async function sparseDisk(bench: Workbench): Promise<{ root: string; content: Buffer }> {
  const content = Buffer.alloc(20 * MiB + 777);
  randomBytes(3 * MiB).copy(content, MiB);
  content.fill(0, 2 * MiB, 2 * MiB + 512 * KiB);
  randomBytes(777).copy(content, 20 * MiB);
  return { root: (await store(bench, content)).root, content };
}

describe("a raw file", () => {
  for (const workers of [0, 2]) {
    it(`is written by ${workers} threads, byte for byte, with holes where there are zeroes`, async () => {
      await withFolder(async (folder) => {
        const bench = await setUp();
        const { root, content } = await sparseDisk(bench);
        const path = join(folder, "disk.img");
        const destination = await fileDestination({
          path,
          sizeBytes: content.length,
          kind: "new",
          durable: true,
        });
        await writeTo(bench, root, destination, { workers });
        assert.ok((await readFile(path)).equals(content));
        const { blocks, mode } = await stat(path);
        assert.ok(blocks * 512 < 3 * MiB, `${blocks} blocks`);
        assert.equal(mode & 0o777, 0o600);
      });
    });
  }

  it("that was there is overwritten with zeroes, too", async () => {
    await withFolder(async (folder) => {
      const bench = await setUp();
      const { root, content } = await sparseDisk(bench);
      const path = join(folder, "disk.img");
      await writeFile(path, Buffer.alloc(content.length, 0xff));
      const options = { path, sizeBytes: content.length, kind: "existing", durable: false } as const;
      await writeTo(bench, root, await fileDestination(options));
      assert.ok((await readFile(path)).equals(content));
    });
  });

  it("is never made in place of another, and must be large enough", async () => {
    await withFolder(async (folder) => {
      const bench = await setUp();
      const { root } = await sparseDisk(bench);
      const path = join(folder, "disk.img");
      await writeFile(path, "mine");
      const options = { path, durable: false } as const;
      await assert.rejects(fileDestination({ ...options, sizeBytes: 1, kind: "new" }), {
        code: "destination-exists",
      });
      const small = await fileDestination({ ...options, sizeBytes: MiB, kind: "existing" });
      await assert.rejects(writeTo(bench, root, small), { code: "destination-too-small" });
      assert.equal(await readFile(path, "utf8"), "mine");
    });
  });

  it("that is full is an error that an operator must mend", async () => {
    const bench = await setUp();
    const { root, content } = await sparseDisk(bench);
    const options = {
      path: "/dev/full",
      sizeBytes: content.length,
      kind: "existing",
      durable: false,
    } as const;
    for (const workers of [0, 2]) {
      await assert.rejects(writeTo(bench, root, await fileDestination(options), { workers }), (error) => {
        return hasCode(error, "destination-full");
      });
    }
  });

  it("gets nothing of a damaged chunk, and the healed one where there is one", async () => {
    await withFolder(async (folder) => {
      const bench = await setUp();
      const content = randomBytes(4 * MiB);
      const { root } = await store(bench, content);
      const [pack] = await Array.fromAsync(bench.store.list(`${bench.handle.repositoryId}/p/`));
      const broken: Store = {
        ...bench.store,
        getRange: async (name, offset, length, signal) => {
          const bytes = await bench.store.getRange(name, offset, length, signal);
          const at = 2.5 * MiB - offset;
          if (name === pack && at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 1;
          return bytes;
        },
      };
      const options = { sizeBytes: content.length, kind: "new", durable: false } as const;
      const hurt = join(folder, "hurt.img");
      const restoring = writeTo(bench, root, await fileDestination({ ...options, path: hurt }), {
        store: broken,
      });
      await assert.rejects(restoring, { code: "chunk-damaged" });
      assert.ok((await readFile(hurt)).subarray(2 * MiB, 3 * MiB).equals(Buffer.alloc(MiB)));
      await moveRecords(bench, "chunk", "keep-old");
      const healed = join(folder, "healed.img");
      await writeTo(bench, root, await fileDestination({ ...options, path: healed }), { store: broken });
      assert.ok((await readFile(healed)).equals(content));
    });
  });
});
