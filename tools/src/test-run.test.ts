import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { smallTree } from "./small-tree.ts";
import { findTestFiles } from "./test-files.ts";
import { ALONE, LONG_FILES, secondsOf } from "./test-order.ts";
import { runTests, type TestRun } from "./test-run.ts";

const head = 'import { describe, it, test } from "node:test"; import assert from "node:assert/strict";';
const good = `${head} test("adds", () => assert.equal(1 + 1, 2));`;

async function run(files: Readonly<Record<string, string>>, change: Partial<TestRun> = {}) {
  using tree = smallTree({ "package.json": '{ "type": "module" }', ...files });
  const lines: string[] = [];
  const all = { root: tree.root, filters: [], env: process.env, signal: new AbortController().signal };
  const verdict = await runTests({ ...all, say: (line) => void lines.push(line), ...change });
  return { verdict, lines, text: lines.join("\n"), last: lines.at(-1) };
}

/** A process that has ended but whose parent has not noticed has an empty command line. */
const isRunning = (pid: string): boolean =>
  existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
const one = (content: string) => ({ "packages/a/src/a.test.ts": content });

describe("the test runner", () => {
  it("runs the tests of every room, those that watch the clock alone and last, and counts them", async () => {
    const { verdict, lines, last } = await run({
      "test/src/barrier.test.ts": good,
      "packages/a/src/deep/a.test.ts": good,
      "apps/b/src/b.peer.test.ts": good,
      "tools/src/c.test.ts": good,
      "bench/src/d.test.ts": `${head} describe("s", () => { it("x", () => {}); it("y", () => {}); });`,
      "packages/a/src/not-a-test.ts": "throw new Error('must not run');",
    });
    assert.equal(verdict, "passed");
    assert.equal(last, "6 passed, 0 failed");
    assert.match(lines.at(-2) ?? "", /^ok {3}test\/src\/barrier\.test\.ts/);
  });

  it("begins with the files that take longest; on a real cloud system tests run one by one", () => {
    const [longest, second] = Object.keys(LONG_FILES).toSorted((a, b) => secondsOf(b) - secondsOf(a));
    assert.ok(longest !== undefined && second !== undefined);
    const unknown = ["test/src/new.test.ts", "packages/b/src/b.peer.test.ts", "apps/a/src/a.test.ts"];
    const all = [longest, second, ...unknown];
    using tree = smallTree(Object.fromEntries(all.toSorted().map((path) => [path, good])));
    const paths = (filters: readonly string[]) => findTestFiles(tree.root, filters).map(({ path }) => path);
    assert.deepEqual(paths([]), all);
    assert.deepEqual(paths(["a.test"]), ["apps/a/src/a.test.ts"]);
    using cloud = smallTree({ "test/src/openstack/nova.test.ts": good });
    const [shared] = findTestFiles(cloud.root, [], "cloud");
    assert.ok(shared?.alone === true && findTestFiles(cloud.root, [])[0]?.alone === false);
  });

  it("knows no long file that is not there", () => {
    const root = resolve(import.meta.dirname, "../..");
    const gone = [...Object.keys(LONG_FILES), ...ALONE].filter((path) => !existsSync(join(root, path)));
    assert.deepEqual(gone, []);
  });

  it("runs against a real cloud what can use one, or the short list, and tells it where it is", async () => {
    const told = `assert.equal(process.env.CAIRN_TEST_CLOUD, "/cloud")`;
    const files = {
      "test/src/openstack/nova.test.ts": `${head} test("both", () => ${told});`,
      "test/src/truth.cloud.test.ts": `${head} test("real", () => ${told});`,
      "test/src/system.test.ts": good,
    };
    const real = await run(files, { cloudFolder: "/cloud" });
    assert.equal(real.last, "2 passed, 0 failed", real.text);
    const both = { ...files, "test/src/cloud/short-job.cloud.test.ts": `${head} test("s", () => ${told});` };
    const short = await run(both, { cloudFolder: "/cloud", isShort: true });
    assert.equal(short.last, "2 passed, 0 failed", short.text);
    assert.doesNotMatch(short.text, /truth/);
    const local = { ...files, "test/src/openstack/nova.test.ts": good };
    assert.equal((await run(local)).last, "2 passed, 0 failed");
  });

  it("shows each failure with its names, error and place, and fails", async () => {
    const suite =
      'describe("door", () => { it("opens", () => assert.equal(1, 2)); it("shuts", () => {}); });';
    const content = `${head}\n${suite}`;
    const { verdict, text, last } = await run(one(content));
    assert.equal(verdict, "failed");
    assert.equal(last, "1 passed, 1 failed");
    assert.match(text, /packages\/a\/src\/a\.test\.ts: door > opens/);
    assert.match(text, /Expected values to be strictly equal/);
    assert.match(text, /a\.test\.ts:2\n/);
  });

  it("runs a file that failed once more when asked to, alone, and tells both outcomes", async () => {
    const second = `${head} import { existsSync, writeFileSync } from "node:fs";
      test("x", () => { const was = existsSync("here"); writeFileSync("here", ""); assert.ok(was); });`;
    const shaky = await run(one(second), { again: true });
    assert.equal(shaky.verdict, "passed", shaky.text);
    assert.equal(shaky.last, "1 passed, 0 failed");
    assert.match(shaky.text, /^FAIL .*\n[^]*once more, alone: packages\/a[^]*^ok /m);
    assert.equal((await run(one(second))).verdict, "failed");
    const broken = await run(one(`${head} test("x", () => assert.fail("always"));`), { again: true });
    assert.equal(broken.last, "0 passed, 1 failed");
  });

  it("counts a failing hook, a file that throws while it loads, and a file that exits", async () => {
    const hook = `import { before, describe, it } from "node:test";
      describe("s", () => { before(() => { throw new Error("hook"); }); it("x", () => {}); });`;
    assert.match((await run(one(hook))).text, /hook/);
    const thrown = await run(one(`${good} throw new Error("while loading");`));
    assert.equal(thrown.verdict, "failed");
    assert.match(thrown.text, /while loading/);
    const exits = await run(one(`${head} process.exit(3);`));
    assert.match(exits.text, /ended with 3/);
  });

  it("fails a file without tests, and a run in which nothing passed", async () => {
    const { verdict, text } = await run(one("export {};"));
    assert.equal(verdict, "failed");
    assert.match(text, /the file has no tests/);
    assert.equal((await run({})).verdict, "failed");
  });

  it("says how many were skipped, only if any were", async () => {
    const { last } = await run(one(`${good} test.skip("later", () => {});`));
    assert.equal(last, "1 passed, 0 failed, 1 skipped");
  });

  it("runs only what a filter names, and says when that is nothing", async () => {
    const files = { "packages/a/src/a.test.ts": good, "packages/b/src/b.test.ts": good };
    assert.equal((await run(files, { filters: ["packages/b"] })).last, "1 passed, 0 failed");
    const none = await run(files, { filters: ["packages/c"] });
    assert.equal(none.lines[0], "no test file has packages/c in its path");
    assert.equal(none.verdict, "failed");
  });

  it("ends a file that takes too long, with everything it started", async () => {
    const hangs = `${head} import { spawn } from "node:child_process";
      test("hangs", async () => {
        spawn("sleep", ["1000"]);
        await new Promise(() => setInterval(() => {}, 1000));
      });`;
    const { text } = await run(one(hangs), { limitMs: 700 });
    assert.match(text, /not done after 0\.7 s, in: hangs/);
  });

  it("fails a file that leaves a process behind, and ends that process", async () => {
    const leaves = `${head} import { spawn } from "node:child_process";
      test("x", () => spawn("sleep", ["987"], { detached: true, stdio: "ignore" }).unref());`;
    const { verdict, text } = await run(one(leaves));
    assert.equal(verdict, "failed");
    const pid = /left process (\d+) running: sleep 987/.exec(text)?.[1];
    assert.ok(pid !== undefined && !isRunning(pid), text);
  });

  it("fails a file that leaves something of ours in its temporary folder", async () => {
    const leaves = `${head} import { mkdtempSync } from "node:fs"; import { tmpdir } from "node:os";
      test("x", () => { mkdtempSync(tmpdir() + "/cairn-disk-"); });`;
    assert.match((await run(one(leaves))).text, /left cairn-disk-\w+ in its temporary folder/);
  });

  it("stops at once when it is interrupted, and does not pass", async () => {
    const stopping = new AbortController();
    const waits = `${head} test("x", async () => { await new Promise(() => setInterval(() => {}, 1000)); });`;
    const { verdict, text } = await run(
      { ...one(good), "packages/b/src/b.test.ts": waits, "test/src/z.test.ts": good },
      { signal: stopping.signal, say: (line) => line.includes("a.test.ts") && stopping.abort() },
    );
    assert.equal(verdict, "failed");
    assert.equal(text, "");
  });
});
