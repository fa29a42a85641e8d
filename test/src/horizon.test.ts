import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openWindow, signIn, violations, type Window } from "./browser.ts";
import { HOSTS, makeFilesWorld, READ_MS } from "./console-files.ts";
import { OPERATOR_ROOMS } from "./console-operator-world.ts";
import { type ConsoleWorld, makeConsoleWorld } from "./console-world.ts";
import {
  type Dashboard,
  NO_HORIZON,
  runPluginTests,
  startDashboard,
  unpackPlugin,
} from "./horizon-dashboard.ts";
import {
  enterHorizon,
  entryOf,
  isHorizonCovered,
  looksOfConsole,
  looksOfHorizon,
  openPanel,
  PANELS,
  whenRead,
} from "./horizon-tour.ts";
import { whenIdle } from "./job.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

/*
 * The plugin, as its wheel has it, in the real Horizon of the distribution, before the sandbox's Keystone:
 * in a real browser, as a member and as an administrator. The tests follow each other.
 */

const SKIP = { skip: NO_HORIZON };
const TAKEN_MS = 15_000;

let folder: string;
let env: Record<string, string>;
let tree: Tree;
let world: ConsoleWorld;
let dashboard: Dashboard;
let browser: Browser;
let member: Window;

before(async () => {
  if (NO_HORIZON !== false) return;
  folder = await mkdtemp("/var/tmp/cairn-horizon-");
  [env, tree, browser] = await Promise.all([unpackPlugin(folder), startTree(), openBrowser()]);
  world = await makeConsoleWorld(tree);
  dashboard = await startDashboard(env, tree.embedded.authUrl);
  member = await openWindow(browser);
});

after(async () => {
  if (NO_HORIZON !== false) return;
  await browser.close();
  await dashboard[Symbol.asyncDispose]();
  await tree.close();
  await rm(folder, { recursive: true, force: true });
});

async function enter(page: Page, user: string): Promise<void> {
  await page.goto(`${dashboard.url}/`);
  await enterHorizon(page, { user, password: `${user}-secret` });
}

test("the plugin's own tests hold in this Horizon", SKIP, async () => {
  assert.match(await runPluginTests(env), /^Ran \d+ tests[^]*^OK$/m);
});

test(
  "a member finds the project's backups in the menu, and neither a token nor a second sign-in",
  SKIP,
  async (t) => {
    await explained(t, tree, async () => {
      const { page } = member;
      await enter(page, "demo");
      assert.deepEqual(
        [await entryOf(page, "project").count(), await entryOf(page, "admin").count()],
        [1, 0],
      );
      await openPanel(page, "project", "Overview");
      await page.getByText("2 of 3").waitFor();
      assert.equal(await page.getByRole("button", { name: /Account and appearance/ }).count(), 0);
      assert.doesNotMatch(await page.content(), /gAAAA|cairn_session/);
      assert.deepEqual(await violations(page, "#cairn-root"), []);
      const refused = await page.request.get(`${dashboard.url}/${PANELS.admin}`);
      assert.equal(refused.status(), 403);
    });
  },
);

test(
  "nothing of the console's styles reaches Horizon, and nothing of Horizon's the console",
  SKIP,
  async (t) => {
    await explained(t, tree, async () => {
      const { page } = member;
      const embedded = { horizon: await looksOfHorizon(page), console: await looksOfConsole(page) };
      await page.goto(`${dashboard.url}/project/api_access/`);
      assert.deepEqual(embedded.horizon, await looksOfHorizon(page));
      await using alone = await openWindow(browser);
      await signIn(alone.page, tree, "demo");
      assert.deepEqual(embedded.console, await looksOfConsole(alone.page));
    });
  },
);

test("a snapshot is taken through Horizon, which asks for its token against forgery", SKIP, async (t) => {
  await explained(t, tree, async () => {
    const { page } = member;
    await openPanel(page, "project", "Overview");
    await page.getByRole("link", { name: "shop" }).first().click();
    await page.getByRole("heading", { level: 1, name: "shop" }).waitFor();
    const list = async () =>
      (await tree.api.listSnapshots({ query: { workload_id: world.shop } })).snapshots.length;
    const former = await list();
    await page.getByRole("button", { name: "Take a snapshot", exact: true }).click();
    await until("the snapshot", TAKEN_MS, async () => ((await list()) > former ? true : undefined));
    await whenIdle(tree);
  });
});

test("Horizon's language and time zone are the console's", SKIP, async (t) => {
  await explained(t, tree, async () => {
    const { page } = member;
    const chosen = { horizon_language: "de", django_language: "de", django_timezone: "Asia/Tokyo" };
    const cookies = Object.entries(chosen).map(([name, value]) => ({ name, value, url: dashboard.url }));
    await page.context().addCookies(cookies);
    await page.goto(`${dashboard.url}/${PANELS.project}`);
    await page.getByRole("heading", { level: 1, name: "Überblick" }).waitFor();
    await page.locator("#sidebar").getByText("Sicherungen", { exact: true }).waitFor();
    await page.getByText("Asia/Tokyo").waitFor();
    for (const name of Object.keys(chosen)) await page.context().clearCookies({ name });
    // The next address differs in its fragment alone: the page would stay as it is.
    await page.goto("about:blank");
  });
});

test("when Horizon's session has ended one signs in there and is back on the page", SKIP, async (t) => {
  await explained(t, tree, async () => {
    const { page } = member;
    await page.goto(`${dashboard.url}/${PANELS.project}#!/workloads/${world.shop}`);
    await page.getByRole("heading", { level: 1, name: "shop" }).waitFor();
    await page.context().clearCookies({ name: "sessionid" });
    await page.getByRole("link", { name: "Overview" }).last().click();
    await page.locator("#id_username").waitFor();
    await enterHorizon(page, { user: "demo", password: "demo-secret" });
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    assert.deepEqual(member.complaints, []);
  });
});

test("an administrator reads and changes all of the service's pages through Horizon", SKIP, async (t) => {
  await explained(t, tree, async () => {
    await using window = await openWindow(browser);
    const { page } = window;
    await enter(page, "admin");
    await openPanel(page, "admin", "Service status");
    assert.match(page.url(), /#!\/operator$/);
    assert.deepEqual(await violations(page, "#cairn-root"), []);
    await readAll(page);
    await limitWorkloads(page);
    await page.getByRole("link", { name: "E-mail", exact: true }).click();
    await page.getByRole("button", { name: "Send a test mail" }).click();
    await page.getByRole("alert").getByText("The setting smtp_server_name is not set.").waitFor();
    assert.deepEqual(window.complaints, []);
  });
});

/** Opens each page of the operation by its link; none is refused or fails. */
async function readAll(page: Page): Promise<void> {
  const links = page.getByRole("navigation", { name: "Pages of the operation" }).getByRole("link");
  const titles = await links.allInnerTexts();
  assert.equal(titles.length, OPERATOR_ROOMS.length);
  for (const title of titles) {
    await links.getByText(title, { exact: true }).click();
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    await whenRead(page);
    assert.deepEqual(await page.locator("#cairn-root").getByRole("alert").allInnerTexts(), [], title);
  }
}

/** Sets a limit, changes it and lifts it; what asks for it lies above all of Horizon. */
async function limitWorkloads(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Quotas", exact: true }).click();
  await page.locator("#cairn-root").getByLabel("Project").selectOption("demo");
  const row = page.getByRole("table", { name: "Quotas" }).getByRole("row", { name: /Workloads/ });
  const dialog = page.getByRole("dialog");
  for (const limit of ["5", "6"]) {
    await row.getByRole("button", { name: "Set a limit: Workloads" }).click();
    await dialog.getByLabel("Limit").fill(limit);
    assert.equal(await isHorizonCovered(page), true);
    await dialog.getByRole("button", { name: "Set a limit" }).click();
    await dialog.waitFor({ state: "detached" });
    await row.getByRole("cell", { name: limit, exact: true }).waitFor();
  }
  assert.equal(await isHorizonCovered(page), false);
  await row.getByRole("button", { name: "Lift: Workloads" }).click();
  await dialog.getByRole("button", { name: "Lift" }).click();
  await row.getByText("none").waitFor();
}

/** A server that sends the half of a file and hangs up. */
async function startHalfFile(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": HOSTS.length });
    response.write(HOSTS.slice(0, HOSTS.length / 2), () => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test(
  "a member searches files through Horizon, and downloads one byte for byte or not at all",
  SKIP,
  async (t) => {
    await explained(t, tree, async () => {
      await makeFilesWorld(tree);
      const { page } = member;
      await openPanel(page, "project", "Overview");
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Files" }).click();
      await page.getByLabel("Instance").selectOption("ledger");
      await page.getByLabel("Path").fill("/etc/host*");
      await page.getByRole("button", { name: "Search" }).click();
      const button = page.getByRole("button", { name: "Download /etc/hosts" });
      await button.waitFor({ timeout: READ_MS });
      await using half = await startHalfFile();
      await page.route("**/files/content?*", async (route) => route.continue({ url: half.url }));
      await button.click();
      await page.getByRole("alert").getByText("The service does not answer").waitFor();
      await page.unroute("**/files/content?*");
      const [download] = await Promise.all([
        page.waitForEvent("download", { timeout: READ_MS }),
        button.click(),
      ]);
      assert.equal(download.suggestedFilename(), "hosts");
      assert.equal(await readFile(await download.path(), "utf8"), HOSTS);
      assert.deepEqual(member.complaints, []);
    });
  },
);
