import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { openBrowser, openWindow, signIn, type Window } from "./browser.ts";
import { assertGood } from "./console-pages.ts";
import { makeConsoleWorld } from "./console-world.ts";
import { explained, startTree, type Tree } from "./tree.ts";

/*
 * The operator pages in a real browser on the real service: as an administrator of the cloud sees and uses
 * them, and as nobody else does. Each page is looked at by axe.
 */

let tree: Tree;
let browser: Browser;
let root: Window;

before(async () => {
  [tree, browser] = await Promise.all([startTree(), openBrowser()]);
  await makeConsoleWorld(tree);
  root = await openWindow(browser);
  await signIn(root.page, tree, "admin");
});

after(async () => {
  await browser.close();
  await tree.close();
});

/** Opens an operator page by its link, as a person does. */
async function enter(page: Page, title: string): Promise<void> {
  await page
    .getByRole("navigation", { name: "Pages", exact: true })
    .getByRole("link", { name: "Operation" })
    .click();
  await page
    .getByRole("navigation", { name: "Pages of the operation" })
    .getByRole("link", { name: title })
    .click();
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
}

function tableOf(page: Page, name: string): Locator {
  return page.getByRole("table", { name });
}

test("the status tells what is protected, how full targets are, and what fails anywhere", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Service status");
    await page.getByText("2 of 3").waitFor();
    await page.getByText(/in 2 workloads, .* stored/).waitFor();
    await tableOf(page, "Capacity of the targets").getByRole("progressbar").waitFor();
    const failing = tableOf(page, "Workloads that fail");
    await failing.getByRole("row", { name: /ledger demo 1/ }).waitFor();
    assert.equal(await failing.getByRole("row").count(), 2, "and none that is well");
    await page.getByText("Nothing waits").waitFor();
    await assertGood(page);
  });
});

test("a datamover is taken out after its dialog said what that means, and let in again", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Nodes");
    const rows = tableOf(page, "Services").getByRole("row");
    const row = rows.filter({ hasText: "Datamover" }).first();
    const takeOut = row.getByRole("button", { name: /Take out/ });
    await takeOut.click();
    const dialog = page.getByRole("dialog", { name: /Take the Datamover of .* out of service/ });
    await dialog.getByText(/snapshots of instances on .* fail/).waitFor();
    await assertGood(page);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    await takeOut.click();
    await dialog.getByLabel("Reason").fill("new disks");
    await dialog.getByRole("button", { name: "Take out" }).click();
    await row.getByText("Out of service").waitFor();
    await row.getByText("new disks").waitFor();
    await assertGood(page);
    await enter(page, "Service status");
    await page.getByRole("link", { name: /Datamover on .* gets no work: new disks/ }).click();
    await row.getByRole("button", { name: /Let in/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Let in" }).click();
    await row.getByText("Out of service").waitFor({ state: "detached" });
  });
});

test("targets tell how they are and how full, and which is for new workloads", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Backup targets");
    const row = tableOf(page, "Targets").getByRole("row", { name: /Online/ });
    await row.getByText(/Default$/).waitFor();
    await row.getByRole("progressbar").waitFor();
    await tableOf(page, "Types")
      .getByRole("row", { name: /Everybody/ })
      .waitFor();
    await assertGood(page);
  });
});

test("who is no operator sees nothing of these pages, nor by typing an address", async (t) => {
  await explained(t, tree, async () => {
    await using member = await openWindow(browser);
    const { page } = member;
    await signIn(page, tree, "demo");
    await page.getByText("2 of 3").waitFor();
    assert.equal(await page.getByRole("link", { name: "Operation" }).count(), 0);
    for (const room of ["status", "nodes", "targets"]) {
      await page.goto(`${tree.embedded.apiUrl}/console/#!/operator/${room}`);
      await page.getByRole("alert").getByText("You may not see this").waitFor();
      assert.equal(await page.getByRole("table").count(), 0, room);
    }
    await assertGood(page);
  });
});

test("no script failed, and nothing was stopped by the pages' own policy", () => {
  assert.deepEqual(root.complaints, []);
});
