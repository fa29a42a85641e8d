import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BootedInstance } from "@cairn/embedded";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openWindow, signIn, type Window } from "./browser.ts";
import { assertGood, go } from "./console-pages.ts";
import { bootFromImage, makeWorkload, whenIdle } from "./job.ts";
import { explained, startTree, type Tree } from "./tree.ts";

/*
 * Workloads in a real browser: what is done with one, and how one is made and changed. What the pages said is
 * then asked of the API.
 */

let tree: Tree;
let browser: Browser;
let demo: Window;
let web: BootedInstance;
let shop: string;

before(async () => {
  [tree, browser] = await Promise.all([startTree(), openBrowser()]);
  [web] = await Promise.all([bootFromImage(tree, "web", "az1"), bootFromImage(tree, "db", "az2")]);
  shop = await makeWorkload(tree, "shop", [web.id]);
  demo = await openWindow(browser);
  await signIn(demo.page, tree, "demo");
});

after(async () => {
  await browser.close();
  await tree.close();
});

/** A workload as the API has it. */
async function shown(id: string) {
  return (await tree.api.showWorkload({ params: { workload_id: id } })).workload;
}

/** The row of something that can be done with a workload. */
function deed(page: Page, title: string) {
  const rows = page.getByRole("listitem");
  return rows.filter({ has: page.getByRole("heading", { level: 3, name: title, exact: true }) });
}

test("a snapshot gets the name and type that somebody gave it", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await go(page, tree, `workloads/${shop}`, "shop");
    await page.getByRole("button", { name: "Full or named snapshot" }).click();
    const dialog = page.getByRole("dialog", { name: "Take a full or named snapshot" });
    await dialog.getByLabel("Name").fill("before the upgrade");
    await dialog.getByLabel("Description").fill("by hand");
    await dialog.getByLabel(/^Full: all disks/).check();
    await assertGood(page);
    await dialog.getByRole("button", { name: "Take it now" }).click();
    await dialog.waitFor({ state: "detached" });
    await page
      .getByRole("table", { name: "Snapshots" })
      .getByRole("row", { name: /Good.*Full/ })
      .waitFor();
    await whenIdle(tree);
    const { snapshots } = await tree.api.listSnapshotsDetail({ query: { workload_id: shop } });
    assert.deepEqual(
      snapshots.map((each) => [each.name, each.description, each.snapshot_type, each.status]),
      [["before the upgrade", "by hand", "full", "available"]],
    );
  });
});

test("a schedule is resumed and paused, and what changed is forgotten", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await go(page, tree, `workloads/${shop}`, "shop");
    await page.getByRole("button", { name: "Resume the schedule" }).click();
    await page.getByRole("button", { name: "Pause the schedule" }).waitFor();
    assert.equal((await shown(shop)).jobschedule["enabled"], true);
    await page.getByRole("button", { name: "Pause the schedule" }).click();
    await page.getByRole("button", { name: "Resume the schedule" }).waitFor();
    assert.equal((await shown(shop)).jobschedule["enabled"], false);
    await page.getByRole("button", { name: "Forget it" }).click();
    await page.getByText("The next snapshot will read all disks whole.").waitFor();
    await whenIdle(tree);
    await deed(page, "Unlock").getByText("It is not locked.").waitFor();
    assert.equal(await deed(page, "Unlock").getByRole("button").isDisabled(), true);
    await assertGood(page);
  });
});

test("a workload is deleted by its typed name only, after it was said what is lost", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await go(page, tree, `workloads/${shop}`, "shop");
    await page.getByRole("button", { name: "Delete …" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete the workload" });
    await dialog.getByText("1 instance is protected no more: web.").waitFor();
    await dialog.getByText(/1 snapshot that can be restored/).waitFor();
    const button = dialog.getByRole("button", { name: "Delete it" });
    await dialog.getByLabel("Type shop to go on").fill("shop");
    assert.equal(await button.isDisabled(), true, "its snapshots are in the way");
    await assertGood(page);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete …" }).click();
    await dialog.getByLabel("Take it out of this list only").check();
    assert.equal(await button.isDisabled(), true, "nothing is typed any more");
    await dialog.getByLabel("Type shop to go on").fill("shop");
    await button.click();
    await page.getByRole("heading", { level: 1, name: "Workloads" }).waitFor();
    await page.getByText("Nothing is protected yet").waitFor();
    await whenIdle(tree);
    assert.deepEqual((await tree.api.listWorkloads({})).workloads, []);
  });
});

test("a reader sees what could be done, and why it is not for them", async (t) => {
  await explained(t, tree, async () => {
    shop = await makeWorkload(tree, "shop", [web.id]);
    await using reader = await openWindow(browser);
    const { page } = reader;
    await signIn(page, tree, "reader");
    await go(page, tree, `workloads/${shop}`, "shop");
    for (const name of ["Full or named snapshot", "Resume the schedule", "Forget it", "Unlock", "Delete …"]) {
      assert.equal(await page.getByRole("button", { name }).isDisabled(), true, name);
    }
    await page.getByText("Your roles in this project do not allow it").first().waitFor();
    await assertGood(page);
  });
});

test("no script failed, and nothing was stopped by the pages' own policy", () => {
  assert.deepEqual(demo.complaints, []);
});
