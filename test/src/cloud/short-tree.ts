import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@cairn/database";
import {
  type Account,
  Embedded,
  type Guests,
  type OpenStackPlace,
  openGuests,
  readPlace,
  setupEnvironment,
} from "@cairn/embedded";
import { apiOf, type Tree } from "../tree.ts";

/** Every program of Cairn as a process, protecting real instances of a test cloud on this machine. */
export interface CloudTree extends Tree {
  readonly place: OpenStackPlace;
  readonly guests: Guests;
}

const CLI = fileURLToPath(new URL("../../../apps/cli/src/main.ts", import.meta.url));
const REGISTER_MS = 120_000;

/**
 * Registers the service in the cloud in this folder (`./cairn test --cloud`), and starts the tree on free
 * ports, under an account that is not ours when one is given. Its `close` takes all of it away again.
 */
export async function startCloudTree(cloudFolder: string, account?: Account): Promise<CloudTree> {
  const place = await readPlace(cloudFolder);
  await using undo = new AsyncDisposableStack();
  const stop = new AbortController();
  // The tree gives the catalogue the port that it gets; the product's command makes user, roles and service.
  await setupKeystone(place, ["--url", "http://127.0.0.1:8780"]);
  undo.defer(async () => setupKeystone(place, ["--remove"]));
  const folder = await mkdtemp("/var/tmp/cairn-");
  undo.defer(async () => rm(folder, { recursive: true, force: true }));
  const { signal } = stop;
  const under = account === undefined ? {} : { account };
  const { env: environment } = process;
  const embedded = await Embedded.start({ root: folder, signal, environment, openstack: place, ...under });
  undo.defer(async () => embedded.stop());
  const database = openDatabase(embedded.databaseUrl, { poolMax: 3 });
  undo.defer(async () => database.close());
  const guests = undo.use(await openGuests(place.libvirtSocket, signal));
  undo.defer(() => stop.abort(new Error("the test is over")));
  const cloud = embedded.cloud("demo", "demo");
  const api = await apiOf(embedded, cloud);
  const imageId = (await cloud.glance.images.list({ name: "guest" }, signal))[0]?.id;
  if (imageId === undefined) throw new Error("the cloud has no image called guest");
  const kept = undo.move();
  const close = async (): Promise<void> => kept.disposeAsync();
  return { embedded, database, cloud, api, folder, signal, imageId, place, guests, close };
}

async function setupKeystone(place: OpenStackPlace, flags: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [CLI, "setup", "keystone", ...flags], {
    env: { ...process.env, ...setupEnvironment(place) },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: REGISTER_MS,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += String(part)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`cairn setup keystone ${flags.join(" ")} ended with ${code}:\n${said}`);
}
