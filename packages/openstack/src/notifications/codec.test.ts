import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { announcementOf, isDisturbing } from "./codec.ts";

/** What Zed's Nova and Cinder put on a bus, without the contexts of the requests. */
const recorded = new Map(
  readFileSync(new URL("recorded.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { name, content } = JSON.parse(line) as { readonly name: string; readonly content: string };
      return [name, content];
    }),
);

const UUID = /^[0-9a-f-]{36}$/;

test("what begins on an instance is announced with its id, as soon as Nova's API has accepted it", () => {
  const announced = ["instance.update:powering-off", "instance.power_off.start", "instance.suspend.start"];
  for (const name of [...announced, "instance.resize_prep.start"]) {
    const found = announcementOf(recorded.get(name) ?? "");
    assert.match(found?.instanceId ?? "", UUID, name);
    assert.equal(found?.operation, name.replace("instance.update:", ""));
    assert.equal(found.volumeId, undefined);
  }
});

test("what Cinder begins on a volume is announced with the volume's id", () => {
  for (const name of ["snapshot.create.start", "snapshot.delete.start"]) {
    const found = announcementOf(recorded.get(name) ?? "");
    assert.match(found?.volumeId ?? "", UUID);
    assert.deepEqual({ ...found, volumeId: "" }, { volumeId: "", operation: name });
  }
});

test("what has ended, what only counts, and what concerns no job is passed over", () => {
  const passed = [...recorded].filter(([, content]) => announcementOf(content) === undefined);
  assert.deepEqual(
    passed.map(([name]) => name),
    [
      "instance.update:null",
      "instance.power_off.end",
      "instance.exists",
      "volume.create.start",
      "scheduler.select_destinations.start",
    ],
  );
});

test("Nova's legacy notifications say the same, bare or in an envelope", () => {
  const legacy = (event_type: string, payload: object): string => JSON.stringify({ event_type, payload });
  const stop = legacy("compute.instance.power_off.start", { instance_id: "i" });
  const expected = { instanceId: "i", operation: "instance.power_off.start" };
  assert.deepEqual(announcementOf(stop), expected);
  const wrapped = JSON.stringify({ "oslo.version": "2.0", "oslo.message": stop });
  assert.deepEqual(announcementOf(wrapped), expected);
  assert.deepEqual(
    announcementOf(legacy("compute.instance.update", { instance_id: "i", new_task_state: "migrating" })),
    { instanceId: "i", operation: "migrating" },
  );
  assert.equal(
    announcementOf(legacy("compute.instance.live_migration.pre.start", { instance_id: "i" }))?.operation,
    "instance.live_migration_pre.start",
  );
  assert.equal(
    announcementOf(legacy("compute.instance.update", { instance_id: "i", new_task_state: null })),
    undefined,
  );
});

test("detaching a volume concerns only who reads that volume of that instance", () => {
  const data = { uuid: "i", volume_id: "v" };
  const message = { event_type: "instance.volume_detach.start", payload: { "nova_object.data": data } };
  assert.deepEqual(announcementOf(JSON.stringify(message)), {
    instanceId: "i",
    volumeId: "v",
    operation: "instance.volume_detach.start",
  });
});

test("a message of anybody's, whatever it holds, is passed over and breaks nothing", () => {
  const odd = ["", "{", "null", "[]", '"instance.update"', '{"oslo.message":"{"}', '{"oslo.message":7}'];
  const wrong = [
    { event_type: 1, payload: {} },
    { event_type: "instance.update", payload: null },
    { event_type: "instance.update", payload: { "nova_object.data": { uuid: 7 } } },
    { event_type: "instance.update", payload: { "nova_object.data": { uuid: "i", state_update: [] } } },
    { event_type: "compute.instance.update", payload: { new_task_state: "migrating" } },
    { event_type: "snapshot.create.start", payload: { volume_id: {} } },
  ];
  for (const content of [...odd, ...wrong.map((each) => JSON.stringify(each))]) {
    assert.equal(announcementOf(content), undefined, content);
  }
});

test("a job goes on beside what leaves an instance's disks and their locks alone", () => {
  for (const task of ["pausing", "unpausing", "updating_password", "image_uploading", "scheduling"]) {
    assert.equal(isDisturbing(task), false, task);
  }
  for (const task of ["suspending", "migrating", "powering-off", "image_snapshot_pending", "rebuilding"]) {
    assert.equal(isDisturbing(task), true, task);
  }
});
