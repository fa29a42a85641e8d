import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { settingsFor, storeSettings } from "./cloud-folder.ts";
import { Journal, parseJournal } from "./journal.ts";
import { layoutAt } from "./layout.ts";
import { parseSettings } from "./settings.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync("/tmp/cairn-testcloud-");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const journal = (): Journal => new Journal(layoutAt(join(folder, "cloud")));

describe("what is changed on the machine", () => {
  it("comes back as it was: files, folders, and what was not there", () => {
    const file = join(folder, "qemu.conf");
    const tree = join(folder, "libvirt");
    const made = join(folder, "new");
    writeFileSync(file, "former");
    mkdirSync(tree);
    writeFileSync(join(tree, "a"), "former");
    for (const path of [file, tree, made]) journal().keepPath(path);
    writeFileSync(file, "changed");
    writeFileSync(join(tree, "b"), "added");
    rmSync(join(tree, "a"));
    mkdirSync(made);
    journal().putBack();
    journal().putBack();
    assert.equal(readFileSync(file, "utf8"), "former");
    assert.equal(readFileSync(join(tree, "a"), "utf8"), "former");
    assert.ok(!existsSync(join(tree, "b")));
    assert.ok(!existsSync(made));
  });

  it("is noted as it was before the first change, not before a later one", () => {
    const file = join(folder, "setting");
    writeFileSync(file, "0\n");
    journal().setKernel(file, "1");
    writeFileSync(file, "0\n");
    journal().setKernel(file, "2");
    journal().putBack();
    assert.equal(readFileSync(file, "utf8"), "0");
    assert.equal(journal().entries().length, 1);
  });

  it("is not touched when the kernel does not have it or it is so already", () => {
    const file = join(folder, "setting");
    writeFileSync(file, "1\n");
    journal().setKernel(file, "1");
    journal().setKernel(join(folder, "absent"), "1");
    assert.deepEqual(journal().entries(), []);
  });

  it("is never guessed from damaged notes", () => {
    for (const text of ["", "{}", '[{"kind":"path","path":"/etc"}]', '[{"kind":"other","path":"/x"}]']) {
      assert.throws(() => parseJournal(text), /changes\.json/, text);
    }
  });
});

describe("the folder of a cloud", () => {
  it("keeps its profile and its secrets, which are made by chance", () => {
    const layout = layoutAt(join(folder, "cloud"));
    const settings = settingsFor(layout, "full");
    storeSettings(settings);
    assert.deepEqual(settingsFor(layout, undefined), settings);
    assert.throws(() => settingsFor(layout, "light"), /cloud of the profile full/);
    const other = settingsFor(layoutAt(join(folder, "other")), "full");
    assert.notEqual(other.secrets.adminPassword, settings.secrets.adminPassword);
  });

  it("is not taken over when something else is in it", () => {
    writeFileSync(join(folder, "letter.txt"), "");
    assert.throws(() => settingsFor(layoutAt(folder), undefined), /not a test cloud/);
  });

  it("is refused when its settings are damaged", () => {
    for (const text of ["", "{}", '{"profile":"huge"}']) {
      assert.throws(() => parseSettings(text), /settings\.json/, text);
    }
  });
});
