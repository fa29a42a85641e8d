import { join } from "node:path";
import type { TestFile } from "./test-files.ts";
import type { TestRun } from "./test-run.ts";

/** The PostgreSQL of one run of tests, ended by the scope. */
export interface TestDatabase extends AsyncDisposable {
  /** What test files get beside the environment of the run. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A throw-away PostgreSQL for the test files that want one (see `test-files.ts`); none when no file does, or
 * when the environment names one already. Test files make databases of their own on it, so that they can run
 * at once.
 */
export async function startTestDatabase(
  files: readonly TestFile[],
  folder: string,
  run: TestRun,
): Promise<TestDatabase> {
  const isGiven = run.env["CAIRN_TEST_DATABASE_URL"] !== undefined;
  if (isGiven || !files.some((file) => file.wantsDatabase)) {
    return { env: {}, [Symbol.asyncDispose]: async () => undefined };
  }
  // Loaded only here: tests of everything else run even when the database room is broken.
  const { startEmbeddedPostgres } = await import("@cairn/database");
  const directory = join(folder, "postgres");
  const postgres = await startEmbeddedPostgres({ directory, durable: false, signal: run.signal });
  run.say("started a PostgreSQL for this run");
  return {
    env: { CAIRN_TEST_DATABASE_URL: postgres.url },
    [Symbol.asyncDispose]: async () => postgres.stop(),
  };
}
