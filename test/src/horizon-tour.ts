import type { Locator, Page } from "playwright-core";

/** Somebody who may sign in to Horizon. */
export interface Visitor {
  readonly user: string;
  readonly password: string;
}

/** Where the plugin's pages are below Horizon's own address. */
export const PANELS = { project: "project/cairn_workloads/", admin: "admin/cairn_backups_admin/" } as const;
export type Panel = keyof typeof PANELS;

/** Fills in Horizon's own form, and waits until Horizon has let in. */
export async function enterHorizon(page: Page, { user, password }: Visitor): Promise<void> {
  await page.locator("#id_username").fill(user);
  await page.locator("#id_password").fill(password);
  await page.locator("#loginBtn").click();
  await page.locator("#sidebar").waitFor();
}

/** The plugin's entry in Horizon's menu, seen or not. */
export function entryOf(page: Page, panel: Panel): Locator {
  return page.locator(`#sidebar a[href$="/${PANELS[panel]}"]`);
}

/** Opens a page of Horizon's by the address that its menu has, and waits for a heading of the console's. */
export async function openPanel(page: Page, panel: Panel, heading: string | RegExp): Promise<void> {
  const href = await entryOf(page, panel).getAttribute("href");
  await page.goto(new URL(href ?? "", page.url()).href);
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  await whenRead(page);
}

/** Waits until a page of the console has all that it asked for. */
export async function whenRead(page: Page): Promise<void> {
  // What is on its way has a role of its own, and is gone when all is there.
  await page.getByRole("status", { name: "Loading" }).first().waitFor({ state: "detached" });
}

/** Whether the console lies over Horizon's head and menu, as its dialogs are to. */
export async function isHorizonCovered(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(`[".navbar-brand", "#sidebar a"].every((name) => {
    const { left, top, width, height } = document.querySelector(name).getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2).closest("#cairn-root") !== null;
  })`);
}

/** Size, letters and colours of Horizon's own head, menu and ground: what a style that leaks would change. */
export async function looksOfHorizon(page: Page): Promise<unknown> {
  const names = ["body", ".navbar", ".navbar-brand", "#sidebar", "#sidebar a", "#content_body"];
  return page.evaluate(`${JSON.stringify(names)}.map((name) => {
    const element = document.querySelector(name);
    const { fontFamily, fontSize, lineHeight, color, backgroundColor, boxSizing } = getComputedStyle(element);
    const { x, width } = element.getBoundingClientRect();
    return [name, fontFamily, fontSize, lineHeight, color, backgroundColor, boxSizing, x, width];
  })`);
}

/** Letters of the console's overview: what a style of Horizon's that leaks would change. */
export async function looksOfConsole(page: Page): Promise<unknown> {
  await page.getByRole("table", { name: "Instances" }).waitFor();
  return page.evaluate(`(() => {
    const root = document.getElementById("cairn-root").shadowRoot;
    return ["h1", "nav a", "table", "th", "button"].map((name) => {
      const element = root.querySelector(".page " + name) ?? root.querySelector(name);
      const { fontFamily, fontSize, fontWeight, textDecorationLine, boxSizing } = getComputedStyle(element);
      return [name, fontFamily, fontSize, fontWeight, textDecorationLine, boxSizing];
    });
  })()`);
}
