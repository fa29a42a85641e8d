import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { QUOTA_TYPE_INFO } from "@cairn/contract";
import type { Browser } from "playwright-core";
import { openBrowser, openWindow, signIn, type Window } from "./browser.ts";
import { HOSTS, makeFilesWorld, READ_MS } from "./console-files.ts";
import { assertGood, go } from "./console-pages.ts";
import { bootFromImage, whenIdle } from "./job.ts";
import { apiOf, explained, startTree, type Tree } from "./tree.ts";

/*
 * What a project's people find beside its workloads, in a real browser: files in snapshots, mounted
 * snapshots, quotas and mails.
 */

let tree: Tree;
let browser: Browser;
let demo: Window;
let project: string;
let snapshot: string;

before(async () => {
  [tree, browser] = await Promise.all([startTree(), openBrowser()]);
  const files = await makeFilesWorld(tree);
  snapshot = files.snapshot;
  await bootFromImage(tree, "recovery", "az2");
  project = (await tree.api.showWorkload({ params: { workload_id: files.workload } })).workload.project_id;
  demo = await openWindow(browser);
  await signIn(demo.page, tree, "demo");
});

after(async () => {
  await browser.close();
  await tree.close();
});

test("a file is searched in snapshots, found and downloaded byte for byte", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Files" }).click();
    await page.getByText("Nothing was searched yet").waitFor();
    await page.getByLabel("Instance").selectOption("ledger");
    await page.getByLabel("Path").fill("etc");
    await page.getByText("A path begins with a slash.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Search" }).isDisabled(), true);
    await page.getByLabel("Path").fill("/etc/host*");
    await page.getByLabel("In the latest so many").check();
    await page.getByLabel("How many").fill("1");
    await assertGood(page);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("heading", { level: 1, name: "Search for /etc/host*" }).waitFor();
    await page.getByText("2 files found").waitFor({ timeout: READ_MS });
    await page.getByText("in the snapshots of ledger").waitFor();
    const row = page.getByRole("row", { name: /\/etc\/hosts .*-rw-/ });
    await row.waitFor();
    await assertGood(page);
    const [download] = await Promise.all([
      page.waitForEvent("download", { timeout: READ_MS }),
      row.getByRole("button", { name: "Download /etc/hosts" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "hosts");
    assert.equal(await readFile(await download.path(), "utf8"), HOSTS);
    await page.getByRole("link", { name: "Files" }).last().click();
    await page.getByRole("table", { name: "Former searches" }).getByRole("row", { name: /Done/ }).waitFor();
  });
});

test("a snapshot is mounted in an instance, and dismounted after it was said what is lost", async (t) => {
  await explained(t, tree, async () => {
    const { page } = demo;
    await go(page, tree, `snapshots/${snapshot}`, /Snapshot of/);
    await page.getByLabel("Mount in the instance").selectOption("recovery");
    await page.getByRole("button", { name: "Mount it" }).click();
    await page.getByText("It is mounted in recovery.").waitFor({ timeout: 60_000 });
    await assertGood(page);
    await whenIdle(tree);
    await go(page, tree, "files", "Files");
    const table = page.getByRole("table", { name: "Mounted snapshots" });
    await table.getByRole("row", { name: /Good, mounted/ }).waitFor();
    await assertGood(page);
    await table.getByRole("button", { name: /Dismount/ }).click();
    const dialog = page.getByRole("dialog", { name: "Dismount the snapshot" });
    await dialog.getByText("What was written to the mounted copies is lost.").waitFor();
    await assertGood(page);
    await dialog.getByRole("button", { name: "Dismount" }).click();
    await page.getByText("No snapshot is mounted").waitFor({ timeout: 60_000 });
    await whenIdle(tree);
    const { snapshot: ended } = await tree.api.showSnapshot({ params: { snapshot_id: snapshot } });
    assert.deepEqual([ended.status, ended.mount], ["available", null]);
  });
});

test("quotas are bars with their watermarks; mails are switched on for the project", async (t) => {
  await explained(t, tree, async () => {
    const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
    const limit = (type: keyof typeof QUOTA_TYPE_INFO, allowed: number, mark: number) => ({
      quota_type_id: QUOTA_TYPE_INFO[type].id,
      allowed_value: allowed,
      high_watermark: mark,
    });
    await root.createQuotas({
      params: { project_or_quota_id: project },
      body: { allowed_quotas: [limit("workloads", 1, 1), limit("snapshots", 4, 3)] },
    });
    const { page } = demo;
    await go(page, tree, "project", "Project");
    await page.getByText("1 of 4 · People are told from 3 on").waitFor();
    const bar = page.getByRole("progressbar", { name: "Snapshots" });
    assert.equal(await bar.getAttribute("value"), "0.25");
    await page.getByText(/Full$/).waitFor();
    await page.getByText("Nobody has set a mail server").waitFor();
    await assertGood(page);
    await page.getByRole("switch", { name: "Mails about this project" }).click();
    await page.getByText("It is saved.").waitFor();
    await page.getByLabel("Also to").fill("ops@example.org");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("It is saved.").waitFor();
    const { settings } = await tree.api.listSettings({});
    assert.deepEqual(Object.fromEntries(settings.map(({ name, value }) => [name, value])), {
      smtp_default_recipient: "ops@example.org",
      smtp_email_enable: "1",
    });
    await page.getByLabel("Also to").fill("nobody");
    await page.getByRole("button", { name: "Save" }).click();
    await page
      .getByRole("alert")
      .getByText(/mail address/)
      .waitFor();
  });
});

test("a reader sees what searches found and how full quotas are, and may do nothing of it", async (t) => {
  await explained(t, tree, async () => {
    await using reader = await openWindow(browser);
    const { page } = reader;
    await signIn(page, tree, "reader");
    await go(page, tree, "files", "Files");
    assert.equal(await page.getByRole("button", { name: "Search" }).isDisabled(), true);
    await page.getByRole("link", { name: "/etc/host*" }).click();
    const download = page.getByRole("button", { name: "Download /etc/hosts" });
    await download.waitFor();
    assert.equal(await download.isDisabled(), true);
    await go(page, tree, `snapshots/${snapshot}`, /Snapshot of/);
    assert.equal(await page.getByRole("button", { name: "Mount it" }).isDisabled(), true);
    await go(page, tree, "project", "Project");
    await page.getByText("1 of 4").waitFor();
    assert.equal(await page.getByRole("switch", { name: "Mails about this project" }).isDisabled(), true);
    await assertGood(page);
  });
});

test("no script failed, and nothing was stopped by the pages' own policy", () => {
  assert.deepEqual(demo.complaints, []);
});
