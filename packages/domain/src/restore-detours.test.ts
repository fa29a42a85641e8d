import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolFacts, RestoreObservation } from "./restore-observation.ts";
import { planRestore } from "./restore-plan.ts";
import type { NoteStep } from "./restore-steps.ts";
import { sampleRestoreObservation } from "./sample-observations.ts";

const POOL: PoolFacts = {
  name: "lvm",
  totalGiB: 100,
  freeGiB: 100,
  provisionedGiB: 0,
  reservedPercent: 0,
  isThin: false,
  overSubscription: undefined,
};

function warnings(protocols: readonly (string | undefined)[], fields: Partial<RestoreObservation> = {}) {
  const pools = { fast: protocols.map((protocol) => ({ ...POOL, protocol })) };
  const verdict = planRestore(sampleRestoreObservation({ capacity: { noRoom: [], pools }, ...fields }));
  assert.ok(verdict.kind === "planned", "it is no reason to refuse");
  const notes = verdict.plan.stages.flat().filter((step) => step.kind === "note");
  const said = notes.flatMap((step) => (step.parameters as NoteStep).warnings);
  return said.filter((sentence) => sentence.includes("Glance"));
}

void test("volumes that no host can attach are told before, with what the way through Glance takes", () => {
  const said = warnings(["iSCSI"]);
  assert.match(
    said[0] ?? "",
    /^Disk vdb of instance web is restored through an image in Glance, as its volume/,
  );
  assert.match(
    said[0] ?? "",
    /reached by iSCSI .* takes longer, and \d+ GiB of room and image quota in Glance/,
  );
});

void test("a limit of Glance that the images would exceed is a problem before anything is made", () => {
  const pools = { fast: [{ ...POOL, protocol: "FC" }] };
  const refusal = (fields: object): string => {
    const capacity = { noRoom: [], pools, ...fields };
    const verdict = planRestore(sampleRestoreObservation({ capacity }));
    return verdict.kind === "refused" ? verdict.message : "";
  };
  // Two volumes of 2 GiB.
  assert.match(
    refusal({ imageMiB: { max: 5120, used: 1025 } }),
    /quota of MiB of images would be exceeded: 4096 needed, 1025 of 5120 in use/,
  );
  assert.match(refusal({ images: { max: 9, used: 8 } }), /quota of images would be exceeded: 2 needed/);
  assert.equal(refusal({ images: { max: 10, used: 8 }, imageMiB: { max: 5120, used: 1024 } }), "");
});

const QUIET: readonly [string, readonly (string | undefined)[], Partial<RestoreObservation>][] = [
  ["in Ceph", ["ceph"], {}],
  ["on a file share", ["nfs"], {}],
  ["in one of several pools that may be Ceph's", ["iSCSI", "ceph"], {}],
  ["of which Cinder does not tell how they are reached", [undefined], {}],
  ["of pools that only administrators see", [], {}],
  ["that os-brick attaches", ["iSCSI"], { hasOsBrick: true }],
];

for (const [what, protocols, fields] of QUIET) {
  void test(`nothing is said of volumes ${what}`, () => {
    // A type without pools would be a refusal; one of which nothing is known has no entry.
    const capacity = { noRoom: [], pools: {} };
    assert.deepEqual(warnings(protocols, protocols.length === 0 ? { capacity, ...fields } : fields), []);
  });
}
