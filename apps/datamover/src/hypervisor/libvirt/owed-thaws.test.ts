import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { LibvirtClient } from "@cairn/libvirt";
import { notedFreezes, noteFreeze } from "./freeze-note.ts";
import { payThaw } from "./owed-thaws.ts";

const domain = { name: "i", uuid: "00000000-0000-4000-8000-000000000001", id: 1 };
const signal = AbortSignal.timeout(60_000);
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-owed-"));
});
after(async () => rm(folder, { recursive: true }));

/** A libvirt with one domain in this state; its agent thaws. */
function daemon(state: string, reason: number) {
  const said: string[] = [];
  const client = {
    domainState: async () => Promise.resolve({ state, reason }),
    agentCommand: async (_: unknown, { line }: { line: string }) => {
      said.push(line);
      return Promise.resolve(JSON.stringify({ return: line.includes("status") ? "thawed" : 1 }));
    },
  };
  return { client: client as unknown as LibvirtClient, said };
}

for (const [what, state, reason, becomes, asks] of [
  ["that runs is thawed", "running", 1, "paid", true],
  ["that is paused stays owed its thaw", "paused", 1, "owed", false],
  ["that Nova suspended, memory and all, stays owed its thaw", "shut-off", 5, "owed", false],
  ["whose end the daemon did not see stays owed its thaw", "shut-off", 0, "owed", false],
  ["that was shut down is frozen no more", "shut-off", 1, "paid", false],
  ["that was destroyed is frozen no more", "shut-off", 2, "paid", false],
  ["that crashed is frozen no more", "crashed", 1, "paid", false],
] as const) {
  void test(`a guest ${what}`, async () => {
    await noteFreeze(folder, domain.uuid);
    const { client, said } = daemon(state, reason);
    assert.equal(await payThaw({ client, domain }, folder, signal), becomes);
    assert.equal(
      said.some((line) => line.includes("guest-fsfreeze-thaw")),
      asks,
    );
    assert.deepEqual(await notedFreezes(folder), becomes === "owed" ? [domain.uuid] : []);
  });
}

void test("a note of this moment is not overdue", async () => {
  await noteFreeze(folder, domain.uuid);
  assert.deepEqual(await notedFreezes(folder, Date.now() - 15_000), []);
  assert.deepEqual(await notedFreezes(folder, Date.now() + 15_000), [domain.uuid]);
});
