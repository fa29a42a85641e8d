import { randomBytes, randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatBytes, MiB } from "@cairn/kernel";
import { createKeySet, createRepositoryKeys, exportKeys, initRepository } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { type BlockServer, startBlockServer } from "./block-server.ts";
import type { CairnResult, CairnWork } from "./cairn-child.ts";
import { folderBytes } from "./disk-image.ts";
import { type Measured, type Meter, measure } from "./measure.ts";
import { connectDisk } from "./nbd-disk.ts";
import type { ReaderWork, StoredDisk } from "./reader-child.ts";
import type { Tool } from "./tool.ts";

const BITMAP = "base";
const AUDIT_BYTES = 64 * MiB;
const CHILD = fileURLToPath(new URL("./cairn-child.ts", import.meta.url));
const READER = fileURLToPath(new URL("./reader-child.ts", import.meta.url));

/** As programs of this repository start a datamover (packages/embedded). */
const DATAMOVER_ENVIRONMENT = {
  NODE_OPTIONS: "--max-semi-space-size=1",
  MALLOC_MMAP_THRESHOLD_: "16777216",
  MALLOC_TRIM_THRESHOLD_: "33554432",
  MALLOC_ARENA_MAX: "2",
};

/** What one snapshot cost, and what it read and added. */
export interface CairnMeasured extends Measured {
  readonly readBytes: number;
  readonly addedBytes: number;
}

/** Opens Cairn's place in the race. The caller stops it, whatever happens. */
export async function openCairn(meter: Meter, folder: string, disk: string): Promise<CairnTool> {
  await mkdir(folder, { recursive: true });
  return new CairnTool(
    meter,
    folder,
    disk,
    await startBlockServer(meter, { folder, name: "disk", file: disk }),
  );
}

/**
 * Cairn's real data path in a process of its own: QEMU serves the disk with a dirty bitmap, the process reads
 * it over NBD, stores, seals, commits. QEMU's own CPU time is told in a remark: reading the file is not free
 * there either.
 */
export class CairnTool implements Tool {
  readonly name = "cairn";
  readonly remarks: string[] = [];
  readonly #meter: Meter;
  readonly #folder: string;
  readonly #disk: string;
  readonly #server: BlockServer;
  readonly #servers: BlockServer[];
  readonly #keys = createRepositoryKeys();
  readonly #repositoryId = randomUUID();
  readonly #indexSegments: string[] = [];
  #root = "";

  constructor(meter: Meter, folder: string, disk: string, server: BlockServer) {
    this.#meter = meter;
    this.#folder = folder;
    this.#disk = disk;
    this.#server = server;
    this.#servers = [server];
  }

  async prepare(): Promise<void> {
    await mkdir(this.#store);
    const repositoryId = this.#repositoryId;
    const slots = [{ kind: "key-file", label: "bench", key: randomBytes(32) } as const];
    const keys = this.#keys;
    const { bytes } = await createKeySet({ repositoryId, keys, slots, withoutEscrow: true, at: 0 });
    await initRepository(directoryStore(this.#store), { repositoryId, keySet: bytes });
    await this.#server.offer("full");
    await this.#run(this.#server, "full", { kind: "start" });
    await this.#server.record(BITMAP);
  }

  async full(): Promise<CairnMeasured> {
    return this.#protect("full", { kind: "full", snapshotId: randomUUID() });
  }

  /** Changes the disk through QEMU, so that its bitmap sees it; the file changes for everybody. */
  async change(writes: readonly { readonly offset: number; readonly bytes: Buffer }[]): Promise<void> {
    await using client = await connectDisk(this.#server.socket, "full");
    for (const { offset, bytes } of writes) await client.write(offset, bytes);
    await client.flush();
  }

  /** Reads the whole disk again, as when there is no bitmap to trust. */
  async scan(): Promise<CairnMeasured> {
    return this.#protect("full", { kind: "scan", snapshotId: randomUUID(), previousRoot: this.#root });
  }

  /** Protects the disk as that of another instance: nothing is known of it but what the repository holds. */
  async second(): Promise<CairnMeasured> {
    const root = this.#root;
    const measured = await this.#protect("full", { kind: "full", snapshotId: randomUUID() });
    this.#root = root;
    return measured;
  }

  async incremental(): Promise<CairnMeasured> {
    await this.#server.offer("changes", BITMAP);
    const base = { previousRoot: this.#root, bitmap: BITMAP, auditBytes: AUDIT_BYTES };
    return this.#protect("changes", { kind: "incremental", snapshotId: randomUUID(), ...base });
  }

  /** The last snapshot, for those who read it by other ways. */
  snapshot(): StoredDisk {
    const place = { store: this.#store, repositoryId: this.#repositoryId, keys: exportKeys(this.#keys) };
    return { ...place, root: this.#root, sizeBytes: statSync(this.#disk).size };
  }

  /** To a raw file, whose durability is left to the system, as the others do. */
  async restore(): Promise<Measured & { readonly file: string }> {
    const file = join(this.#folder, "restored.img");
    const work: ReaderWork = { ...this.snapshot(), kind: "extract", path: file, durable: false };
    const parameters = [READER, JSON.stringify(work)];
    // As apps/cli runs: it keeps its compiled programs.
    const environment = { NODE_COMPILE_CACHE: join(this.#folder, "compiled") };
    const measured = await measure(this.#meter, { program: process.execPath, parameters, environment });
    return { ...measured, file };
  }

  async storedBytes(): Promise<number> {
    return folderBytes(this.#store);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map(async (each) => each.stop()));
  }

  get #store(): string {
    return join(this.#folder, "repository");
  }

  async #protect(exportName: string, work: CairnWork["work"]): Promise<CairnMeasured> {
    const { result, ...measured } = await this.#run(this.#server, exportName, work);
    this.#root = result.root;
    this.#indexSegments.push(...result.indexSegments);
    const read = formatBytes(result.readBytes);
    this.remarks.push(`cairn ${work.kind}: read ${read} of the disk, the audit's sample among them`);
    return { ...measured, readBytes: result.readBytes, addedBytes: result.storedBytes };
  }

  async #run(
    at: BlockServer,
    exportName: string,
    work: CairnWork["work"],
  ): Promise<Measured & { readonly result: CairnResult }> {
    const request: CairnWork = {
      store: this.#store,
      repositoryId: this.#repositoryId,
      keys: exportKeys(this.#keys),
      indexSegments: this.#indexSegments,
      socket: at.socket,
      exportName,
      work,
    };
    const before = await at.cpuSeconds();
    const parameters = [CHILD, JSON.stringify(request)];
    const environment = { ...DATAMOVER_ENVIRONMENT, NODE_COMPILE_CACHE: join(this.#folder, "compiled") };
    const measured = await measure(this.#meter, { program: process.execPath, parameters, environment });
    const spent = (await at.cpuSeconds()) - before;
    this.remarks.push(
      `cairn ${work.kind}: QEMU, which serves the disk, used ${spent.toFixed(1)} CPU seconds more`,
    );
    return { ...measured, result: JSON.parse(measured.output) as CairnResult };
  }
}
