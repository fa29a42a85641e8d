import assert from "node:assert/strict";
import { test } from "node:test";
import { restoreQuestions } from "./restore-new.ts";
import type { CapacityFacts, PoolFacts, RestoreObservation } from "./restore-observation.ts";
import { planRestore } from "./restore-plan.ts";
import { SMALL, sampleOriginal, sampleRestoreObservation } from "./sample-observations.ts";

const POOL: PoolFacts = {
  name: "h@ceph#ceph",
  totalGiB: 100,
  freeGiB: 100,
  provisionedGiB: 0,
  reservedPercent: 0,
  isThin: false,
  overSubscription: undefined,
};
/** `web` has a volume of 2 GiB besides its local root disk; `db` boots from one. Both are of type `fast`. */
const NEEDED_GIB = 4;

function refusal(capacity: Partial<CapacityFacts>, fields: Partial<RestoreObservation> = {}): string {
  const facts = { noRoom: [], pools: {}, ...capacity };
  const verdict = planRestore(sampleRestoreObservation({ capacity: facts, ...fields }));
  return verdict.kind === "refused" ? verdict.message : "";
}

const ofPools = (...pools: Partial<PoolFacts>[]): string =>
  refusal({ pools: { fast: pools.map((fields) => ({ ...POOL, ...fields })) } });

test("capacity is asked about once for each kind of instance and type of volume", () => {
  const { vcpus, ramMiB, diskGiB } = SMALL;
  assert.deepEqual(restoreQuestions(sampleRestoreObservation()), {
    rooms: [
      { vcpus, ramMiB, diskGiB },
      { vcpus, ramMiB, diskGiB: 0 },
    ],
    volumeTypes: ["fast"],
  });
  const pinned = { ...SMALL, extraSpecs: { "hw:cpu_policy": "dedicated" } };
  assert.deepEqual(restoreQuestions(sampleRestoreObservation({ flavors: [pinned] })).rooms, []);
  const inPlace = { kind: "inplace", instances: [{ id: "web-id", localRoot: true, volumeIds: [] }] } as const;
  const asked = restoreQuestions(
    sampleRestoreObservation({ request: inPlace, originals: [sampleOriginal()] }),
  );
  assert.deepEqual(asked, { rooms: [], volumeTypes: [] });
});

test("an instance whose flavor fits no host is named with what it needs, before anything is made", () => {
  const { vcpus, ramMiB, diskGiB } = SMALL;
  const message = refusal({ noRoom: [{ vcpus, ramMiB, diskGiB }] });
  assert.match(
    message,
    /^Flavor small for instance web fits no compute node now: 1 vCPUs, 512 MiB of memory/,
  );
  assert.match(message, /5 GiB of disk are free on none; choose a smaller flavor/);
  assert.doesNotMatch(message, /instance db/);
});

test("volumes that fit no storage pool, alone or together, are named with what is left", () => {
  assert.match(
    ofPools({ freeGiB: 1.26 }, { name: "h@ceph#two", freeGiB: 0 }),
    /no room for disk vdb of instance web: 2 GiB needed, 1\.2 GiB in h@ceph#ceph, 0 GiB in h@ceph#two left; /,
  );
  assert.match(ofPools({ freeGiB: 3 }), /no room for all 2 volumes: 4 GiB needed, 3 GiB in h@ceph#ceph left/);
  assert.equal(ofPools({ freeGiB: 2 }, { freeGiB: 2 }), "");
  assert.match(ofPools(), /Volume type fast has no storage pool that works/);
});

test("what pools have left is reckoned as Cinder does, and what is not said is no limit", () => {
  assert.equal(ofPools({ freeGiB: NEEDED_GIB }), "");
  assert.notEqual(ofPools({ reservedPercent: 97 }), "");
  assert.notEqual(ofPools({ provisionedGiB: 97 }), "");
  const thin = { isThin: true, totalGiB: 10, freeGiB: 1, provisionedGiB: 97 };
  assert.equal(ofPools({ ...thin, overSubscription: 20 }), "");
  assert.notEqual(ofPools({ ...thin, overSubscription: 10 }), "");
  assert.equal(ofPools(thin), "");
  assert.equal(ofPools({ freeGiB: undefined, totalGiB: undefined }), "");
  assert.equal(refusal({}), "");
});

test("a volume larger than one may be, and key pairs beyond their quota, are named with the figures", () => {
  assert.match(
    refusal({ volumeMaxGiB: 1 }),
    /Disk vdb of instance web needs a volume of 2 GiB, and the project's quota of per_volume_gigabytes is 1;/,
  );
  const allowances = { ...sampleRestoreObservation().allowances, keyPairs: { max: 1, used: 1 } };
  assert.match(
    refusal({}, { allowances, keyPairs: [] }),
    /quota of key pairs would be exceeded: 1 needed, 1 of 1 in use/,
  );
  assert.equal(refusal({}, { allowances }), "", "nothing is imported where it is there");
});
