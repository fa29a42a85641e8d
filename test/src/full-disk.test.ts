import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { type BootedInstance, bootInstance, uploadImage } from "@cairn/embedded";
import { KiB, MiB, Rejection } from "@cairn/kernel";
import { beginSnapshot, endOfSnapshot, makeWorkload, runOf, scribble, whenIdle } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { SmallDisk } from "./small-disk.ts";
import { keepDisk, openStored } from "./stored.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

/** Change it to try other moments. */
const SEED = 20261122;
/** Two packs of a directory, which have 24 MiB at most. */
const DISK_BYTES = 28 * MiB;
const RESERVE_BYTES = 8 * MiB;
const TARGET_FULL = /the target's directory .+ is full \(remove snapshots and let a sweep run, enlarge it/;
const SCRATCH_FULL = /\/scratch\/compute1.*\(make room there, or set datamover\.scratch_dir/;

let target: SmallDisk;
let scratch: SmallDisk;
let tree: Tree;
let instance: BootedInstance;
let workload: string;
/** What was committed, by the ids of the snapshots. */
const committed = new Map<string, string>();

before(async () => {
  tree = await startTree({ scratchReserveMib: RESERVE_BYTES / MiB }, async (folder) => {
    target = await SmallDisk.mount(join(folder, "small-target"));
    scratch = await SmallDisk.mount(join(folder, "small-scratch"));
    await mkdir(join(folder, "scratch"));
    await symlink(target.path, join(folder, "target"));
    await symlink(scratch.path, join(folder, "scratch", "compute1"));
  });
  const file = join(tree.folder, "full.raw");
  await writeFile(file, randomBytes(DISK_BYTES));
  const imageId = await uploadImage(tree.cloud, { name: "full", file, diskFormat: "raw" }, tree.signal);
  const boot = { kind: "image", imageId } as const;
  const wanted = { name: "full", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes: [] };
  instance = await bootInstance(tree.cloud, wanted, tree.signal);
  workload = await makeWorkload(tree, "full", [instance.id]);
});

after(async () => {
  await target.makeRoom();
  await scratch.makeRoom();
  await tree.close();
  await target.close();
  await scratch.close();
});

/** mulberry32: numbers from 0 to 1 by a seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = seeded(SEED);
const upTo = (limit: number): number => Math.floor(random() * limit);

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function assertStored(snapshotId: string, digest: string): Promise<void> {
  const stored = await openStored(tree, snapshotId);
  assert.equal(digestOf(await stored.read(instance.id, "vda")), digest, `snapshot ${snapshotId}`);
}

/** Takes a snapshot, which may become available, or fail as it should. */
async function attempt(work: Attempt): Promise<"available" | "refused"> {
  const digest = digestOf(await keepDisk(tree, instance.id, "vda"));
  const id = await beginSnapshot(tree, workload, work.full);
  await work.meanwhile?.(id);
  const ended = await endOfSnapshot(tree, id);
  assert.deepEqual(await leftovers(tree), []);
  if (ended.status === "available") {
    committed.set(id, digest);
    return "available";
  }
  assert.equal(ended.status, "error");
  assert.match(ended.error_msg ?? "", work.refusal);
  return "refused";
}

interface Attempt {
  readonly full: boolean;
  /** What the user reads of one that fails. */
  readonly refusal: RegExp;
  readonly meanwhile?: (snapshotId: string) => Promise<void>;
}

const NEVER = /^$/;

/** A snapshot in a squeeze that begins before or while it runs; then the next one works, others are whole. */
async function survive(
  context: TestContext,
  squeeze: Attempt & { readonly name: string; readonly before?: () => Promise<void> },
): Promise<"available" | "refused"> {
  if (squeeze.full) await rewrite();
  else await scribble(tree, instance.id, "vda");
  await squeeze.before?.();
  const begunMs = performance.now();
  const result = await attempt(squeeze);
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
  context.diagnostic(`${squeeze.name} (seed ${String(SEED)}): ${result} after ${seconds} s`);
  await target.makeRoom();
  await scratch.makeRoom();
  assert.equal(await attempt({ full: false, refusal: NEVER }), "available");
  // What the next one counts from, at once; all of them at the end.
  for (const [id, digest] of [...committed].slice(-1)) await assertStored(id, digest);
  return result;
}

/** Fresh content: what is known already would not be stored again. */
async function rewrite(): Promise<void> {
  for (let at = 0; at < DISK_BYTES; at += 4 * MiB) {
    await tree.embedded.sandbox.write(instance.id, "vda", at, randomBytes(4 * MiB));
  }
}

test("a target that is full anywhere in a snapshot loses nothing committed and goes on", async (context) => {
  await explained(context, tree, async () => {
    assert.equal(await attempt({ full: true, refusal: NEVER }), "available");
    const points = [
      { full: true, room: { bytes: upTo(24 * MiB) } },
      { full: true, room: { bytes: 24 * MiB + upTo(4 * MiB) } },
      { full: false, room: { bytes: upTo(600 * KiB) } },
      { full: true, room: { files: 3 + upTo(4) } },
      { full: false, room: { files: 3 + upTo(8) } },
    ];
    const results: string[] = [];
    for (const { full, room } of points) {
      const name = `${full ? "full" : "incremental"}, ${JSON.stringify(room)} left`;
      const squeezed = async (): Promise<void> => target.leave(room);
      results.push(await survive(context, { name, full, refusal: TARGET_FULL, before: squeezed }));
    }
    assert.ok(results.filter((each) => each === "refused").length >= 3, results.join());
  });
});

test("a target that fills up while a snapshot runs loses nothing committed and goes on", async (context) => {
  await explained(context, tree, async () => {
    for (let round = 0; round < 2; round += 1) {
      const room = { bytes: upTo(MiB) };
      const laterMs = upTo(800);
      const name = `full, ${JSON.stringify(room)} left ${String(laterMs)} ms after the order`;
      const meanwhile = async (id: string): Promise<void> => {
        await orderInHand(id);
        await tree.embedded.pause(laterMs);
        await target.leave(room);
      };
      await survive(context, { name, full: true, refusal: TARGET_FULL, meanwhile });
    }
  });
});

/** Waits until a datamover has the snapshot's order in hand. */
async function orderInHand(snapshotId: string): Promise<void> {
  const run = await runOf(tree, "snapshot", snapshotId);
  await until("an order in a datamover's hands", 30_000, async () => {
    const { handle } = tree.database;
    const query = handle.selectFrom("datamover_order").select("state").where("run_id", "=", run);
    return (await query.execute()).some(({ state }) => state !== "queued") ? true : undefined;
  });
}

test("a scratch folder that is full anywhere in a snapshot ends it and leaves nothing", async (context) => {
  await explained(context, tree, async () => {
    const rooms = [{ bytes: upTo(RESERVE_BYTES) }, { files: upTo(2) }, { files: 2 + upTo(3) }];
    const results: string[] = [];
    for (const room of rooms) {
      const name = `incremental, ${JSON.stringify(room)} left`;
      const squeezed = async (): Promise<void> => scratch.leave(room);
      results.push(await survive(context, { name, full: false, refusal: SCRATCH_FULL, before: squeezed }));
    }
    assert.ok(results.filter((each) => each === "refused").length >= 2, results.join());
    const name = "full, the reserve is touched while it runs";
    const meanwhile = async (): Promise<void> => {
      await until("the point", 30_000, async () => {
        const names = await readdir(scratch.path, { recursive: true });
        return names.some((each) => each.endsWith("/nbd.sock")) ? true : undefined;
      });
      await scratch.leave({ bytes: upTo(RESERVE_BYTES) });
    };
    await survive(context, { name, full: true, refusal: SCRATCH_FULL, meanwhile });
    for (const [id, digest] of committed) await assertStored(id, digest);
  });
});

test("a full target can be cleared up: a snapshot is deleted", async (context) => {
  await explained(context, tree, async () => {
    const [oldest] = committed.keys();
    await target.leave({ bytes: 0 });
    await tree.api.deleteSnapshot({ params: { snapshot_id: oldest ?? "" } });
    await whenIdle(tree);
    const showing = tree.api.showSnapshot({ params: { snapshot_id: oldest ?? "" } });
    await assert.rejects(showing, (cause) => cause instanceof Rejection && cause.status === 404);
    assert.deepEqual(await leftovers(tree), []);
  });
});
