import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BootedInstance, PartName } from "@cairn/embedded";
import { asId, MiB, type RunId } from "@cairn/kernel";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  fill,
  makeWorkload,
  restoreOptions,
  runOf,
  scribble,
  takeSnapshot,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk, openStored } from "./stored.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

/** A moment in a run's life, recognised by its rows. */
interface Moment {
  readonly name: string;
  readonly reached: (tree: Tree, run: RunId) => Promise<boolean>;
  /** The order's reading and writing is not in the rows at once: so much later. */
  readonly laterMs?: number;
}

const PLANNED: Moment = { name: "as the run begins", reached: async () => Promise.resolve(true) };
const CLAIMED: Moment = {
  name: "as the datamover takes the order",
  reached: hasOrder(["claimed", "finished"]),
};
const MOVING: Moment = { ...CLAIMED, name: "while bytes move", laterMs: 250 };
const MOVED: Moment = { name: "as the order ends", reached: hasOrder(["finished"]) };
const OVER: Moment = { name: "as the run ends", reached: isConcluded };

function hasOrder(states: readonly string[]): Moment["reached"] {
  return async ({ database }, run) => {
    const rows = await database.handle
      .selectFrom("datamover_order")
      .select("state")
      .where("run_id", "=", run)
      .execute();
    return rows.some((row) => states.includes(row.state)) || (await isConcluded({ database }, run));
  };
}

async function isConcluded({ database }: Pick<Tree, "database">, run: RunId): Promise<boolean> {
  const row = await database.handle
    .selectFrom("run")
    .select("state")
    .where("id", "=", run)
    .executeTakeFirst();
  return row?.state === "concluded";
}

/** Waits for the moment, kills the part, starts it again. */
async function crash(tree: Tree, part: PartName, moment: Moment, run: RunId): Promise<void> {
  await until(moment.name, 60_000, async () => ((await moment.reached(tree, run)) ? true : undefined));
  if (moment.laterMs !== undefined) await tree.embedded.pause(moment.laterMs);
  await tree.embedded.kill(part);
  await tree.embedded.start(part);
}

const PARTS: readonly PartName[] = ["engine", "datamover-compute1", "datamover-api"];
const MOMENTS = [PLANNED, CLAIMED, MOVING, MOVED, OVER];

let tree: Tree;
let instance: BootedInstance;
let workload: string;

before(async () => {
  tree = await startTree({ leaseMs: 3_000 });
  instance = await bootFromImage(tree, "crash", "az1");
  await fill(tree, instance.id, "vda", 20 * MiB);
  workload = await makeWorkload(tree, "crash", [instance.id]);
});

after(async () => tree.close());

for (const part of PARTS) {
  for (const moment of MOMENTS) {
    test(`a snapshot survives kill -9 of ${part} ${moment.name}`, async (context) => {
      await explained(context, tree, async () => {
        await scribble(tree, instance.id, "vda");
        const kept = await keepDisk(tree, instance.id, "vda");
        const id = await beginSnapshot(tree, workload);
        await crash(tree, part, moment, await runOf(tree, "snapshot", id));
        const ended = await endOfSnapshot(tree, id);
        assert.equal(ended.status, "available", ended.error_msg ?? "");
        assert.ok((await (await openStored(tree, id)).read(instance.id, "vda")).equals(kept));
        assert.deepEqual(await leftovers(tree), []);
      });
    });

    test(`a restore survives kill -9 of ${part} ${moment.name}`, async (context) => {
      await explained(context, tree, async () => {
        const kept = await keepDisk(tree, instance.id, "vda");
        const snapshot = await takeSnapshot(tree, workload);
        const options = restoreOptions("selective", [{ id: instance.id, include: true, name: "copy" }]);
        const id = await beginRestore(tree, snapshot.id, options);
        await crash(tree, part, moment, await runOf(tree, "restore", id));
        const ended = await endOfRestore(tree, id);
        assert.equal(ended.status, "available", ended.error_msg ?? "");
        const copy = ended.instances[0]?.id ?? "";
        assert.ok((await keepDisk(tree, copy, "vda")).equals(kept));
        assert.deepEqual(await leftovers(tree), []);
        await tree.cloud.nova.servers.delete(asId(copy), tree.signal);
        await tree.cloud.nova.servers.waitFor(asId(copy), "absent", { withinMs: 30_000 });
      });
    });
  }
}
