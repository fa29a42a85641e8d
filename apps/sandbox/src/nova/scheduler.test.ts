import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostRow, ServerGroupRow, ServerRow } from "../state/compute-rows.ts";
import { chooseHost } from "./scheduler.ts";

const host = (id: string, fields: Partial<HostRow> = {}): HostRow => ({
  id,
  zone: "az1",
  images_type: "qcow2",
  vcpus: 1,
  memory_mb: 1,
  local_gb: 1,
  vanished: false,
  service_status: "enabled",
  ...fields,
});

const server = (on: string, group: string | null = null): ServerRow =>
  ({ host: on, server_group_id: group }) as ServerRow;

const group = (policy: string): ServerGroupRow => ({ id: "g", policy }) as ServerGroupRow;

const anywhere = { zone: undefined, host: undefined, group: undefined };

void test("the host with the fewest servers is chosen, among those that are up and enabled", () => {
  const hosts = [
    host("a"),
    host("b"),
    host("c", { vanished: true }),
    host("d", { service_status: "disabled" }),
  ];
  assert.equal(chooseHost(hosts, [server("a")], anywhere)?.id, "b");
  assert.equal(chooseHost([host("c", { vanished: true })], [], anywhere), undefined);
});

void test("zone and host are kept to", () => {
  const hosts = [host("a"), host("b", { zone: "az2" })];
  assert.equal(chooseHost(hosts, [server("b")], { ...anywhere, zone: "az2" })?.id, "b");
  assert.equal(chooseHost(hosts, [], { ...anywhere, zone: "az3" }), undefined);
  assert.equal(chooseHost(hosts, [server("a")], { ...anywhere, host: "a" })?.id, "a");
});

void test("a group keeps its members together or apart", () => {
  const hosts = [host("a"), host("b")];
  const members = [server("a", "g"), server("b"), server("b")];
  assert.equal(chooseHost(hosts, members, { ...anywhere, group: group("anti-affinity") })?.id, "b");
  assert.equal(
    chooseHost(hosts, [server("b", "g"), server("b")], { ...anywhere, group: group("affinity") })?.id,
    "b",
  );
  const full = [server("a", "g"), server("b", "g")];
  assert.equal(chooseHost(hosts, full, { ...anywhere, group: group("anti-affinity") }), undefined);
});
