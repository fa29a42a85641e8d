import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readState } from "@cairn/repository";
import { faultyStore } from "@cairn/store";
import {
  copyStore,
  storeSnapshot,
  type TestRepository,
  type TestSnapshot,
  testRepository,
} from "../test-repository.ts";
import { assertReadable, DAY_MS, namesOf, piecesOf, removeSnapshot, sweepOnce } from "./testing.ts";

/** A repository about which a sweep has everything to do: remove, condemn, rescue nothing, compact. */
async function prepared(): Promise<{
  readonly repository: TestRepository;
  readonly alive: readonly TestSnapshot[];
}> {
  const repository = await testRepository();
  const wide = await storeSnapshot(repository, piecesOf("a", 8));
  const thin = await storeSnapshot(repository, piecesOf("a", 2), { base: wide });
  const gone = await storeSnapshot(repository, piecesOf("b", 2));
  const mixed = await storeSnapshot(repository, [...piecesOf("c", 2), ...piecesOf("a", 1)], { base: wide });
  await removeSnapshot(repository, gone);
  await sweepOnce(repository, { limits: { compactBelowShare: 0 } });
  repository.clock.pass(DAY_MS);
  await removeSnapshot(repository, wide);
  return { repository, alive: [thin, mixed] };
}

describe("a sweep that is killed", () => {
  for (const when of ["before", "after"] as const) {
    it(`${when} a call takes effect leaves all snapshots readable, and the next finishes`, async () => {
      const { repository: original, alive } = await prepared();
      const expected = await swept(original, alive);
      for (let killedAt = 0; ; killedAt += 1) {
        const repository = { ...original, store: await copyStore(original.store, original.clock) };
        let calls = 0;
        const store = faultyStore(repository.store, ({ index }) => {
          calls = index;
          return index >= killedAt
            ? { when: index === killedAt ? when : "before", error: new Error("killed") }
            : undefined;
        });
        const dying = sweepOnce(repository, { store, remover: store, by: "dying" });
        const survived = await dying.then(
          () => true,
          () => false,
        );
        await assertReadable(repository, alive);
        assert.deepEqual(await swept(repository, alive), expected, `killed at call ${killedAt}`);
        if (survived) {
          assert.ok(calls < killedAt);
          return;
        }
      }
    });
  }
});

/** How many objects of each kind are left when sweeps have had all the time that they want. */
async function swept(from: TestRepository, alive: readonly TestSnapshot[]): Promise<readonly number[]> {
  const repository = { ...from, store: await copyStore(from.store, from.clock) };
  const days = 4;
  for (let day = 0; day < days; day += 1) {
    await sweepOnce(repository, { by: `day ${day}` });
    repository.clock.pass(DAY_MS);
  }
  repository.clock.pass(-days * DAY_MS);
  await assertReadable(repository, alive);
  const state = await readState(repository.store, repository.handle);
  assert.deepEqual([state.deleting, state.condemned], [[], []]);
  const counts: number[] = [];
  for (const kind of ["p", "m", "i", "s"]) counts.push((await namesOf(repository, kind)).length);
  return counts;
}
