import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB } from "@cairn/kernel";
import { type DraftTarget, draftSelective } from "./restore-draft.ts";
import { draftInPlace } from "./restore-draft-in-place.ts";
import type { DraftNetwork } from "./restore-draft-network.ts";
import type { DraftWarning } from "./restore-draft-warning.ts";
import { SMALL, sampleInstance, sampleVolumeInstance } from "./sample-observations.ts";

function network(id: string, ...cidrs: string[]): DraftNetwork {
  const subnets = cidrs.map((cidr, index) => ({ id: `${id}-sub-${index + 1}`, name: "", cidr }));
  return { id, name: id, isActive: true, isExternal: false, subnets };
}

function target(fields: Partial<DraftTarget> = {}): DraftTarget {
  return {
    flavors: [SMALL],
    networks: [network("net-1", "10.0.0.0/24")],
    volumeTypeNames: ["fast"],
    computeZones: [{ name: "nova", isAvailable: true }],
    ...fields,
  };
}

function sentencesOf({ warnings }: { readonly warnings: readonly DraftWarning[] }): string[] {
  return warnings.map(({ sentence }) => sentence);
}

test("where everything is as it was, the draft changes nothing and warns of nothing", () => {
  const draft = draftSelective([sampleInstance()], target());
  assert.deepEqual(draft.warnings, []);
  const [web] = draft.instances;
  assert.equal(web?.flavor?.id, SMALL.id);
  assert.equal(web.availabilityZone, "nova");
  assert.deepEqual(
    web.nics?.map((nic) => nic.place.network.id),
    ["net-1"],
  );
  assert.deepEqual(
    web.disks.map((disk) => [disk.volumeId, disk.volumeType, disk.availabilityZone]),
    [["volume-1", "fast", "nova"]],
  );
});

const higher = network("higher", "10.0.1.0/24");
const highest = network("highest", "10.9.0.0/24");
const lower = network("lower", "9.0.0.0/24");
const outside = { ...network("outside", "10.0.0.0/24"), isExternal: true };
const down = { ...network("net-1", "10.0.0.0/24"), isActive: false };
const networkCases = [
  ["the same id, if it is active", [lower, network("net-1", "192.0.2.0/24")], "net-1", false],
  ["not the same id, if it is down", [lower, down, network("alike", "10.0.0.0/24")], "alike", true],
  ["the same CIDR before anything like it", [higher, network("alike", "10.0.0.0/24")], "alike", true],
  ["the same address in a larger network", [higher, network("large", "10.0.0.0/16")], "large", true],
  ["not the same address in a smaller network", [network("small", "10.0.0.0/28"), higher], "higher", true],
  ["the numerically next higher network", [lower, highest, higher], "higher", true],
  ["else the first active network", [network("first"), lower], "first", true],
  ["never a network that leads outside", [outside, lower], "lower", true],
  [
    "addresses of the other family are nothing alike",
    [network("six", "2001:db8::/64"), higher],
    "higher",
    true,
  ],
] as const;

for (const [sentence, networks, chosen, isWarned] of networkCases) {
  test(`a network is drafted by its addresses: ${sentence}`, () => {
    const draft = draftSelective([sampleInstance()], target({ networks }));
    assert.equal(draft.instances[0]?.nics?.[0]?.place.network.id, chosen);
    assert.equal(draft.warnings.length > 0, isWarned, sentencesOf(draft).join("\n"));
    assert.equal(draft.networks[0]?.to.network.id, chosen);
  });
}

test("a project without any network gets those of the snapshot again", () => {
  const draft = draftSelective([sampleInstance()], target({ networks: [outside, down] }));
  assert.equal(draft.topology, true);
  assert.equal(draft.instances[0]?.nics, undefined);
  assert.match(sentencesOf(draft).join(), /no active network/);
});

const large = { ...SMALL, id: "large", name: "large", diskGiB: 20, ramMiB: 2048, vcpus: 4 };
const medium = { ...SMALL, id: "medium", name: "medium", diskGiB: 10, ramMiB: 1024, vcpus: 2 };
const tiny = { ...SMALL, id: "tiny", name: "tiny", diskGiB: 1 };
const starved = { ...large, id: "starved", name: "starved", diskGiB: 40, ramMiB: 64 };
const flavorCases = [
  ["the same one, whatever its name", [medium, { ...SMALL, id: "s2", name: "other" }], "s2", false],
  ["the first by disk that is as large in all", [large, starved, medium, tiny], "medium", true],
  ["else the last that holds the root disk", [tiny, starved], "starved", true],
  ["none where none holds the root disk", [tiny], undefined, true],
] as const;

for (const [sentence, flavors, chosen, isWarned] of flavorCases) {
  test(`a flavor is drafted: ${sentence}`, () => {
    const draft = draftSelective([sampleInstance()], target({ flavors }));
    assert.equal(draft.instances[0]?.flavor?.id, chosen);
    assert.equal(draft.warnings.length > 0, isWarned, sentencesOf(draft).join("\n"));
  });
}

test("a volume type that is gone gives way to the first, and says so once for all disks", () => {
  const draft = draftSelective(
    [sampleInstance(), sampleVolumeInstance()],
    target({ volumeTypeNames: ["slow", "cold"] }),
  );
  assert.deepEqual(draft.volumeTypes, [{ from: "fast", to: "slow" }]);
  assert.deepEqual(sentencesOf(draft), ["Volume type fast is not there; slow takes its place"]);
});

test("each warning says what it is about, so that it can stand beside it", () => {
  const draft = draftSelective(
    [sampleInstance()],
    target({ flavors: [], networks: [higher], volumeTypeNames: ["slow"], computeZones: [] }),
  );
  const { id } = sampleInstance();
  assert.deepEqual(
    draft.warnings.map((warning) => [warning.field, warning.id]),
    [
      ["network", "net-1"],
      ["availability_zone", id],
      ["flavor", id],
      ["volume_type", "fast"],
    ],
  );
  const today = { id, status: "PAUSED", volumes: [] };
  assert.deepEqual(
    draftInPlace([sampleInstance()], [today]).warnings.map((warning) => [warning.field, warning.id]),
    [
      ["instance", id],
      ["volume", "volume-1"],
    ],
  );
});

test("a zone that is gone is left to Nova and Cinder", () => {
  const draft = draftSelective([sampleInstance()], target({ computeZones: [] }));
  assert.equal(draft.instances[0]?.availabilityZone, "");
  assert.equal(draft.instances[0].disks[0]?.availabilityZone, "");
  assert.match(sentencesOf(draft).join(), /zone nova of instance web/);
});

test("an in-place draft ticks every disk that is still there and large enough", () => {
  const web = sampleInstance();
  const today = { id: web.id, status: "ACTIVE", volumes: [{ id: "volume-1", sizeGiB: 2 }] };
  const draft = draftInPlace([web], [today]);
  assert.deepEqual(draft.warnings, []);
  const [drafted] = draft.instances;
  assert.equal(drafted?.bootDisk, true);
  assert.deepEqual(
    drafted.disks.map((disk) => disk.isRestored),
    [true],
  );
});

test("an in-place draft leaves out what is gone, detached or too small, and says of each why", () => {
  const web = sampleInstance();
  const db = sampleVolumeInstance();
  const draft = draftInPlace(
    [web, db],
    [
      { id: web.id, status: "PAUSED", volumes: [] },
      { id: db.id, status: "SHUTOFF", volumes: [{ id: "volume-root", sizeGiB: 1 }] },
    ],
  );
  assert.deepEqual(
    draft.instances.map((each) => [each.name, each.isIncluded]),
    [
      ["web", true],
      ["db", false],
    ],
  );
  assert.equal(draft.warnings.length, 4, sentencesOf(draft).join("\n"));
  assert.match(sentencesOf(draft).join("\n"), /PAUSED[^]*not attached[^]*1.00 GiB[^]*Nothing of instance db/);
  assert.equal(sampleVolumeInstance().disks[0]?.sizeBytes, 2 * GiB);
  const gone = draftInPlace([web], []);
  assert.equal(gone.instances[0]?.isIncluded, false);
  assert.deepEqual(sentencesOf(gone), ["Instance web is gone; restore it one-click or selectively"]);
});
