import assert from "node:assert/strict";
import { test } from "node:test";
import { connectCloud } from "../cloud.ts";
import { type Recorded, type Seen, startRecordedCloud } from "./recorded-cloud.ts";

const queryOf = (request: Seen): URLSearchParams => new URL(request.path, "http://x").searchParams;

void test("a list without links is read on by its last thing until a page is empty", async () => {
  const attachment = (id: string) => ({ id, volume_id: "v", instance: null, status: "attached" });
  await using recorded = await startRecordedCloud({
    "GET /volume/v3/p1/attachments/detail": (request): Recorded => {
      const marker = queryOf(request).get("marker");
      const ids = marker === null ? ["a1", "a2"] : marker === "a2" ? ["a3"] : [];
      return { json: { attachments: ids.map(attachment) } };
    },
  });
  const all = await connectCloud(recorded.options()).cinder.attachments.list();
  assert.deepEqual(
    all.map((each) => each.id),
    ["a1", "a2", "a3"],
  );
});

void test("a list without links or markers is read on by how much of it is known", async () => {
  const group = (id: string) => ({ id, name: id, policy: "affinity", members: [] });
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/os-server-groups": (request): Recorded => {
      const offset = Number(queryOf(request).get("offset") ?? 0);
      return { json: { server_groups: ["g1", "g2", "g3"].slice(offset, offset + 2).map(group) } };
    },
  });
  const all = await connectCloud(recorded.options()).nova.serverGroups.list();
  assert.deepEqual(
    all.map((each) => each.id),
    ["g1", "g2", "g3"],
  );
});

void test("a service that ignores markers is a fault and not the same page for ever", async () => {
  const attachments = [{ id: "a1", volume_id: "v", instance: null, status: "attached" }];
  await using recorded = await startRecordedCloud({
    "GET /volume/v3/p1/attachments/detail": { json: { attachments } },
  });
  const list = connectCloud(recorded.options()).cinder.attachments.list();
  await assert.rejects(list, { code: "openstack-bad-reply" });
});
