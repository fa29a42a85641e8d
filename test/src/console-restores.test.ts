import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { type BootedInstance, bootInstance, loseInstance } from "@cairn/embedded";
import { asId, KiB, MiB } from "@cairn/kernel";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openWindow, signIn, type Window } from "./browser.ts";
import { assertGood, go } from "./console-pages.ts";
import { bootFromImage, makeWorkload, takeSnapshot, whenAvailable, whenIdle } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { keepDisk, openStored } from "./stored.ts";
import { explained, startTree, type Tree } from "./tree.ts";

/*
 * Restores in a real browser: each kind from the snapshot's page to its end, with the disks compared
 * afterwards; what stands in the way; and how snapshots and restores are stopped and deleted.
 */

/** A restore with its safety snapshot, while other tests run. */
const RESTORED_MS = 120_000;

let tree: Tree;
let browser: Browser;
let demo: Window;
let web: BootedInstance;
let lost: BootedInstance;
let shop: string;
let past: string;

before(async () => {
  [tree, browser] = await Promise.all([startTree(), openBrowser()]);
  const volumes = [{ name: "data", sizeGiB: 1, volumeType: "nfs-qcow2" }];
  const boot = { kind: "image", imageId: tree.imageId } as const;
  const wanted = { name: "web", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes };
  [web, lost] = await Promise.all([
    bootInstance(tree.cloud, wanted, tree.signal),
    bootFromImage(tree, "lost", "az2"),
  ]);
  await tree.embedded.sandbox.write(web.id, "vdb", 3 * MiB, randomBytes(512 * KiB));
  shop = await makeWorkload(tree, "shop", [web.id]);
  past = await makeWorkload(tree, "past", [lost.id]);
  demo = await openWindow(browser);
  await signIn(demo.page, tree, "demo");
});

after(async () => {
  await browser.close();
  await tree.close();
});

/** Takes a snapshot as a person does, and opens its page; gives its id. */
async function takeAndOpen(page: Page, workloadId: string, name: string): Promise<string> {
  await go(page, tree, `workloads/${workloadId}`, name);
  await page.getByRole("button", { name: "Take a snapshot" }).click();
  await page.getByText("The snapshot has begun").waitFor({ state: "attached" });
  await whenIdle(tree);
  await whenAvailable(tree, workloadId);
  const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: workloadId } });
  const id = snapshots[0]?.id ?? "";
  await page.getByRole("table", { name: "Snapshots" }).locator(`a[href$="${id}"]`).click();
  await page.getByRole("heading", { level: 1, name: /^Snapshot of/ }).waitFor();
  return id;
}

/** Waits for the end of the restore whose page is open, and gives its id. */
async function untilDone(page: Page, name: string): Promise<string> {
  await page.getByRole("heading", { level: 1, name: `Restore: ${name}` }).waitFor();
  await page.getByRole("main").getByText(/Done$/).waitFor({ timeout: RESTORED_MS });
  await whenIdle(tree);
  return new URL(page.url()).hash.split("/")[2] ?? "";
}

/** The id that the table of what was made shows beside a name. */
async function madeId(page: Page, name: string): Promise<string> {
  const row = page.getByRole("table", { name: /^What was/ }).getByRole("row", { name });
  return (await row.locator("code").innerText()).trim();
}

/** What stands for the whole content of an instance's disk. */
async function digest(instanceId: string, device: string): Promise<string> {
  return (await tree.embedded.sandbox.digest(instanceId, device)).digest;
}

test("one-click says what stands in the way, and makes an instance that is gone again", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    const before = await digest(lost.id, "vda");
    await takeAndOpen(page, past, "past");
    await assertGood(page);
    await page.getByRole("link", { name: "Restore one-click" }).click();
    await page.getByRole("heading", { level: 1, name: /^One-click restore/ }).waitFor();
    await page.getByText(/The instance lost .* still exists/).waitFor();
    const begin = page.getByRole("button", { name: "Make them again" });
    assert.equal(await begin.isDisabled(), true);
    await page.getByText("Solve what the check found first").waitFor();
    await assertGood(page);
    await loseInstance(tree.cloud, lost, tree.signal);
    await page.reload();
    await page.getByText("Nothing stands in the way").waitFor();
    await page
      .getByRole("table", { name: "What will be made" })
      .getByRole("row", { name: /lost.*m1.nano.*1 disk.*private/ })
      .waitFor();
    await assertGood(page);
    await begin.click();
    await untilDone(page, "One-click restore");
    await assertGood(page);
    const id = await madeId(page, "lost");
    assert.notEqual(id, lost.id);
    assert.equal((await tree.cloud.nova.servers.get(asId(id))).status, "ACTIVE");
    assert.equal(await digest(id, "vda"), before);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("in place overwrites what was chosen after its name was typed, and keeps what was there", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await takeAndOpen(page, shop, "shop");
    const [root, data] = [await digest(web.id, "vda"), await digest(web.id, "vdb")];
    await tree.embedded.sandbox.write(web.id, "vda", 2 * MiB, randomBytes(256 * KiB));
    await tree.embedded.sandbox.write(web.id, "vdb", 5 * MiB, randomBytes(256 * KiB));
    const [changed, kept] = [await keepDisk(tree, web.id, "vda"), await digest(web.id, "vdb")];
    assert.notEqual(kept, data);
    await page.getByRole("link", { name: "Restore in place" }).click();
    await page.getByText("Choose at least one disk").waitFor();
    const begin = page.getByRole("button", { name: "Overwrite the disks" });
    assert.equal(await begin.isDisabled(), true);
    await page.getByLabel("web, disk vda").check();
    await page.getByText(/^web, disk vda: everything written since .* \(.*(ago|now)\)/).waitFor();
    await page.getByText("Nothing stands in the way").waitFor();
    assert.equal(await begin.isDisabled(), true, "the name is not typed yet");
    await page.getByLabel("Take a safety snapshot first").uncheck();
    await page.getByRole("alert").getByText("there is no way back").waitFor();
    await assertGood(page);
    await page.getByLabel("Take a safety snapshot first").check();
    await page.getByLabel("Type the name of the workload, shop").fill("shop");
    await begin.click();
    const id = await untilDone(page, "In-place restore");
    await assertGood(page);
    assert.equal(await digest(web.id, "vda"), root);
    assert.equal(await digest(web.id, "vdb"), kept, "the volume was not chosen");
    await page.getByRole("link", { name: "What was there before" }).click();
    await page.getByRole("heading", { level: 1, name: /^Snapshot of/ }).waitFor();
    const { restore } = await tree.api.showRestore({ params: { restore_id: id } });
    const stored = await openStored(tree, restore.safety_snapshot_id ?? "");
    assert.equal(Buffer.compare(await stored.read(web.id, "vda"), changed), 0);
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("a selective restore is as it was edited, field by field, and leaves the original alone", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await takeAndOpen(page, shop, "shop");
    const [root, data] = [await digest(web.id, "vda"), await digest(web.id, "vdb")];
    await page.getByRole("link", { name: "Restore selectively" }).click();
    const fields = page.getByRole("region", { name: "web" });
    await fields.getByLabel("Restore web").uncheck();
    await page.getByText("Choose at least one instance").waitFor();
    await fields.getByLabel("Restore web").check();
    await fields.getByLabel("Name of the new instance").fill("web-copy");
    await fields.getByLabel("Flavor").selectOption({ label: "m1.micro: 1 vCPU, 128 MiB" });
    await fields.getByLabel("Availability zone").selectOption("az1");
    await page.getByLabel("Instead of the network private").selectOption({ label: "second (10.20.0.0/24)" });
    await fields.getByLabel("Fixed address of network 1").fill("10.20.0");
    await page.getByText("This is not an IP address").waitFor();
    await page.getByText("Mend the fixed addresses first").waitFor();
    await assertGood(page);
    await fields.getByLabel("Fixed address of network 1").fill("10.20.0.77");
    await fields.getByLabel("Volume type of vdb, data").selectOption("nfs-raw");
    await page.getByLabel("Name of this restore").fill("copy of web");
    await page.getByText("Nothing stands in the way").waitFor();
    await assertGood(page);
    await page.getByRole("button", { name: "Make them" }).click();
    await untilDone(page, "copy of web");
    const id = await madeId(page, "web-copy");
    const made = await tree.cloud.nova.servers.get(asId(id));
    const ports = await tree.cloud.neutron.ports.list({ deviceId: id });
    assert.deepEqual(
      ports.flatMap(({ fixedIps }) => fixedIps.map(({ ipAddress }) => ipAddress)),
      ["10.20.0.77"],
    );
    const volume = await tree.cloud.cinder.volumes.get(made.volumes[0]?.id ?? asId(""));
    assert.equal(volume.volumeType, "nfs-raw");
    assert.equal(await digest(id, "vda"), root);
    assert.equal(await digest(id, "vdb"), data);
    assert.equal((await tree.cloud.nova.servers.get(web.id)).status, "ACTIVE");
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("what the project has no more is said beside its field", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    const snapshot = await takeSnapshot(tree, shop);
    await go(page, tree, `snapshots/${snapshot.id}/restore/selective`, /^Selective restore/);
    const fields = page.getByRole("region", { name: "web" });
    await fields.getByLabel("Flavor").waitFor();
    assert.equal(await page.getByText("is not there").count(), 0);
    const { nova } = tree.embedded.cloud("admin", "admin");
    const nano = (await nova.flavors.list()).find(({ name }) => name === "m1.nano");
    assert.ok(nano !== undefined);
    await nova.flavors.delete(nano.id);
    await page.reload();
    await fields.getByText("Flavor m1.nano of instance web is not there").waitFor();
    await assertGood(page);
  });
});

test("a restore is cancelled after a question, and leaves nothing behind", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    const snapshot = await takeSnapshot(tree, shop);
    const slow = { kind: "delay", ms: 6_000 };
    await tree.embedded.sandbox.addFault({ path: "/servers$", method: "POST", times: 1, effect: slow });
    await go(page, tree, `snapshots/${snapshot.id}/restore/selective`, /^Selective restore/);
    await page.getByText("Nothing stands in the way").waitFor();
    await page.getByRole("button", { name: "Make them" }).click();
    await page.getByRole("heading", { name: "Restore in progress" }).waitFor();
    await page.getByRole("button", { name: "Cancel this restore" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel this restore?" });
    await dialog.getByText("What it has made so far is removed again").waitFor();
    await assertGood(page);
    await dialog.getByRole("button", { name: "Cancel the restore" }).click();
    await page.getByText("It was cancelled").waitFor({ timeout: RESTORED_MS });
    await whenIdle(tree);
    await tree.embedded.sandbox.clearFaults();
    await page.getByRole("link", { name: "Try it again" }).waitFor();
    assert.deepEqual(await leftovers(tree), []);
    await page.getByRole("link", { name: "Snapshot", exact: true }).click();
    const list = page.getByRole("table", { name: "Restores" });
    await list.getByRole("row", { name: /Selective restore.*Cancelled/ }).waitFor();
    await go(page, tree, `workloads/${shop}`, "shop");
    await list.getByRole("row").first().waitFor();
    assert.ok((await list.getByRole("row").count()) > 3, "the workload has those of all its snapshots");
  });
});

test("a snapshot is deleted after it was said what is lost", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    const snapshot = await takeSnapshot(tree, shop);
    await go(page, tree, `snapshots/${snapshot.id}`, /^Snapshot of/);
    await page.getByRole("button", { name: "Delete this snapshot" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete this snapshot" });
    await dialog.getByText(/^web: 2 disks, 1.02 GiB/).waitFor();
    const remove = dialog.getByRole("button", { name: "Delete the snapshot" });
    assert.equal(await remove.isDisabled(), true);
    await assertGood(page);
    await dialog.getByLabel("I do not need this point in time").check();
    await remove.click();
    await page.getByRole("heading", { level: 1, name: "shop" }).waitFor();
    await whenIdle(tree);
    const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: shop } });
    assert.ok(snapshots.every(({ id }) => id !== snapshot.id));
  });
});

test("who may only read sees why nothing can be restored or deleted", async (t) => {
  await explained(t, tree, async () => {
    await using reader = await openWindow(browser);
    const { page } = reader;
    await signIn(page, tree, "reader");
    const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: shop } });
    await go(page, tree, `snapshots/${snapshots[0]?.id ?? ""}`, /^Snapshot of/);
    await page.getByText("Your roles in this project do not allow it").first().waitFor();
    const names = [
      "Restore one-click",
      "Restore selectively",
      "Restore in place",
      "Delete this snapshot",
    ] as const;
    for (const name of names) {
      assert.equal(await page.getByRole("button", { name }).isDisabled(), true, name);
    }
    await assertGood(page);
    await go(page, tree, `snapshots/${snapshots[0]?.id ?? ""}/restore/inplace`, /^In-place restore/);
    await page.getByText("Your roles in this project do not allow it").first().waitFor();
    await page.getByLabel("web, disk vda").check();
    await page.getByText("Nothing stands in the way").waitFor();
    assert.equal(await page.getByRole("button", { name: "Overwrite the disks" }).isDisabled(), true);
    await assertGood(page);
  });
});

test("no script failed, and nothing was stopped by the pages' own policy", () => {
  assert.deepEqual(demo.complaints, []);
});
