import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ApiClient } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import { asId, newId, Secret } from "@cairn/kernel";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openWindow, signIn, type Window } from "./browser.ts";
import { assertGood, go } from "./console-pages.ts";
import { bootFromImage, makeWorkload, takeSnapshot, whenIdle } from "./job.ts";
import { apiOf, explained, startTree, type Tree } from "./tree.ts";

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

test("a workload is made step by step; its next runs and what it will keep are shown before", async (t) => {
  await explained(t, tree, async () => {
    await makeTargetType("vault");
    const { page } = demo;
    await go(page, tree, "workloads", "Workloads");
    await page.getByRole("link", { name: "Create a workload" }).click();
    await page.getByRole("heading", { level: 1, name: "Create a workload" }).waitFor();
    const next = page.getByRole("button", { name: "Next" });
    assert.equal(await page.getByRole("checkbox", { name: "Choose: web" }).isDisabled(), true);
    await page.getByRole("row", { name: /web.*in the workload shop/ }).waitFor();
    assert.equal(await next.isDisabled(), true);
    await page.getByText("Choose at least one instance.").waitFor();
    await assertGood(page);
    await page.getByRole("searchbox", { name: "Find an instance" }).fill("DB");
    await page.getByRole("row", { name: /web/ }).waitFor({ state: "detached" });
    await page.getByRole("checkbox", { name: "Choose: db" }).check();
    await next.click();
    await scheduleStep(page);
    await next.click();
    await page.getByRole("heading", { level: 2, name: "Encryption and target" }).waitFor();
    await page.getByRole("radio", { name: "vault" }).check();
    await page.getByRole("checkbox", { name: /Only a secret of the project/ }).check();
    assert.equal(await next.isDisabled(), true, "without a secret");
    await page.getByLabel("Id of the secret in Barbican").fill(await makeSecret());
    await assertGood(page);
    await next.click();
    await page.getByLabel("Name").fill("books");
    await page.getByLabel("Description").fill("of the accountants");
    await assertGood(page);
    await next.click();
    await page.getByText("every 24 hours, first at 02:30 (Asia/Tokyo)").waitFor();
    await assertGood(page);
    await page.getByRole("button", { name: "Create a workload" }).click();
    await page.getByRole("heading", { level: 1, name: "books" }).waitFor();
    await assertBooks((await page.evaluate<string>("location.hash")).split("/").at(-1) ?? "");
  });
});

/** The step of the schedule: at night in Tokyo, which is the evening in the viewer's zone. */
async function scheduleStep(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 2, name: "Schedule and retention" }).waitFor();
  await page.getByLabel("Time of the first run").fill("02:30");
  await page.getByLabel("Time zone of the schedule").selectOption("Asia/Tokyo");
  await page.getByLabel("How many").fill("0");
  await page.getByText("Give how many, 1 to 9999.").waitFor();
  await page.getByLabel("How many").fill("7");
  const runs = page.getByRole("table", { name: "Next runs" });
  await runs.getByRole("columnheader", { name: "In your zone (Europe/Berlin)" }).waitFor();
  await runs.getByRole("columnheader", { name: "In its zone (Asia/Tokyo)" }).waitFor();
  await runs
    .getByRole("row", { name: /1[89]:30.* 02:30/ })
    .first()
    .waitFor();
  assert.equal(await runs.getByRole("row").count(), 6);
  await page.getByText("After 1,000 runs this will have kept 7 snapshots.").waitFor();
  await page.getByText("The oldest will be 6 days older than the newest.").waitFor();
  await assertGood(page);
}

async function assertBooks(id: string): Promise<void> {
  const books = await shown(id);
  const schedule = books.jobschedule;
  assert.deepEqual(
    [books.description, books.instances.map(({ name }) => name), books.encryption],
    ["of the accountants", ["db"], true],
  );
  assert.equal(books.backup_target_types, "vault");
  assert.deepEqual(
    [schedule["enabled"], schedule["timezone"], schedule["interval"], schedule["retention_policy_value"]],
    [true, "Asia/Tokyo", "24hrs", "7"],
  );
  assert.equal(schedule["start_time"], "02:30");
}

/** Another name of the default target, which every project may choose. */
async function makeTargetType(name: string): Promise<void> {
  const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
  const { backup_targets: targets } = await root.listBackupTargets({});
  const [target] = targets;
  assert.ok(target !== undefined);
  const type = { name, description: "for years", backup_targets_id: target.id, is_public: true };
  await root.createBackupTargetType({ body: { backup_target_type: type } });
}

async function makeSecret(): Promise<string> {
  const payload = new Secret(Buffer.from("nine stones upon a hill"));
  return tree.cloud.barbican.secrets.create({ name: "books", payload });
}

test("a workload is changed; what the change would delete is told before", async (t) => {
  await explained(t, tree, async () => {
    await takeSnapshot(tree, shop);
    await takeSnapshot(tree, shop);
    const { page } = demo;
    await go(page, tree, `workloads/${shop}`, "shop");
    await page.getByRole("link", { name: "Modify" }).click();
    await page.getByRole("heading", { level: 1, name: "Modify shop" }).waitFor();
    await page.getByRole("checkbox", { name: "Choose: web" }).waitFor();
    await page.getByRole("button", { name: "Schedule and retention" }).click();
    await page.getByLabel("By a schedule of its own").check();
    await page.getByLabel("How many").fill("1");
    await page.getByText("Kept no longer: 1 snapshot, deleted after the next run.").waitFor();
    await assertGood(page);
    await page.getByRole("button", { name: "Encryption and target" }).click();
    await page.getByText("This was decided when the workload was created.").waitFor();
    await page.getByRole("button", { name: /Name$/ }).click();
    await page.getByLabel("Name").fill("the shop");
    await page.getByRole("button", { name: "Summary" }).click();
    await page.getByText("the last 1 snapshot").waitFor();
    await page.getByRole("button", { name: "Save the changes" }).click();
    await page.getByRole("heading", { level: 1, name: "the shop" }).waitFor();
    const { name, instances, jobschedule } = await shown(shop);
    assert.deepEqual(
      [name, instances.length, jobschedule["enabled"], jobschedule["retention_policy_value"]],
      ["the shop", 1, true, "1"],
    );
  });
});

test("where policies are assigned one is chosen; a refusal leads to the step that it is about", async (t) => {
  await explained(t, tree, async () => {
    const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
    const params = { policy_id: await assignPolicy(root, "silver") };
    const { page } = demo;
    await go(page, tree, `workloads/${shop}/modify`, "Modify the shop");
    // What was read a moment ago is not read again at once.
    await page.reload();
    await page.getByRole("button", { name: "Schedule and retention" }).click();
    await page.getByText("Policies are assigned to this project").waitFor();
    assert.equal(await page.getByLabel("By a schedule of its own").isDisabled(), true);
    await page.getByLabel("By a policy").check();
    await page
      .getByRole("combobox", { name: "Policy", exact: true })
      .selectOption({ label: "silver: twice a day" });
    await page.getByText("this will have kept 14 snapshots").waitFor();
    await page.getByRole("button", { name: "Summary" }).click();
    await page.getByText("by the policy silver").waitFor();
    const taking = { policy: { remove_projects: [(await shown(shop)).project_id] } };
    await root.assignPolicy({ params, body: taking });
    await page.getByRole("button", { name: "Save the changes" }).click();
    await page
      .getByRole("alert")
      .getByText(/could not be found/)
      .waitFor();
    await page.getByRole("button", { name: "Go to: Schedule and retention" }).click();
    await page.getByRole("heading", { level: 2, name: "Schedule and retention" }).waitFor();
    assert.equal((await shown(shop)).policy_id, null);
  });
});

/** A policy that the project may choose; returns its id. */
async function assignPolicy(root: ApiClient, name: string): Promise<string> {
  const rules = {
    interval: "12 hrs",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "14",
  };
  const wanted = { display_name: name, display_description: "twice a day", field_values: rules };
  const { policy } = await root.createPolicy({ body: { workload_policy: wanted } });
  const { project_id: project } = await shown(shop);
  const body = { policy: { add_projects: [project] } };
  await root.assignPolicy({ params: { policy_id: policy.id }, body });
  return policy.id;
}

const MANY = 10_000;

test("10,000 workloads are a page at a time, forward and back, and found at once", async (t) => {
  await explained(t, tree, async () => {
    await makeMany();
    const { page } = demo;
    await go(page, tree, "workloads", "Workloads");
    const table = page.getByRole("table", { name: "Workloads" });
    const first = table.getByRole("row").nth(1);
    await first.getByRole("link", { name: "many-10000" }).waitFor();
    assert.equal(await table.getByRole("row").count(), 51);
    await page.getByRole("link", { name: "Older" }).click();
    await first.getByRole("link", { name: "many-09950" }).waitFor();
    await page.getByRole("link", { name: "Older" }).click();
    await first.getByRole("link", { name: "many-09900" }).waitFor();
    await page.reload();
    await page.getByRole("link", { name: "Newer" }).click();
    await first.getByRole("link", { name: "many-09950" }).waitFor();
    await page.getByRole("link", { name: "Newer" }).click();
    await first.getByRole("link", { name: "many-10000" }).waitFor();
    await assertGood(page);
    const begun = performance.now();
    await page.getByRole("searchbox", { name: "Find by name" }).fill("many-00042");
    await first.getByRole("link", { name: "many-00042" }).waitFor();
    const took = performance.now() - begun;
    t.diagnostic(`found among ${String(MANY)} after ${took.toFixed(0)} ms`);
    assert.ok(took < 3_000, `${took.toFixed(0)} ms`);
    assert.equal(await table.getByRole("row").count(), 2);
  });
});

/** Workloads as rows alone: to make each by a request would take minutes, and shows nothing of a list. */
async function makeMany(): Promise<void> {
  const { handle } = tree.database;
  const like = await handle
    .selectFrom("workload")
    .selectAll()
    .where("id", "=", asId<"workload">(shop))
    .executeTakeFirstOrThrow();
  for (let from = 1; from <= MANY; from += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, index) => {
      const number = String(from + index).padStart(5, "0");
      return {
        ...like,
        id: newId<"workload">(),
        name: `many-${number}`,
        jobschedule: "{}",
        metadata: "{}",
        policy_id: null,
        created_at: new Date(like.created_at.getTime() + 1_000 * (from + index)),
      };
    });
    await handle.insertInto("workload").values(rows).execute();
  }
}

test("no script failed, and nothing was stopped by the pages' own policy", () => {
  assert.deepEqual(demo.complaints, []);
});
