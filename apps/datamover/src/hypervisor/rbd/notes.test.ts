import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LOOSE_MS, LooseImages } from "./janitor.ts";
import { listNotes, noteSnapshot, removeNote, type SnapshotNote } from "./notes.ts";

const image = {
  pool: "volumes",
  image: "volume-1",
  id: "10ab",
  hosts: [{ host: "::1", port: "6789" }],
  user: "cinder",
  secretUuid: "11111111-2222-4333-8444-555555555555",
};
const note: SnapshotNote = {
  instanceId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  snapshot: "cairn-99999999-8888-4777-8666-555555555555",
  images: [image, { ...image, image: "volume-2", id: "10cd", user: undefined, secretUuid: undefined }],
};

void test("a note tells all that reaches the images of a snapshot, until it is removed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-nt-"));
  try {
    await noteSnapshot(folder, note);
    assert.deepEqual(await listNotes(folder), [note]);
    await noteSnapshot(folder, { ...note, images: [image] });
    assert.deepEqual(await listNotes(folder), [{ ...note, images: [image] }]);
    await removeNote(folder, note);
    await removeNote(folder, note);
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

void test("an image is let go only when its instance has been without it for a while", () => {
  let now = 1_000;
  const loose = new LooseImages({ now: () => now });
  const attached = new Set(["rbd:volumes/volume-1"]);
  const is = (paths: ReadonlySet<string>): boolean => loose.isLoose(note, image, paths);
  assert.equal(is(attached), false);
  assert.equal(is(new Set()), false);
  now += LOOSE_MS - 1;
  assert.equal(is(new Set()), false);
  // Nova has defined the domain again.
  assert.equal(is(attached), false);
  assert.equal(is(new Set(["rbd:volumes/volume-2"])), false);
  now += LOOSE_MS;
  assert.equal(is(new Set()), true);
  loose.forget(note);
  assert.equal(is(new Set()), false);
});
