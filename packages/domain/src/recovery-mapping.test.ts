import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CloudFacts, checkMapping, type RecoveryMapping } from "./recovery-mapping.ts";
import { NO_NEEDS, needsOfSnapshot, type RecoveryNeeds, unionOfNeeds } from "./recovery-needs.ts";
import { applyMapping } from "./recovery-restore.ts";
import { suggestMapping } from "./recovery-suggestion.ts";
import { sampleRestoreObservation } from "./sample-observations.ts";

const subnet = (cidr: string) => ({ id: `s-${cidr}`, name: "", cidr });
const network = (id: string, name: string, ...cidrs: string[]) => ({ id, name, subnets: cidrs.map(subnet) });
const flavor = (name: string, vcpus: number, ramMiB: number, diskGiB: number) => ({
  id: `f-${name}`,
  name,
  vcpus,
  ramMiB,
  diskGiB,
});

const facts: CloudFacts = {
  projects: [{ id: "p1", name: "new-shop" }],
  users: [{ id: "u1", name: "bert" }],
  networks: [
    network("n1", "green", "10.0.0.0/24"),
    network("n2", "blue", "10.0.0.0/24"),
    network("n3", "wide", "10.8.0.0/16"),
    network("n4", "high", "10.9.0.0/24"),
  ],
  flavors: [flavor("big", 4, 8192, 40), flavor("mid", 2, 4096, 20), flavor("dot", 1, 64, 0)],
  volumeTypes: ["fast", "slow"],
  zones: ["nova", "az1"],
};

const needs = (fields: Partial<RecoveryNeeds>): RecoveryNeeds => ({ ...NO_NEEDS, ...fields });
const neededNetwork = (cidr: string, name = "x", id = "old") => ({ id, name, cidrs: [cidr] });

describe("a suggested mapping", () => {
  const networkFor = (cidr: string, name?: string, id?: string) => {
    const { mapping, warnings } = suggestMapping(
      needs({ networks: [neededNetwork(cidr, name, id)] }),
      facts,
      [],
    );
    return [mapping.networks[0]?.network, warnings.length];
  };

  it("takes the same network, else the same CIDR, else a larger one, else the next higher, and warns", () => {
    assert.deepEqual(networkFor("10.0.0.0/24", "x", "n4"), ["n4", 0]);
    assert.deepEqual(networkFor("10.0.0.0/24", "blue"), ["n2", 0]);
    assert.deepEqual(networkFor("10.0.0.0/24", "unlike"), ["n1", 0]);
    assert.deepEqual(networkFor("10.8.0.0/24"), ["n3", 1]);
    assert.deepEqual(networkFor("10.8.1.0/24"), ["n4", 1]);
    assert.deepEqual(networkFor("192.168.0.0/24"), ["n4", 1], "the nearest, where none is higher");
  });

  it("takes the smallest flavor that is large enough, else the largest, and warns", () => {
    const flavorFor = (vcpus: number, ramMiB: number, diskGiB: number) => {
      const wanted = { name: "old", vcpus, ramMiB, diskGiB };
      const { mapping, warnings } = suggestMapping(needs({ flavors: [wanted] }), facts, []);
      return [mapping.flavors["old"], warnings.length];
    };
    assert.deepEqual(flavorFor(2, 4096, 20), ["mid", 0]);
    assert.deepEqual(flavorFor(1, 512, 10), ["mid", 1]);
    assert.deepEqual(flavorFor(3, 512, 10), ["big", 1]);
    assert.deepEqual(flavorFor(64, 512, 10), ["big", 1]);
    assert.deepEqual(flavorFor(1, 64, 0), ["dot", 0]);
  });

  it("keeps names of types and zones that exist, and guesses the first of those that do not", () => {
    const wanted = needs({ volumeTypes: ["slow", "gone"], zones: ["az1", "az9"], volumeZones: ["nova"] });
    const { mapping, warnings } = suggestMapping(wanted, facts, ["project"]);
    assert.deepEqual(mapping.volumeTypes, { slow: "slow", gone: "fast" });
    assert.deepEqual(mapping.zones, { az1: "az1", az9: "nova" });
    assert.deepEqual(mapping.projects, [{ from: "project", project: "", user: "" }]);
    assert.equal(warnings.length, 2);
  });

  it("is complete: once a person has chosen projects and users, it has no problem", () => {
    const wanted = needsOfSnapshot(sampleRestoreObservation().captured);
    const { mapping } = suggestMapping(wanted, facts, ["old"]);
    const chosen = { ...mapping, projects: [{ from: "old", project: "new-shop", user: "bert" }] };
    assert.deepEqual(checkMapping(chosen, wanted, facts).problems, []);
    const fields = checkMapping(mapping, wanted, facts).problems.map(({ field }) => field);
    assert.deepEqual(fields, ["projects[old].project", "projects[old].user"]);
  });
});

const MAPPING: RecoveryMapping = {
  version: 1,
  projects: [{ from: "old", project: "new-shop", user: "u1" }],
  networks: [{ from: "lan", network: "wide", subnet: "" }],
  flavors: { small: "mid", tiny: "" },
  volumeTypes: { ssd: "fast" },
  zones: { north: "nova" },
  volumeZones: { nova: "nova" },
};

describe("a mapping that is checked", () => {
  it("has ids where it had names", () => {
    const { resolved, problems } = checkMapping(MAPPING, NO_NEEDS, facts);
    assert.deepEqual(problems, []);
    assert.deepEqual(resolved.projects, [{ from: "old", project: "p1", user: "u1" }]);
    assert.deepEqual(resolved.networks, [{ from: "lan", network: "n3" }]);
    assert.deepEqual(resolved.flavors, { small: "f-mid", tiny: "" });
  });

  it("names what is not there, what several are called, and what is not named, with a remedy", () => {
    const twice = { ...facts, volumeTypes: ["fast"], networks: [...facts.networks, network("n9", "wide")] };
    const wrong = { ...MAPPING, volumeTypes: { ssd: "gone" }, flavors: { small: "none" } };
    const wanted = needs({ zones: ["south"], networks: [neededNetwork("10.0.0.0/8")] });
    const { problems } = checkMapping(wrong, wanted, twice);
    assert.deepEqual(
      problems.map(({ field, value }) => [field, value]),
      [
        ["networks[lan].network", "wide"],
        ["flavors.small", "none"],
        ["volume_types.ssd", "gone"],
        ["networks", "old"],
        ["availability_zones", "south"],
      ],
    );
    assert.ok(problems.every(({ message, remedy }) => message !== "" && remedy !== ""));
  });

  it("becomes the options of a selective restore", () => {
    const { resolved } = checkMapping(MAPPING, NO_NEEDS, facts);
    const volumes = [
      { id: "v1", type: "ssd", zone: "nova" },
      { id: "v2", type: null, zone: null },
    ];
    const instance = { id: "i1", name: "web", zone: "north", flavorName: "small", volumes };
    assert.deepEqual(
      applyMapping(resolved, [instance], (name) => `drill-${name}`),
      {
        instances: [
          {
            id: "i1",
            include: true,
            name: "drill-web",
            availability_zone: "nova",
            flavor: { id: "f-mid" },
            vdisks: [{ id: "v1", new_volume_type: "fast", availability_zone: "nova" }, { id: "v2" }],
          },
        ],
        networks: [{ snapshot_network: { id: "lan" }, target_network: { id: "n3" } }],
      },
    );
  });
});

describe("the needs of a snapshot", () => {
  it("are each named once, in the same order whatever the order of the snapshots", () => {
    const one = needs({ networks: [neededNetwork("10.1.0.0/24")], zones: ["b", "a"] });
    const other = needs({ networks: [neededNetwork("10.2.0.0/24")], zones: ["a"] });
    assert.deepEqual(unionOfNeeds([one, other]), unionOfNeeds([other, one]));
    assert.deepEqual(unionOfNeeds([one, other]).networks[0]?.cidrs, ["10.1.0.0/24", "10.2.0.0/24"]);
    assert.deepEqual(unionOfNeeds([one, other]).zones, ["a", "b"]);
  });
});
