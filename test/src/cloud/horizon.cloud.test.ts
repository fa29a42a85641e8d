import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { type BootedInstance, bootInstance, loseInstance } from "@cairn/embedded";
import { newId } from "@cairn/kernel";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openWindow, violations } from "../browser.ts";
import { enterHorizon, entryOf, looksOfHorizon, openPanel, PANELS } from "../horizon-tour.ts";
import { makeWorkload, whenIdle } from "../job.ts";
import { explained } from "../tree.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * The plugin in the Horizon of the test cloud, installed as its Debian package and removed again: a member
 * protects an instance of a real Nova, an administrator looks after the service. Pictures of it are kept. The
 * tests follow each other.
 */

const ROOT = join(import.meta.dirname, "../../..");
const PICTURES = join(ROOT, ".cairn/screenshots");
const MODULES = "/usr/lib/python3/dist-packages";
/** Debian's dashboard makes all its static files anew. */
const INSTALL_MS = 300_000;
const SNAPSHOT_MS = 300_000;

const folder = process.env["CAIRN_TEST_CLOUD"] ?? "";
const horizon = horizonOf(folder);
const SKIP = {
  skip:
    horizon === undefined
      ? `the cloud in ${folder} has no Horizon: ./cairn testcloud up --profile full`
      : false,
};
const name = `horizon-${newId<"instance">().slice(-8)}`;

let tree: CloudTree;
let browser: Browser;
let instance: BootedInstance;
let workload: string;

before(async () => {
  if (horizon === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await plugin("install");
  [tree, browser] = await Promise.all([startCloudTree(folder), openBrowser()]);
  const boot = { kind: "image", imageId: tree.imageId } as const;
  const sample = { name, flavor: "t1.disk", network: "priv", zone: "nova", boot, volumes: [] };
  instance = await bootInstance(tree.cloud, sample, tree.signal);
  workload = await makeWorkload(tree, name, [instance.id]);
});

after(async () => {
  if (horizon === undefined) return;
  await browser.close();
  const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: workload } });
  for (const { id } of snapshots) {
    await tree.api.deleteSnapshot({ params: { snapshot_id: id } });
    await whenIdle(tree);
  }
  await tree.api.deleteWorkload({ params: { workload_id: workload } });
  await whenIdle(tree);
  await loseInstance(tree.cloud, instance, tree.signal);
  await tree.close();
  await plugin("remove");
});

/** Horizon's address, where the cloud has one. */
function horizonOf(cloud: string): string | undefined {
  const file = join(cloud, "access.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { horizon?: string }).horizon;
}

async function plugin(deed: "install" | "remove"): Promise<void> {
  const program = join(ROOT, "testcloud/src/main.ts");
  const words = [program, "horizon", deed, "--folder", folder];
  await promisify(execFile)(process.execPath, words, { timeout: INSTALL_MS });
}

/** Of the clouds' users each may enter the project of the same name. */
async function enter(page: Page, user: "demo" | "admin"): Promise<void> {
  await page.goto(horizon ?? "");
  await enterHorizon(page, { user, password: tree.place.passwords[user] ?? "" });
}

async function picture(page: Page, title: string): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `horizon-${title}.png`), animations: "disabled" });
}

test("a member takes a snapshot of an instance within Horizon, and sees it end well", SKIP, async (t) => {
  await explained(t, tree, async () => {
    await using window = await openWindow(browser);
    const { page } = window;
    await enter(page, "demo");
    assert.equal(await entryOf(page, "admin").count(), 0);
    const native = await looksOfHorizon(page);
    await openPanel(page, "project", "Overview");
    await page
      .getByRole("table", { name: "Instances" })
      .getByRole("row", { name: new RegExp(name) })
      .waitFor();
    assert.deepEqual(await looksOfHorizon(page), native);
    assert.doesNotMatch(await page.content(), /gAAAA/);
    await picture(page, "overview");
    await page.getByRole("link", { name }).first().click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.getByRole("button", { name: "Take a snapshot", exact: true }).click();
    const running = page.getByRole("heading", { name: "Snapshot in progress" });
    await running.waitFor();
    await picture(page, "running");
    await running.waitFor({ state: "detached", timeout: SNAPSHOT_MS });
    const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: workload } });
    assert.deepEqual(
      snapshots.map(({ status }) => status),
      ["available"],
    );
    await picture(page, "workload");
    assert.deepEqual(await violations(page, "#cairn-root"), []);
    assert.deepEqual(window.complaints, []);
  });
});

test("an administrator sees the service in Horizon's part for administrators", SKIP, async (t) => {
  await explained(t, tree, async () => {
    await using window = await openWindow(browser);
    const { page } = window;
    await enter(page, "admin");
    await openPanel(page, "admin", "Service status");
    assert.match(page.url(), /#!\/operator$/);
    await page.getByRole("link", { name: "Nodes" }).waitFor();
    await picture(page, "admin");
    assert.deepEqual(await violations(page, "#cairn-root"), []);
    await openPanel(page, "project", "Overview");
    await picture(page, "admin-project");
    assert.deepEqual(window.complaints, []);
  });
});

test("removed, it leaves nothing in Horizon or on the machine", SKIP, async (t) => {
  await explained(t, tree, async () => {
    await plugin("remove");
    await using window = await openWindow(browser);
    const { page } = window;
    await enter(page, "admin");
    assert.deepEqual([await entryOf(page, "project").count(), await entryOf(page, "admin").count()], [0, 0]);
    const gone = await page.request.get(new URL(PANELS.project, horizon).href);
    assert.equal(gone.status(), 404);
    const enabled = "openstack_dashboard/local/enabled/_9061_cairn_workloads.py";
    const left = [join(MODULES, "cairn_dashboard"), join(MODULES, enabled)].filter((path) =>
      existsSync(path),
    );
    const collected = "/var/lib/openstack-dashboard/static/cairn";
    assert.deepEqual([...left, ...(existsSync(collected) ? [collected] : [])], []);
  });
});
