import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ALONE, secondsOf } from "./test-order.ts";

/** A test file: `alone` ones get the machine, or the cloud, for themselves, after the others. */
export interface TestFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly alone: boolean;
  readonly wantsDatabase: boolean;
}

const PATTERNS = [
  "packages/*/src/**/*.test.ts",
  "apps/*/src/**/*.test.ts",
  "{tools,bench,simulate,test,testcloud}/src/**/*.test.ts",
];

/** The contract suite runs on both; a file `….cloud.test.ts` needs a real cloud, all others have none. */
const ON_BOTH = /^test\/src\/openstack\//;
const ON_CLOUD = /\.cloud\.test\.ts$/;
/** What continuous integration runs on a real cloud: the contract suite, and the main job once. */
const SHORT = /^test\/src\/(?:openstack\/|cloud\/short-)/;

/** On the sandbox; on a real cloud; on a real cloud where a quarter of an hour is all there is. */
export type TestPlace = "sandbox" | "cloud" | "short";

/**
 * The test files whose path contains one of the filters (all when there is no filter), in the order of their
 * run: the longest begin first.
 */
export function findTestFiles(
  root: string,
  filters: readonly string[],
  where: TestPlace = "sandbox",
): TestFile[] {
  return globSync(PATTERNS, { cwd: root })
    .filter((path) => ON_BOTH.test(path) || ON_CLOUD.test(path) === (where !== "sandbox"))
    .filter((path) => where !== "short" || SHORT.test(path))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .map((path) => ({
      path,
      // On a real cloud system tests share that: one changes its quotas, another counts its volumes.
      alone: where === "sandbox" ? ALONE.includes(path) : path.startsWith("test/"),
      wantsDatabase: wantsDatabase(join(root, path)),
    }))
    .toSorted(byTurn);
}

function byTurn(a: TestFile, b: TestFile): number {
  if (a.alone !== b.alone) return a.alone ? 1 : -1;
  const longer = secondsOf(b.path) - secondsOf(a.path);
  return longer === 0 ? a.path.localeCompare(b.path) : longer;
}

/**
 * A file that makes a database, or a whole tree, for itself needs a server, whose address is in
 * `CAIRN_TEST_DATABASE_URL`.
 */
function wantsDatabase(file: string): boolean {
  return /CAIRN_TEST_DATABASE_URL|createTestDatabase|startTree\(/.test(readFileSync(file, "utf8"));
}
