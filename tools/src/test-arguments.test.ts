import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTestArguments } from "./test-arguments.ts";

void test("words are filters, and --cloud names the project's own cloud or a folder", () => {
  const run = (filters: string[], cloudFolder?: string, isShort = false, again = false) => {
    return { kind: "run", filters, cloudFolder, isShort, again, history: {} };
  };
  const testcloud = "/var/tmp/cairn-testcloud";
  const table: readonly [readonly string[], ReturnType<typeof run>][] = [
    [[], run([])],
    [["openstack", "kernel"], run(["openstack", "kernel"])],
    [["--cloud", "testcloud"], run([], testcloud)],
    [["--cloud=testcloud", "nova"], run(["nova"], testcloud)],
    [["nova", "--cloud", "my/cloud"], run(["nova"], "/home/me/my/cloud")],
    [["--cloud", "/etc/openstack"], run([], "/etc/openstack")],
    [["--short", "--cloud", "testcloud"], run([], testcloud, true)],
    [["--again", "nova"], run(["nova"], undefined, false, true)],
  ];
  for (const [argv, wanted] of table) assert.deepEqual(parseTestArguments(argv, "/home/me"), wanted);
});

void test("the truth test's history can be chosen, and be as long as one likes", () => {
  const parsed = parseTestArguments(
    ["--cloud", "testcloud", "truth", "--seed", "7", "--operations=600"],
    "/",
  );
  assert.ok(parsed.kind === "run");
  assert.deepEqual(parsed.history, { seed: "7", operations: "600" });
  assert.deepEqual(parsed.filters, ["truth"]);
});

void test("a flag that does not exist, or has no value, is said to be wrong", () => {
  for (const [argv, because] of [
    [["--cluod", "testcloud"], /Unknown option '--cluod'/],
    [["--cloud"], /'--cloud <value>' argument missing/],
    [["--cloud="], /needs testcloud/],
    [["--short"], /give --cloud/],
    [["--operations", "600"], /give --cloud/],
    [["--cloud", "testcloud", "--operations", "many"], /--operations is a number from 1, not many/],
    [["--cloud", "testcloud", "--seed=0"], /--seed is a number from 1, not 0/],
  ] as const) {
    const parsed = parseTestArguments(argv, "/");
    assert.ok(parsed.kind === "wrong");
    assert.match(parsed.because, because);
  }
});
