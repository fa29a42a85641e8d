import assert from "node:assert/strict";
import { test } from "node:test";
import { findEndpoint, takeApart } from "./catalogue.ts";
import { agreeOn, decodeVersions, findMajor, hasReached } from "./microversion.ts";

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

void test("a service is found under every name that the service types authority gives it", () => {
  for (const type of ["volumev3", "block-storage", "block-store", "volume", "volumev2"]) {
    const catalogue = [{ type, name: "c", endpoints: [endpoint("public", "A", "http://c/v3")] }];
    assert.equal(findEndpoint(catalogue, "volume", { region: "A", interface: "public" }), "http://c/v3");
  }
  const ours = [{ type: "workloadmgr", name: "c", endpoints: [endpoint("public", "A", "http://w/v1/p")] }];
  assert.equal(findEndpoint(ours, "workloads", { region: "A", interface: "public" }), "http://w/v1/p");
});

void test("an address is taken apart for every way in which a catalogue writes it", () => {
  const table: readonly [string, string, boolean][] = [
    ["http://k:5000", "http://k:5000", false],
    ["http://k/identity/v3", "http://k/identity", true],
    ["http://k:5000/v2.0/", "http://k:5000", true],
    ["http://n:8774/v2.1", "http://n:8774", true],
    ["http://n:8774/v2.1/p1", "http://n:8774", true],
    ["http://n/compute/v2/p1", "http://n/compute", true],
    ["http://c:8776/v3/p1/", "http://c:8776", true],
    ["http://c/volume", "http://c/volume", false],
    ["http://g:9292/", "http://g:9292", false],
    ["https://[fd00::5]:9292/v2", "https://[fd00::5]:9292", true],
    ["https://[fd00::5]/image", "https://[fd00::5]/image", false],
    ["https://v3/volume", "https://v3/volume", false],
  ];
  for (const [url, base, isVersioned] of table) assert.deepEqual(takeApart(url), { base, isVersioned }, url);
});

void test("the newest microversion that both sides know is agreed on, compared as numbers", () => {
  const wanted = { least: "2.61", most: "2.79" };
  assert.equal(agreeOn(wanted, { least: "2.1", most: "2.100" }, "x"), "2.79");
  assert.equal(agreeOn(wanted, { least: "2.1", most: "2.65" }, "x"), "2.65");
  assert.throws(() => agreeOn(wanted, { least: "2.1", most: "2.9" }, "x"), { code: "openstack-too-old" });
  assert.throws(() => agreeOn(wanted, { least: "2.80", most: "2.99" }, "x"), { code: "openstack-too-old" });
});

void test("whether a microversion has what came with another is compared as numbers", () => {
  assert.equal(hasReached("2.79", "2.9"), true);
  assert.equal(hasReached("2.60", "2.60"), true);
  assert.equal(hasReached("2.60", "2.61"), false);
});

void test("a version document is read in the form of each service", () => {
  const link = (href: string) => [{ rel: "self", href }];
  const nova = {
    version: { id: "v2.1", version: "2.90", min_version: "2.1", links: link("http://n/v2.1/") },
  };
  const found = findMajor(decodeVersions(nova), "compute");
  assert.deepEqual(found, { id: "v2.1", least: "2.1", most: "2.90", link: "http://n/v2.1/" });
  const cinder = {
    versions: [
      { id: "v2.0", version: "", min_version: "" },
      { id: "v3.0", version: "3.59", min_version: "3.0" },
    ],
  };
  assert.equal(findMajor(decodeVersions(cinder), "volume")?.most, "3.59");
  const glance = { versions: [{ id: "v2.9" }, { id: "v2.15" }, { id: "v1.1" }] };
  assert.equal(findMajor(decodeVersions(glance), "image")?.most, "2.15");
  const keystone = { versions: { values: [{ id: "v3.14" }, { id: "v2.0" }] } };
  assert.equal(findMajor(decodeVersions(keystone), "identity")?.most, "3.14");
  assert.equal(findMajor(decodeVersions({ versions: [] }), "volume"), undefined);
});
