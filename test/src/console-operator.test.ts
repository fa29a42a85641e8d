import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startTestMailServer, startTestReceiver } from "@cairn/notify";
import type { Browser, Locator, Page } from "playwright-core";
import { openBrowser, openWindow, secretField, signIn, type Window } from "./browser.ts";
import { OPERATOR_ROOMS } from "./console-operator-world.ts";
import { assertGood } from "./console-pages.ts";
import { type ConsoleWorld, makeConsoleWorld } from "./console-world.ts";
import { bootFromImage, makeWorkload, takeSnapshot, whenIdle } from "./job.ts";
import { apiOf, explained, startTree, type Tree } from "./tree.ts";

/*
 * The operator pages in a real browser on the real service: as an administrator of the cloud sees and uses
 * them, and as nobody else does. Each page is looked at by axe.
 */

let tree: Tree;
let browser: Browser;
let world: ConsoleWorld;
let root: Window;

before(async () => {
  [tree, browser] = await Promise.all([startTree(), openBrowser()]);
  world = await makeConsoleWorld(tree);
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

test("workloads of all projects are found by name, and the address keeps what was looked for", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "All workloads");
    const table = tableOf(page, "All workloads");
    await table.getByRole("row", { name: /shop demo .*Protected/ }).waitFor();
    await table.getByRole("row", { name: /ledger demo .*Failing/ }).waitFor();
    await assertGood(page);
    await page.getByRole("searchbox", { name: "Find by name" }).fill("LEDG");
    await table.getByRole("row", { name: /shop/ }).waitFor({ state: "detached" });
    await page.reload();
    await table.getByRole("row", { name: /ledger/ }).waitFor();
    assert.equal(await table.getByRole("row").count(), 2);
    await page.getByLabel("Status").selectOption("error");
    await page.getByText("No workload matches").waitFor();
  });
});

test("a policy is made, given to a project, changed, taken back and deleted", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Policies");
    await page.getByText("There is no policy").waitFor();
    await assertGood(page);
    await makePolicy(page);
    const row = tableOf(page, "Policies").getByRole("row", { name: /gold/ });
    await row.getByText("6 hours").waitFor();
    await row.getByText("after 12 incremental ones").waitFor();
    await row.getByText("90 days").waitFor();
    await givePolicy(page, true);
    await row.getByText("demo").waitFor();
    const { policy_list: choosable } = await tree.api.listPolicies({});
    assert.deepEqual(
      choosable.map(({ name }) => name),
      ["gold"],
    );
    const remove = row.getByRole("button", { name: "Delete: gold" });
    assert.equal(await remove.isDisabled(), true);
    assert.match((await remove.getAttribute("title")) ?? "", /1 project may still choose it/);
    await row.getByRole("button", { name: "Edit: gold" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("How many of them").fill("30");
    await dialog.getByRole("button", { name: "Save" }).click();
    await row.getByText("30 days").waitFor();
    await assertGood(page);
    await givePolicy(page, false);
    await row.getByText("no project yet").waitFor();
    await remove.click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("There is no policy").waitFor();
  });
});

async function makePolicy(page: Page): Promise<void> {
  await page.getByRole("button", { name: "New policy" }).click();
  const dialog = page.getByRole("dialog", { name: "New policy" });
  const make = dialog.getByRole("button", { name: "New policy" });
  await dialog.getByText("Give it a name.").waitFor();
  assert.equal(await make.isDisabled(), true);
  await dialog.getByLabel("Name").fill("gold");
  await dialog.getByLabel("A snapshot every so many hours").fill("6");
  await dialog.getByLabel("Full snapshots").selectOption("after");
  await dialog.getByLabel("Incremental ones in between").fill("12");
  await dialog.getByLabel("What is kept").selectOption("days");
  await dialog.getByLabel("How many of them").fill("90");
  await dialog.getByText(/has, in \d+ days, 36\d snapshots; the oldest is then 90 days old/).waitFor();
  await assertGood(page);
  await make.click();
  await dialog.waitFor({ state: "detached" });
}

async function givePolicy(page: Page, isGiven: boolean): Promise<void> {
  await page.getByRole("button", { name: "Projects: gold" }).click();
  const dialog = page.getByRole("dialog", { name: "Who may choose gold" });
  await dialog.getByLabel("Find a project").fill("DEM");
  const box = dialog.getByRole("checkbox", { name: "demo" });
  await box.setChecked(isGiven);
  await assertGood(page);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
}

test("a schedule is tried before anybody has it: what it keeps, by which rule, and why", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Retention simulator");
    await page.getByLabel("For so many days").fill("90");
    await page.getByLabel("Time zone").selectOption("Europe/Rome");
    await page.getByLabel("Monthly ones kept").fill("");
    await page.getByText(/^3\d\d snapshots will be taken by .*\. \d\d of them will be there then/).waitFor();
    const lanes = page.getByRole("figure", { name: "What is kept, along time" });
    await lanes.getByText("Weekly: 4 snapshots").waitFor();
    assert.equal(await lanes.getByText(/Monthly/).count(), 0);
    const kept = tableOf(page, "Snapshots that are kept");
    await kept.getByRole("row", { name: /weekly \d{4}-W\d\d \(4 of 4\)/ }).waitFor();
    await assertGood(page);
    await page.getByLabel("Daily ones kept").fill("");
    await page.getByText("Weekly and monthly ones are chosen from daily ones").waitFor();
    await page.getByLabel("Rhythm").selectOption("An interval");
    await page.getByLabel("A snapshot every so many hours").fill("12");
    await page.getByLabel("How many of them").fill("60");
    await page.getByText(/^1(79|80) snapshots will be taken by .*\. 60 of them will be there then/).waitFor();
    assert.equal(await kept.getByRole("row").count(), 41);
    await page.getByRole("button", { name: "Show all 60" }).click();
    assert.equal(await kept.getByRole("row").count(), 61);
    await kept.getByRole("row", { name: /one of the newest \(60 of 60\)/ }).waitFor();
  });
});

test("all schedules are stopped after a question that says what it means, and started again", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Schedules");
    await assertGood(page);
    await page.getByRole("button", { name: "Stop all schedules" }).click();
    const dialog = page.getByRole("dialog", { name: "Stop the schedules of the whole cloud" });
    await dialog.getByText(/What is missed meanwhile is not made up for/).waitFor();
    await assertGood(page);
    await dialog.getByRole("button", { name: "Stop all schedules" }).click();
    await page.getByText("No scheduled snapshot begins in the whole cloud").waitFor();
    await enter(page, "Service status");
    await page.getByText("Switched off").waitFor();
    await enter(page, "Schedules");
    await page.getByRole("button", { name: "Start all schedules" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Start all schedules" }).click();
    await page.getByText("Workloads take their snapshots by their schedules").waitFor();
  });
});

test("the mail server is set, its password never comes back, and a test mail goes out by it", async (t) => {
  await explained(t, tree, async () => {
    await using mails = await startTestMailServer();
    const { page } = root;
    await enter(page, "E-mail");
    await page.getByRole("button", { name: "Send a test mail" }).click();
    await page.getByRole("alert").getByText("The setting smtp_server_name is not set.").waitFor();
    await page.getByRole("textbox", { name: "Server", exact: true }).fill("127.0.0.1");
    await page.getByLabel("Port").fill(String(mails.port));
    await page.getByLabel("Sender").fill("backup@example.org");
    await page.getByLabel("Recipients without").fill("operators@example.org");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The settings are saved").waitFor();
    await page.getByRole("button", { name: "Send a test mail" }).click();
    await page.getByText("The mail server took the mail to operators@example.org").waitFor();
    assert.match(mails.mails[0]?.data ?? "", /^Subject: Testing email configuration/m);
    await secretField(page, "Password").fill("hush-hush");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("One is kept").waitFor();
    await page.reload();
    await page.getByText("One is kept").waitFor();
    assert.equal(await secretField(page, "Password").inputValue(), "");
    assert.equal(await page.getByLabel("Port").inputValue(), String(mails.port));
    await assertGood(page);
  });
});

test("a webhook is made, tried, changed and deleted; its secret is shown once", async (t) => {
  await explained(t, tree, async () => {
    await using receiver = await startTestReceiver();
    const { page } = root;
    await enter(page, "Webhooks and notices");
    await page.getByText("There is no webhook").waitFor();
    const secret = await makeWebhook(page, receiver.url);
    const row = tableOf(page, "Webhooks").getByRole("row", { name: /chat/ });
    await row.getByText("Snapshot failed, Restore failed").waitFor();
    await row.getByText("all projects").waitFor();
    await page.getByRole("button", { name: "Test: chat" }).click();
    const trial = page.getByRole("dialog", { name: "Test the webhook chat" });
    await trial.getByRole("button", { name: "Send the test" }).click();
    await trial.getByText("Sent").waitFor();
    assert.equal(receiver.requests.length, 1);
    assert.match(receiver.requests[0]?.headers["webhook-signature"] ?? "", /^v1,/);
    await assertGood(page);
    await trial.getByRole("button", { name: "Done" }).click();
    await tableOf(page, "What was sent in the last two weeks")
      .getByRole("row", { name: /Test admin 127\.0\.0\.1.*Sent/ })
      .waitFor();
    await page.reload();
    await row.waitFor();
    assert.equal(await page.getByText(secret).count(), 0, "the secret is shown once");
    assert.equal(await page.getByRole("textbox", { name: "Secret" }).count(), 0);
    await page.getByRole("button", { name: "Change: chat" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("checkbox", { name: "Switched on" }).uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await row.getByText("Off").waitFor();
    await page.getByRole("button", { name: "Delete: chat" }).click();
    await dialog.getByText(`Nothing more is sent to ${receiver.url}`).waitFor();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("There is no webhook").waitFor();
  });
});

/** Makes the webhook `chat`, for failures of all projects; its secret. */
async function makeWebhook(page: Page, url: string): Promise<string> {
  await page.getByRole("button", { name: "New webhook" }).click();
  const dialog = page.getByRole("dialog", { name: "New webhook" });
  await dialog.getByText("Give it a name.").waitFor();
  await dialog.getByLabel("Name").fill("chat");
  await dialog.getByLabel("Address").fill(url);
  for (const event of ["Snapshot taken", "Snapshot cancelled", "Restore done", "Restore cancelled"]) {
    await dialog.getByRole("checkbox", { name: event }).uncheck();
  }
  await dialog.getByRole("checkbox", { name: "Quota nearly used" }).uncheck();
  await dialog.getByRole("checkbox", { name: "All projects" }).check();
  await assertGood(page);
  await dialog.getByRole("button", { name: "New webhook" }).click();
  const field = page.getByRole("textbox", { name: "Secret" });
  const secret = await field.inputValue();
  assert.match(secret, /^whsec_/);
  await assertGood(page);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await field.waitFor({ state: "detached" });
  return secret;
}

test("the audit log is narrowed, and found to be whole", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Audit log");
    const table = tableOf(page, "Audit log");
    await table
      .getByRole("row", { name: /admin .*Accepted/ })
      .first()
      .waitFor();
    await assertGood(page);
    await page.getByRole("searchbox", { name: /Action/ }).fill("workload:policy_create");
    await table
      .getByRole("row", { name: /workload:email_test/ })
      .first()
      .waitFor({ state: "detached" });
    await table.getByRole("row", { name: /workload:policy_create .*gold/ }).waitFor();
    await table.getByRole("button", { name: "Details: workload:policy_create gold" }).click();
    const dialog = page.getByRole("dialog", { name: "An entry of the audit log" });
    await dialog.getByText(/^req-/).waitFor();
    await assertGood(page);
    await page.keyboard.press("Escape");
    const audit = await downloaded(page, "Download as CSV: Audit log");
    assert.match(audit[0] ?? "", /^\uFEFFPosition,Timestamp,UserName,/);
    assert.equal(audit.length, 2, "the one entry that the list is narrowed to");
    assert.match(audit[1] ?? "", /,admin,.*,workload:policy_create,.*gold/);
    await page.getByLabel("Outcome").selectOption("refused");
    await page.getByText("There is no such entry").waitFor();
    await page.getByRole("button", { name: "Check the log" }).click();
    await page.getByText(/sealed entries are as they were written/).waitFor();
  });
});

/** The lines of a file that a button downloads. */
async function downloaded(page: Page, button: string): Promise<readonly string[]> {
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  const path = await (await coming).path();
  return (await readFile(path, "utf8")).trimEnd().split("\r\n");
}

test("usage tells what each project takes, and what that costs at a price", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Usage and cost");
    const row = tableOf(page, "By project").getByRole("row", { name: /demo/ });
    await row.getByText("2 of 3").waitFor();
    assert.match(await row.innerText(), /0\.00$/);
    await page.getByLabel("Price for a stored GiB").fill("1000");
    await row
      .getByText(/^\d+\.\d\d$/)
      .filter({ hasNotText: "0.00" })
      .waitFor();
    const [, ...lines] = await downloaded(page, "Download as CSV: By project");
    const line = lines.find((each) => each.startsWith("demo,"));
    const [, , some, all, , , full, more, stored, cost] = line?.split(",") ?? [];
    assert.deepEqual([some, all], ["2", "3"]);
    assert.equal(Number(full) + Number(more), Number(stored));
    assert.ok(Math.abs((Number(stored) / 1024 ** 3) * 1000 - Number(cost)) < 0.01, line);
    const instances = await downloaded(page, "Download as CSV: By protected instance");
    assert.ok(
      instances.some((each) => each.startsWith("web,demo,shop,")),
      instances.join("\n"),
    );
    await tableOf(page, "By protected instance")
      .getByRole("row", { name: /web demo shop/ })
      .waitFor();
    await assertGood(page);
  });
});

test("a project's limit is set and lifted", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Quotas");
    await page.getByRole("main").getByLabel("Project").selectOption("demo");
    const row = tableOf(page, "Quotas").getByRole("row", { name: /Workloads/ });
    await row.getByRole("button", { name: "Set a limit: Workloads" }).click();
    const dialog = page.getByRole("dialog", { name: "Set a limit: Workloads" });
    await dialog.getByLabel("Limit").fill("5");
    await dialog.getByLabel("Warns from").fill("6");
    await dialog.getByText("It must warn at the limit at the latest").waitFor();
    await dialog.getByLabel("Warns from").fill("1");
    await assertGood(page);
    await dialog.getByRole("button", { name: "Set a limit" }).click();
    await row.getByText("Near its limit").waitFor();
    await assertGood(page);
    await row.getByRole("button", { name: "Lift: Workloads" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Lift" }).click();
    await row.getByText("none").waitFor();
    assert.equal(await row.getByText("Near its limit").count(), 0);
  });
});

test("engines look for forgotten workloads and for orphans when they are asked to", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "Orphans");
    const look = page.getByRole("button", { name: "Look on the targets" });
    await look.first().click();
    await page.getByText("every workload on the targets is known here").waitFor();
    await look.last().click();
    await page.getByText("every workload on the targets has its owner").waitFor();
    await assertGood(page);
  });
});

test("what runs here is told with its versions and its licence", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    await enter(page, "About");
    await page.getByText("Apache License 2.0").waitFor();
    await page.getByText(/^Engine \d/).waitFor();
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
    for (const room of OPERATOR_ROOMS) {
      await page.goto(`${tree.embedded.apiUrl}/console/#!/operator/${room}`);
      await page.getByRole("alert").getByText("You may not see this").waitFor();
      assert.equal(await page.getByRole("table").count(), 0, room);
    }
    await assertGood(page);
  });
});

test("a workload that was forgotten is imported again, with its snapshots", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    const params = { workload_id: world.ledger };
    const before = await tree.api.listSnapshots({ query: params });
    await tree.api.deleteWorkload({ params, query: { database_only: true } });
    await whenIdle(tree);
    await assert.rejects(tree.api.showWorkload({ params }), { status: 404 });
    await enter(page, "Orphans");
    await page.getByRole("button", { name: "Look on the targets" }).first().click();
    const row = tableOf(page, "Workloads that this service has forgotten").getByRole("row", {
      name: /ledger demo not known here db/,
    });
    await row.getByRole("button", { name: "Import: ledger" }).click();
    const dialog = page.getByRole("dialog", { name: "Import the workload ledger" });
    await dialog.getByText("The workload and its snapshots appear in its project again").waitFor();
    await assertGood(page);
    await dialog.getByRole("button", { name: "Import" }).click();
    await page.getByText("every workload on the targets is known here").waitFor();
    const good = before.snapshots.filter(({ status }) => status === "available").map(({ id }) => id);
    const { snapshots } = await tree.api.listSnapshots({ query: params });
    assert.deepEqual(
      snapshots.map(({ id }) => id),
      good,
    );
  });
});

test("a workload whose owner left the cloud is given to somebody who is there", async (t) => {
  await explained(t, tree, async () => {
    const { page } = root;
    const id = await makeOrphan();
    const [project, user] = [await tree.cloud.projectId(), await tree.cloud.userId()];
    await enter(page, "Orphans");
    await page.getByRole("button", { name: "Look on the targets" }).last().click();
    await tableOf(page, "Workloads without an owner")
      .getByRole("row", { name: /left demo its user is gone left 1 / })
      .waitFor();
    const map = page.getByRole("main");
    const give = map.getByRole("button", { name: "Give them away" });
    await map.getByText("Name a project and a user first.").waitFor();
    assert.equal(await give.isDisabled(), true);
    const group = map.getByRole("group", { name: "Of the project demo" });
    await group.getByLabel("New project").selectOption("demo");
    await map.getByText("Where there is a project, name a user").waitFor();
    await group.getByLabel("New user").fill("nobody-here");
    await group.getByLabel("left").uncheck();
    await map.getByText("Name a project and a user first.").waitFor();
    await group.getByLabel("left").check();
    await assertGood(page);
    await give.click();
    const dialog = page.getByRole("dialog", { name: "Give away 1 workload" });
    await dialog.getByRole("button", { name: "Give them away" }).click();
    await dialog
      .getByRole("alert")
      .getByText(/nobody-here/)
      .waitFor();
    await assertGood(page);
    await page.keyboard.press("Escape");
    await group.getByLabel("New user").fill(user);
    await give.click();
    await dialog.getByRole("button", { name: "Give them away" }).click();
    await page.getByText("every workload on the targets has its owner").waitFor();
    const { workload } = await tree.api.showWorkload({ params: { workload_id: id } });
    assert.deepEqual([workload.user_id, workload.project_id], [user, project]);
  });
});

/** The workload `left` of a member of the project whom the cloud does not know any more. */
async function makeOrphan(): Promise<string> {
  const leaver = await tree.embedded.cloud("other", "other").userId();
  const project = await tree.cloud.projectId();
  const { roles } = (await keystone("GET", "/roles?name=member")) as {
    readonly roles: readonly { readonly id: string }[];
  };
  await keystone("PUT", `/projects/${project}/users/${leaver}/roles/${roles[0]?.id ?? ""}`);
  const cloud = tree.embedded.cloud("other", "demo");
  const theirs = { ...tree, cloud, api: await apiOf(tree.embedded, cloud) };
  const instance = await bootFromImage(theirs, "left", "az1");
  const id = await makeWorkload(theirs, "left", [instance.id]);
  await takeSnapshot(theirs, id);
  await keystone("DELETE", `/users/${leaver}`);
  return id;
}

/** What an administrator asks of Keystone. */
async function keystone(method: string, path: string): Promise<unknown> {
  const token = await tree.embedded.cloud("admin", "admin").token();
  const response = await fetch(`${tree.embedded.authUrl}${path}`, {
    method,
    headers: { "x-auth-token": token.value.reveal() },
  });
  assert.ok(response.ok, `${method} ${path}: ${String(response.status)}`);
  return response.status === 204 ? undefined : response.json();
}

test("no script failed, and nothing was stopped by the pages' own policy", () => {
  assert.deepEqual(root.complaints, []);
});
