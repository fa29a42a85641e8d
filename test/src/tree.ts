import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { createTestDatabase, type Database, openDatabase } from "@cairn/database";
import { Embedded, type EmbeddedOptions, uploadImage } from "@cairn/embedded";
import { MiB, systemClock } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";

/** A running tree with a member of the project `demo`, for one test file. */
export interface Tree {
  readonly embedded: Embedded;
  readonly cloud: Cloud;
  readonly api: ApiClient;
  readonly database: Database;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** An image with data at its beginning and its end, and a hole between. */
  readonly imageId: string;
  close(): Promise<void>;
}

export const IMAGE_BYTES = 24 * MiB;

export interface TreeOptions extends Partial<EmbeddedOptions> {
  /** A PostgreSQL of the tree's own, to be killed; else it has a database on that of the whole test run. */
  readonly ownPostgres?: true;
}

/**
 * Starts every program below a new folder. Sockets lie there, so its path is short. `prepare` is told it
 * before anything is made in it.
 */
export async function startTree(
  { ownPostgres, ...options }: TreeOptions = {},
  prepare: (folder: string) => Promise<void> = async () => undefined,
): Promise<Tree> {
  const folder = await mkdtemp("/var/tmp/cairn-");
  await prepare(folder);
  const stop = new AbortController();
  const place = ownPostgres === true ? undefined : await createTestDatabase(process.env);
  const embedded = await Embedded.start({
    root: folder,
    signal: stop.signal,
    environment: process.env,
    transitionMs: 30,
    ...(place === undefined ? {} : { databaseUrl: place.url }),
    ...options,
  });
  const database = openDatabase(embedded.databaseUrl, { poolMax: 3 });
  const close = async (): Promise<void> => {
    stop.abort(new Error("the test is over"));
    await database.close();
    await embedded.stop();
    await place?.drop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const cloud = embedded.cloud("demo", "demo");
    const api = await apiOf(embedded, cloud);
    const imageId = await uploadTestImage(cloud, folder, stop.signal);
    return { embedded, cloud, api, database, folder, signal: stop.signal, imageId, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** The API as somebody sees it. */
export async function apiOf(embedded: Embedded, cloud: Cloud): Promise<ApiClient> {
  const projectId = await cloud.projectId();
  const token = async (): Promise<string> => (await cloud.token()).value.reveal();
  return connectApi({ endpoint: `${embedded.apiUrl}/v1/${projectId}`, token });
}

async function uploadTestImage(cloud: Cloud, folder: string, signal: AbortSignal): Promise<string> {
  const bytes = Buffer.alloc(IMAGE_BYTES);
  randomBytes(6 * MiB).copy(bytes);
  randomBytes(MiB).copy(bytes, IMAGE_BYTES - MiB);
  const file = join(folder, "image.raw");
  await writeFile(file, bytes);
  return uploadImage(cloud, { name: "test", file, diskFormat: "raw" }, signal);
}

/** Waits until `look` finds something, looking every 50 ms. Fails with the name of what did not come. */
export async function until<Found>(
  what: string,
  withinMs: number,
  look: () => Promise<Found | undefined>,
): Promise<Found> {
  const deadlineMs = systemClock.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.now() > deadlineMs) throw new Error(`${what} did not come within ${String(withinMs)} ms`);
    await systemClock.sleep(50);
  }
}

/** Does a test's work; when it fails, the programs' last warnings are shown with the failure. */
export async function explained(context: TestContext, tree: Tree, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    for (const name of await readdir(tree.embedded.layout.logs)) {
      const text = await readFile(join(tree.embedded.layout.logs, name), "utf8");
      const lines = text.split("\n").filter((line) => /"level":"?(warn|error|40|50)/.test(line));
      if (lines.length > 0) context.diagnostic(`${name}:\n${lines.slice(-15).join("\n")}`);
    }
    throw cause;
  }
}
