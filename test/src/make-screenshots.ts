import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { openBrowser, openWindow, SIZES, signIn } from "./browser.ts";
import { makeOperatorWorld, OPERATOR_ROOMS } from "./console-operator-world.ts";
import { fillDisk, makeConsoleWorld } from "./console-world.ts";
import { beginRestore, endOfRestore, restoreOptions, takeSnapshot } from "./job.ts";
import { startTree } from "./tree.ts";

/*
 * Pictures of every page of the console, wide and on a phone, light and dark, from a running system: to be
 * looked at. They go into the folder that is named, or `.cairn/screenshots`.
 */

const { positionals } = parseArgs({ allowPositionals: true });
const folder = resolve(positionals[0] ?? join(import.meta.dirname, "../../.cairn/screenshots"));
await mkdir(folder, { recursive: true });
const tree = await startTree({ ownPostgres: true });
const browser = await openBrowser();

/** The name of a picture, and the address of its page. */
type Place = readonly [name: string, fragment: string];

async function pages(): Promise<readonly Place[]> {
  const { shop, ledger } = world;
  const good = await takeSnapshot(tree, shop);
  await takeSnapshot(tree, shop, true);
  const copy = { id: world.shopInstance.id, include: true, name: "web-copy" };
  const restore = await endOfRestore(
    tree,
    await beginRestore(tree, good.id, restoreOptions("selective", [copy])),
  );
  return [
    ["overview", ""],
    ["workloads", "workloads"],
    ["workloads-none", "workloads?name=nobody"],
    ["workload-failing", `workloads/${ledger}`],
    ["workload", `workloads/${shop}`],
    ["snapshot", `snapshots/${good.id}`],
    ["new-workload", "new-workload"],
    ["modify-workload", `workloads/${ledger}/modify`],
    ["files", "files"],
    ["project", "project"],
    ["restoring-one-click", `snapshots/${good.id}/restore/oneclick`],
    ["restoring-selective", `snapshots/${good.id}/restore/selective`],
    ["restoring-in-place", `snapshots/${good.id}/restore/inplace`],
    ["restore", `restores/${restore.id}`],
    ["absent", "workloads/nobody-made-this"],
  ];
}

async function show(page: Page, fragment: string): Promise<void> {
  await page.goto(`${tree.embedded.apiUrl}/console/#!/${fragment}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  // What is on its way has a role of its own, and is gone when all is there.
  await page.getByRole("status", { name: "Loading" }).first().waitFor({ state: "detached" });
}

async function picture(page: Page, name: string): Promise<void> {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, fullPage: true, animations: "disabled" });
  process.stdout.write(`${path}\n`);
}

/** What somebody does on a page before it shows what it is for. */
const PREPARED: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "restoring-one-click": async (page) => page.getByText("Stops it").first().waitFor(),
  "restoring-selective": async (page) => page.getByText("Nothing stands in the way").waitFor(),
  "restoring-in-place": async (page) => {
    await page.getByRole("checkbox").first().check();
    await page.getByText("Nothing stands in the way").waitFor();
  },
};

const world = await makeConsoleWorld(tree);
try {
  const places = await pages();
  for (const size of ["wide", "phone"] as const) {
    for (const scheme of ["light", "dark"] as const) await pictures(places, { size, scheme });
  }
  await makeOperatorWorld(tree);
  for (const size of ["wide", "phone"] as const) {
    for (const scheme of ["light", "dark"] as const) await operatorPictures({ size, scheme });
  }
} finally {
  await browser.close();
  await tree.close();
}

interface Look {
  readonly size: keyof typeof SIZES;
  readonly scheme: "light" | "dark";
}

/** The pages for operators in one size and scheme, and a dialog. */
async function operatorPictures({ size, scheme }: Look): Promise<void> {
  await using window = await openWindow(browser, { size, scheme });
  const { page } = window;
  const suffix = `${String(SIZES[size].width)}-${scheme}`;
  await signIn(page, tree, "admin");
  const project = await tree.cloud.projectId();
  for (const room of OPERATOR_ROOMS) {
    await show(page, `operator/${room}${room === "quotas" ? `?project=${project}` : ""}`);
    await picture(page, `operator-${room}-${suffix}`);
  }
  await show(page, "operator/policies");
  await page.getByRole("button", { name: "New policy" }).click();
  await page.getByRole("dialog").waitFor();
  await picture(page, `operator-policy-${suffix}`);
}

/** All pages in one size and scheme. */
async function pictures(places: readonly Place[], { size, scheme }: Look): Promise<void> {
  await using window = await openWindow(browser, { size, scheme });
  const { page } = window;
  const suffix = `${String(SIZES[size].width)}-${scheme}`;
  await page.goto(`${tree.embedded.apiUrl}/console/`);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await picture(page, `sign-in-${suffix}`);
  await signIn(page, tree, "demo");
  for (const [name, fragment] of places) {
    await show(page, fragment);
    await PREPARED[name]?.(page);
    await picture(page, `${name}-${suffix}`);
  }
  await picturesOfForm(page, suffix);
  await page.getByRole("button", { name: "Account and appearance" }).click();
  await page.getByLabel("Appearance", { exact: true }).waitFor();
  await picture(page, `account-${suffix}`);
  await page.keyboard.press("Escape");
  await pictureOfDeletion(page, places, suffix);
  await pictureOfRunning(page, suffix);
}

/** The steps of the form that makes a workload, and what asks before one is deleted. */
async function picturesOfForm(page: Page, suffix: string): Promise<void> {
  await show(page, "new-workload");
  await page.getByRole("checkbox", { name: "Choose: spare" }).check();
  const next = page.getByRole("button", { name: "Next" });
  await next.click();
  await page.getByText("this will have kept").waitFor();
  await picture(page, `new-workload-schedule-${suffix}`);
  await next.click();
  await picture(page, `new-workload-storage-${suffix}`);
  await next.click();
  await page.getByLabel("Name").fill("spare parts");
  await next.click();
  await picture(page, `new-workload-summary-${suffix}`);
  await show(page, `workloads/${world.ledger}`);
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByRole("dialog").waitFor();
  await picture(page, `workload-deletion-${suffix}`);
  await page.keyboard.press("Escape");
}

/** What is asked before a snapshot is deleted. */
async function pictureOfDeletion(page: Page, places: readonly Place[], suffix: string): Promise<void> {
  const [, fragment = ""] = places.find(([name]) => name === "snapshot") ?? [];
  await show(page, fragment);
  await page.getByRole("button", { name: "Delete this snapshot" }).click();
  await page.getByRole("dialog").getByText("This is lost for good").waitFor();
  await picture(page, `snapshot-deletion-${suffix}`);
  await page.keyboard.press("Escape");
}

/** While a snapshot goes on: how far each disk is. */
async function pictureOfRunning(page: Page, suffix: string): Promise<void> {
  // New data, or there is little to do.
  await fillDisk(tree, world.shopInstance);
  await show(page, `workloads/${world.shop}`);
  await page.getByRole("button", { name: "Take a snapshot" }).click();
  await page.getByRole("progressbar").first().waitFor();
  await picture(page, `workload-running-${suffix}`);
  await page.getByRole("heading", { name: "Snapshot in progress" }).waitFor({ state: "detached" });
}
