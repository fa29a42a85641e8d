import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type FileResult, runFile } from "./test-child.ts";
import { startTestDatabase } from "./test-database.ts";
import { findTestFiles, type TestFile, type TestPlace } from "./test-files.ts";

/** A run of tests: which, with what, and where its lines go. */
export interface TestRun {
  readonly root: string;
  /** Parts of paths; all files when empty. */
  readonly filters: readonly string[];
  /** The folder of a real cloud's `clouds.yaml`: then only tests that can use it are run, against it. */
  readonly cloudFolder?: string | undefined;
  /** Of those only the short list (see `test-files.ts`). */
  readonly isShort?: boolean;
  /** Runs a file that failed once more, alone: what then passes failed by the load, and is told as such. */
  readonly again?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly limitMs?: number;
}

const FILE_LIMIT_MS = 8 * 60_000;
/** A real cloud on the same machine takes its time. */
const CLOUD_FILE_LIMIT_MS = 60 * 60_000;
const LIMIT_MS: Readonly<Record<TestPlace, number>> = {
  sandbox: FILE_LIMIT_MS,
  cloud: CLOUD_FILE_LIMIT_MS,
  short: FILE_LIMIT_MS,
};
/**
 * The machine of a developer has at least two processors. Tests wait about half of their time: for disks, for
 * timers, for programs that start; so three keep two processors busy.
 */
const FILES_AT_ONCE = 3;
/** More than these do not fail by the load. */
const AGAIN_MAX = 3;

/**
 * Runs test files in processes of their own and tells each as it ends, with its failures and their places,
 * then what failed, and at last one line `N passed, N failed`. A run in which nothing passed has not passed.
 */
export async function runTests(run: TestRun): Promise<"passed" | "failed"> {
  const files = findTestFiles(run.root, run.filters, placeOf(run));
  if (files.length === 0) run.say(`no test file has ${run.filters.join(" or ")} in its path`);
  // Open to others, as PostgreSQL may run as another user.
  const folder = mkdtempSync(join(tmpdir(), "ct-"));
  chmodSync(folder, 0o755);
  try {
    await using database = await startTestDatabase(files, folder, run);
    const results = await runAll(run, files, {
      folder,
      env: {
        // What one process has compiled, all others of the run only read (nodejs.org/api/module.html).
        NODE_COMPILE_CACHE: join(folder, "compiled"),
        ...run.env,
        ...database.env,
        CAIRN_TEST_CLOUD: run.cloudFolder,
      },
    });
    return conclude(run, results);
  } catch (cause) {
    // The set-up failed, or was interrupted; a failing test does not come here.
    run.say(run.signal.aborted ? "interrupted while setting up" : `the set-up failed: ${inspect(cause)}`);
    run.say("0 passed, 1 failed");
    return "failed";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function placeOf({ cloudFolder, isShort }: TestRun): TestPlace {
  if (cloudFolder === undefined) return "sandbox";
  return isShort === true ? "short" : "cloud";
}

async function runAll(
  run: TestRun,
  files: readonly TestFile[],
  place: { readonly folder: string; readonly env: TestRun["env"] },
): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const limitMs = run.limitMs ?? LIMIT_MS[placeOf(run)];
  const width = Math.max(0, ...files.map((file) => file.path.length));
  const one = async (file: TestFile, number: number): Promise<void> => {
    const job = {
      root: run.root,
      path: file.path,
      report: join(place.folder, `${number}.report`),
      env: place.env,
    };
    const result = await runFile({ ...job, limitMs, signal: run.signal });
    // What an interrupted file says is about the interruption.
    if (run.signal.aborted) return;
    results.push(result);
    run.say(summary(result, width));
    tellFailures(run, result);
  };
  const together = [...files.entries()].filter(([, file]) => !file.alone);
  const alone = [...files.entries()].filter(([, file]) => file.alone);
  await drain(together, FILES_AT_ONCE, run.signal, one);
  await drain(alone, 1, run.signal, one);
  const failed = results.filter(({ failures }) => failures.length > 0);
  if (run.again !== true || failed.length > AGAIN_MAX) return results;
  const isFailed = (path: string): boolean => failed.some((each) => each.path === path);
  results.splice(0, Infinity, ...results.filter(({ path }) => !isFailed(path)));
  for (const { path } of failed) run.say(`once more, alone: ${path}`);
  await drain(
    [...files.entries()].filter(([, { path }]) => isFailed(path)),
    1,
    run.signal,
    one,
  );
  return results;
}

async function drain(
  files: readonly (readonly [number, TestFile])[],
  limit: number,
  signal: AbortSignal,
  one: (file: TestFile, number: number) => Promise<void>,
): Promise<void> {
  const queue = files.values();
  const runner = async (): Promise<void> => {
    for (const [number, file] of queue) {
      if (signal.aborted) return;
      await one(file, number);
    }
  };
  await Promise.all(Array.from({ length: limit }, runner));
}

function summary({ path, ms, passed, failures }: FileResult, width: number): string {
  const verdict = failures.length === 0 ? "ok  " : "FAIL";
  const seconds = `${(ms / 1000).toFixed(1)} s`.padStart(8);
  const failed = failures.length === 0 ? "" : `, ${failures.length} failed`;
  return `${verdict} ${path.padEnd(width)} ${seconds}  ${passed} passed${failed}`;
}

function tellFailures(run: TestRun, { path, failures }: FileResult): void {
  for (const { name, text } of failures) run.say(`${path}: ${name}\n  ${text.replaceAll("\n", "\n  ")}`);
}

function conclude(run: TestRun, results: readonly FileResult[]): "passed" | "failed" {
  for (const { path, failures } of results.toSorted((a, b) => a.path.localeCompare(b.path))) {
    for (const { name } of failures) run.say(`failed: ${path}: ${name}`);
  }
  const sum = (of: (result: FileResult) => number): number =>
    results.reduce((total, each) => total + of(each), 0);
  const passed = sum((result) => result.passed);
  const failed = sum((result) => result.failures.length);
  const skipped = sum((result) => result.skipped);
  if (run.signal.aborted) run.say("\ninterrupted: not all files were run");
  run.say(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
  return failed === 0 && passed > 0 && !run.signal.aborted ? "passed" : "failed";
}
