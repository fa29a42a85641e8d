import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openWindow, signIn, violations, type Window } from "./browser.ts";
import { type ConsoleWorld, makeConsoleWorld } from "./console-world.ts";
import {
  type Dashboard,
  NO_HORIZON,
  runPluginTests,
  startDashboard,
  unpackPlugin,
} from "./horizon-dashboard.ts";
import { enterHorizon, entryOf, looksOfConsole, looksOfHorizon, openPanel, PANELS } from "./horizon-tour.ts";
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

test("an administrator has the service's pages in Horizon's part for administrators", SKIP, async (t) => {
  await explained(t, tree, async () => {
    await using window = await openWindow(browser);
    const { page } = window;
    await enter(page, "admin");
    await openPanel(page, "admin", "Service status");
    assert.match(page.url(), /#!\/operator$/);
    assert.deepEqual(await violations(page, "#cairn-root"), []);
    assert.deepEqual(window.complaints, []);
  });
});
