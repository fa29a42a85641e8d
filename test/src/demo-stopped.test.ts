import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { processesOf, startDemo } from "./demo-process.ts";
import { until } from "./tree.ts";

const MOMENTS = ["starting engine", "--name first", "restore oneclick"];

for (const moment of MOMENTS) {
  test(`Ctrl-C of the demo at "${moment}" leaves nothing running`, async () => {
    const demo = await startDemo();
    try {
      await until(moment, 120_000, async () =>
        Promise.resolve(demo.story().includes(moment) ? true : undefined),
      );
      demo.child.kill("SIGINT");
      assert.equal(await demo.ended, 130, demo.story());
      assert.deepEqual(await processesOf(demo.folder), []);
    } finally {
      await rm(demo.folder, { recursive: true, force: true });
    }
  });
}

test("when the demo itself is killed, its programs stop by themselves", async () => {
  const demo = await startDemo();
  try {
    await until("all programs", 120_000, async () =>
      Promise.resolve(demo.story().includes("ready after") ? true : undefined),
    );
    demo.child.kill("SIGKILL");
    await demo.ended;
    const isProgram = (line: string): boolean => !line.includes("postgres");
    await until("the end of all programs", 20_000, async () =>
      (await processesOf(demo.folder)).some(isProgram) ? undefined : true,
    );
  } finally {
    await endDatabase(demo.folder);
    await rm(demo.folder, { recursive: true, force: true });
  }
});

/** PostgreSQL outlives its parent until the next start on its folder; here there is none. */
async function endDatabase(folder: string): Promise<void> {
  const lines = (await readFile(join(folder, "postgres/data/postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(lines[0]), "SIGQUIT");
  await until("the end of PostgreSQL", 20_000, async () =>
    (await processesOf(folder)).length === 0 ? true : undefined,
  );
  // Line 5 names the folder of its sockets (PostgreSQL's src/include/utils/pidfile.h).
  const sockets = lines[4];
  assert.match(sockets ?? "", /cairn-pg-/);
  await rm(sockets ?? "", { recursive: true, force: true });
}
