import assert from "node:assert/strict";
import { test } from "node:test";
import { findEndpoint, type ServiceType, serviceRoot, versionRoot } from "./catalogue.ts";
import { agreeOn, decodeSpoken } from "./microversion.ts";

const endpoint = (kind: string, region: string, url: string) => ({ interface: kind, region, url });

void test("an address is found by type or alias, region and interface", () => {
  const catalogue = [
    { type: "volumev2", name: "cinderv2", endpoints: [endpoint("public", "A", "http://old/v2/p")] },
    {
      type: "block-storage",
      name: "cinder",
      endpoints: [endpoint("public", "A", "http://a/v3/p/"), endpoint("internal", "B", "http://b/v3/p")],
    },
  ];
  assert.equal(findEndpoint(catalogue, "volume", { region: "A", interface: "public" }), "http://a/v3/p");
  assert.equal(
    findEndpoint(catalogue, "volume", { region: undefined, interface: "internal" }),
    "http://b/v3/p",
  );
  assert.throws(() => findEndpoint(catalogue, "volume", { region: "B", interface: "public" }), {
    code: "openstack-no-endpoint",
  });
});

void test("a service's root is right for every way in which a catalogue writes the address", () => {
  const table: readonly [ServiceType, string, string][] = [
    ["identity", "http://k:5000", "http://k:5000/v3"],
    ["identity", "http://k/identity/v3", "http://k/identity/v3"],
    ["compute", "http://n:8774/v2.1", "http://n:8774/v2.1"],
    ["compute", "http://n:8774/v2.1/p1", "http://n:8774/v2.1"],
    ["compute", "http://n/compute/v2/p1", "http://n/compute/v2.1"],
    ["volume", "http://c:8776/v3/p1", "http://c:8776/v3/p1"],
    ["volume", "http://c:8776/v3", "http://c:8776/v3/p1"],
    ["volume", "http://c/volume", "http://c/volume/v3/p1"],
    ["image", "http://g:9292", "http://g:9292/v2"],
    ["image", "http://g/image/v2", "http://g/image/v2"],
    ["network", "http://q:9696", "http://q:9696/v2.0"],
    ["network", "http://q/networking/v2.0", "http://q/networking/v2.0"],
    ["key-manager", "http://b:9311", "http://b:9311/v1"],
    ["key-manager", "http://b/key-manager/v1", "http://b/key-manager/v1"],
    ["workloads", "http://w:8780/v1/p1", "http://w:8780/v1/p1"],
  ];
  for (const [service, url, root] of table) assert.equal(serviceRoot(service, url, "p1"), root, url);
  assert.equal(versionRoot("volume", "http://c/volume/v3/p1"), "http://c/volume/v3");
  assert.equal(versionRoot("compute", "http://n/v2.1/p1"), "http://n/v2.1");
});

void test("the newest microversion that both sides know is agreed on, compared as numbers", () => {
  const wanted = { least: "2.61", most: "2.79" };
  assert.equal(agreeOn(wanted, { least: "2.1", most: "2.100" }, "x"), "2.79");
  assert.equal(agreeOn(wanted, { least: "2.1", most: "2.65" }, "x"), "2.65");
  assert.throws(() => agreeOn(wanted, { least: "2.1", most: "2.9" }, "x"), { code: "openstack-too-old" });
  assert.throws(() => agreeOn(wanted, { least: "2.80", most: "2.99" }, "x"), { code: "openstack-too-old" });
});

void test("a version document is read in Nova's form and in Cinder's", () => {
  const nova = { version: { id: "v2.1", version: "2.90", min_version: "2.1" } };
  assert.deepEqual({ ...decodeSpoken(nova, "v2.1"), id: 0 }, { id: 0, least: "2.1", most: "2.90" });
  const cinder = {
    versions: [
      { id: "v2.0", version: "", min_version: "" },
      { id: "v3.0", version: "3.59", min_version: "3.0" },
    ],
  };
  assert.deepEqual({ ...decodeSpoken(cinder, "v3"), id: 0 }, { id: 0, least: "3.0", most: "3.59" });
  assert.deepEqual(decodeSpoken({ versions: [] }, "v3"), { least: "0.0", most: "0.0" });
});
