import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { isTooWide, violations } from "./browser.ts";
import type { Tree } from "./tree.ts";

/** Opens a page of the console by its address, and waits for its heading. */
export async function go(
  page: Page,
  { embedded }: Tree,
  fragment: string,
  heading: string | RegExp,
): Promise<void> {
  await page.goto(`${embedded.apiUrl}/console/#!/${fragment}`);
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
}

/** No rule of accessibility is broken, in both schemes, and a phone need not scroll sideways. */
export async function assertGood(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await violations(page), [], colorScheme);
  }
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize() ?? { width: 1440, height: 900 };
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await isTooWide(page), false, "on a phone");
  await page.setViewportSize(size);
}
