import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseLanguage, regionOf } from "./choose.ts";
import { english } from "./english.ts";
import { german } from "./german.ts";

/** Every sentence by its place; one that takes values with some of them. */
function sentencesOf(words: object, place = ""): (readonly [string, string])[] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]) => {
    const at = place === "" ? key : `${place}.${key}`;
    if (typeof value === "string") return [[at, value] as const];
    if (typeof value === "function") return [[at, String((value as (...of: unknown[]) => unknown)(3, 4, 5))]];
    return typeof value === "object" && value !== null ? sentencesOf(value, at) : [];
  });
}

/** Words that are the same in both, as people who work with OpenStack say them. */
const SHARED = [
  "pages.workloads overview.workload workloads.title workloads.status workloads.name",
  "workload.back workload.rate workload.snapshots workload.size workload.bucket",
  "workload.phase snapshot.back snapshot.flavor snapshot.mac snapshot.disk snapshot.volume",
  "snapshot.flavorOf manage.snapshot.name form.name.name",
  "webhooks.list webhooks.name",
  "restores.oneclick.flavor restores.oneclick.disks restores.oneclick.disksOf restores.oneclick.addressIn",
  "restores.inplace.disk restores.inplace.volume restores.selective.flavor restores.selective.flavorOf",
  "restores.restore.phase restores.restore.things.routers restores.restore.things.flavors",
  "operator.targets.kinds.nfs operator.targets.kinds.s3 operator.mail.securities.starttls",
].flatMap((places) => places.split(" "));

void test("every sentence of English is there in German, in other words", () => {
  const inGerman = new Map(sentencesOf(german));
  const inEnglish = sentencesOf(english);
  assert.deepEqual(
    inEnglish.map(([place]) => place),
    [...inGerman.keys()],
  );
  const same = inEnglish.filter(([place, text]) => inGerman.get(place) === text).map(([place]) => place);
  assert.deepEqual(
    same.filter((place) => !SHARED.includes(place)),
    [],
  );
});

void test("no sentence is empty, and what it is given stands in it", () => {
  for (const [place, text] of [...sentencesOf(english), ...sentencesOf(german)]) {
    assert.ok(text.trim() !== "", place);
    assert.doesNotMatch(text, /undefined|\[object/, place);
  }
  assert.equal(english.overview.unprotected(1), "1 instance is not protected");
  assert.equal(english.overview.unprotected(1200), "1,200 instances are not protected");
  assert.equal(german.overview.unprotected(1200), "1.200 Instanzen sind nicht geschützt");
});

void test("the language is what was chosen, else the browser's first that there is, else English", () => {
  assert.equal(chooseLanguage("de", ["en-GB"]), "de");
  assert.equal(chooseLanguage(null, ["fr-FR", "de-AT", "en"]), "de");
  assert.equal(chooseLanguage("tlh", ["fr"]), "en");
  assert.equal(regionOf("en", ["de-AT", "en-GB", "en-US"]), "en-GB");
  assert.equal(regionOf("de", ["en-GB"]), "de");
});
