import axe from "axe-core";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import type { Tree } from "./tree.ts";

/** Debian's browser: nothing is fetched that the packages of the distribution do not bring. */
const CHROMIUM = "/usr/bin/chromium";
/** The rules of WCAG 2.0 to 2.2, levels A and AA. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** How long something may take to be seen. */
const SEEN_MS = 15_000;

export const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** A real browser without a window. */
export async function openBrowser(): Promise<Browser> {
  // Its own sandbox needs another account than root; what it is shown here is ours.
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** Somebody's window, and what its pages complained about. */
export interface Window extends AsyncDisposable {
  readonly page: Page;
  /** Errors of scripts, and what the content security policy stopped. */
  readonly complaints: readonly string[];
}

export interface WindowOptions {
  readonly size?: keyof typeof SIZES;
  readonly scheme?: "light" | "dark";
  readonly language?: string;
}

/** A window with nothing of the others: no cookie, no memory. */
export async function openWindow(browser: Browser, options: WindowOptions = {}): Promise<Window> {
  const context = await browser.newContext({
    viewport: SIZES[options.size ?? "wide"],
    colorScheme: options.scheme ?? "light",
    locale: options.language ?? "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(SEEN_MS);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (/Content Security Policy|React|bug:/.test(text)) complaints.push(text);
  });
  return { page, complaints, [Symbol.asyncDispose]: async () => context.close() };
}

/** The field of a secret; by ARIA it has no role, and another control may have the same name. */
export function secretField(page: Page, label: string): Locator {
  return page.getByLabel(label).and(page.locator("input[type='password']"));
}

/** Signs in with a password, as a person does, and waits for the first page. */
export async function signIn(page: Page, { embedded }: Tree, user: string): Promise<void> {
  await page.goto(`${embedded.apiUrl}/console/`);
  await page.getByLabel("User name").fill(user);
  await secretField(page, "Password").fill(`${user}-secret`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: unknown; readonly failureSummary?: string }[];
}

/** What of a page, or of one element of it, breaks a rule of accessibility, as sentences. */
export async function violations(page: Page, within?: string): Promise<string[]> {
  await page.evaluate(axe.source);
  const options = JSON.stringify({ runOnly: RULES });
  const where = within === undefined ? "document" : JSON.stringify(within);
  const report = await page.evaluate<{ violations: readonly Violation[] }>(`axe.run(${where}, ${options})`);
  return report.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${JSON.stringify(node.target)} ${node.failureSummary ?? ""}`),
  );
}

/** Whether a page is wider than its window, so that it must be pushed to and fro to be read. */
export async function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
}
