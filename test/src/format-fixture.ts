import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Clock } from "@cairn/kernel";
import type { Randomness, RepositoryHandle } from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import { changedExtents, memoryDisk, openTransfer } from "@cairn/transfer";

/** What the fixture holds, by digests: nothing here depends on today's code. */
export interface Expected {
  readonly repositoryId: string;
  readonly keySetId: string;
  /** Later than anything in it, ms since 1970. */
  readonly at: number;
  readonly secrets: {
    readonly keyFile: string;
    readonly structureKeyFile: string;
    readonly passphrase: string;
    readonly secretId: string;
    readonly secret: string;
    /** PKCS #8 in PEM. */
    readonly escrow: string;
  };
  readonly snapshots: readonly ExpectedSnapshot[];
  /** The snapshot whose tombstone is there and whose commit is not. */
  readonly removed: string;
  /** What cannot be read, and where. */
  readonly damage: {
    readonly snapshotId: string;
    readonly offset: number;
    readonly length: number;
    readonly pack: string;
  };
}

export interface ExpectedSnapshot {
  readonly workloadId: string;
  readonly snapshotId: string;
  readonly type: "full" | "incremental";
  readonly keyEpoch: number;
  readonly disks: readonly { readonly diskId: string; readonly sizeBytes: number; readonly sha256: string }[];
}

export const FIXTURE = fileURLToPath(new URL("../fixtures/format-1/", import.meta.url));
export const never = new AbortController().signal;
const run = promisify(execFile);

export async function readExpected(): Promise<Expected> {
  return JSON.parse(await readFile(join(FIXTURE, "expected.json"), "utf8")) as Expected;
}

/** The fixture in memory, at whatever time the clock says. */
export async function openFixture(clock: Pick<Clock, "now">): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-format-"));
  try {
    await run("tar", ["-xf", join(FIXTURE, "repository.tar"), "-C", folder]);
    const store = memoryStore(clock);
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      await store.put(relative(folder, path), [await readFile(path)]);
    }
    return store;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes all objects of a store as a tar that is the same for the same objects. */
export async function packFixture(store: Store, file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-format-"));
  try {
    for await (const name of store.list("")) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), await store.get(name));
    }
    const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"];
    await run("tar", [...same, "--mode=a+rX,u+w", "-cf", file, "-C", folder, "."]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes without end that anybody can make again, and that do not compress. */
export function drawnFrom(word: string): Randomness {
  let counter = 0;
  return (length) => {
    const blocks: Buffer[] = [];
    for (let have = 0; have < length; have += 32) {
      blocks.push(createHash("sha256").update(`${word} ${counter}`).digest());
      counter += 1;
    }
    return Buffer.concat(blocks).subarray(0, length);
  };
}

/** A disk with these changed stretches, or all of it. */
export function diskSource(
  content: Buffer,
  changed?: Parameters<typeof changedExtents>[1],
): ReturnType<typeof memoryDisk> {
  return changed === undefined
    ? memoryDisk(content)
    : memoryDisk(content, changedExtents(content.length, changed));
}

/** Reads a disk of a snapshot as a restore does. */
export async function readDisk(
  store: Store,
  handle: RepositoryHandle,
  disk: { readonly root: string; readonly sizeBytes: number },
): Promise<Buffer> {
  const content = Buffer.alloc(disk.sizeBytes, 0xee);
  const transfer = await openTransfer({ store, ...handle, indexSegments: [], workers: 0, signal: never });
  try {
    await transfer.writeDisk({
      root: disk.root,
      destination: memoryDisk(content),
      mode: "whole",
      signal: never,
    });
    return content;
  } finally {
    await transfer.close();
  }
}
