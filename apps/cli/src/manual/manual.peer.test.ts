import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "@cairn/kernel";
import { buildProgram } from "../program.ts";
import type { Screen } from "../shell.ts";
import { programPage } from "../workloadmgr/page.ts";
import { manPages } from "./all.ts";
import { completionScript } from "./completion.ts";
import { pagesOf } from "./page.ts";

/*
 * Manual pages before mandoc, and completion in the shells that people use.
 */

const screen: Screen = { write: () => undefined, isTerminal: false, columns: undefined };
const cairn = pagesOf(
  buildProgram({
    env: {},
    out: screen,
    err: screen,
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  }),
);

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-man-"));
});

after(async () => rm(folder, { recursive: true, force: true }));

function ran(program: string, args: readonly string[], input = ""): string {
  const { stdout, stderr, status, error } = spawnSync(program, args, {
    input,
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env["PATH"], HOME: folder, TERM: "dumb", LC_ALL: "C.UTF-8" },
  });
  assert.equal(error, undefined);
  assert.equal(stderr, "");
  assert.equal(status, 0, stdout);
  return stdout;
}

for (const [name, text] of manPages(cairn)) {
  void test(`the manual page ${name} has nothing that mandoc complains about`, () => {
    assert.equal(ran("mandoc", ["-T", "lint"], text), "");
    const shown = ran("mandoc", ["-T", "ascii", "-O", "width=80"], text);
    assert.ok(shown.includes("EXAMPLES") || /^ +(?:cairn|workloadmgr) /m.test(shown));
  });
}

void test("the manual page of workloadmgr names every command and how to call it", () => {
  const text = manPages(cairn).get("workloadmgr") ?? "";
  for (const { name, examples } of programPage().children) {
    assert.ok(text.includes(`.B ${name.replaceAll("-", "\\-")}\n`), name);
    assert.ok(examples.length > 0, name);
  }
});

/** Words typed so far, the last one to be completed, and what must be offered. */
const TYPED: readonly (readonly [words: readonly string[], offered: string])[] = [
  [["snapshot", "cr"], "create"],
  [["snapshot", "create", "--fu"], "--full"],
  [["snapshot", "create", "web", "--fu"], "--full"],
  [["workload", "list", "--format", "js"], "json"],
];

void test("bash completes commands, options, and the values of options", async () => {
  const calls = TYPED.map(
    ([words]) =>
      `COMP_WORDS=(cairn ${words.join(" ")}); COMP_CWORD=${words.length}; _cairn; echo "\${COMPREPLY[@]}"`,
  );
  const file = join(folder, "completion.bash");
  await writeFile(file, `${completionScript(cairn, "bash")}\n${calls.join("\n")}\n`);
  assert.deepEqual(
    ran("bash", [file]).trim().split("\n"),
    TYPED.map(([, offered]) => offered),
  );
});

void test("zsh completes commands, options, and the values of options", async () => {
  // The one function of zsh's that needs a terminal gives what it would offer for the last word.
  const describe =
    "_describe() { local -a found=(${(P)2}); print -l -- ${(M)${found%%:*}:#$words[CURRENT]*} }";
  const calls = TYPED.map(
    ([words]) => `words=(cairn ${words.join(" ")}); CURRENT=${words.length + 1}; _cairn`,
  );
  const file = join(folder, "completion.zsh");
  const load = `autoload -U compinit; compinit -u -d ${join(folder, "dump")}`;
  await writeFile(file, [load, completionScript(cairn, "zsh"), describe, ...calls, ""].join("\n"));
  assert.deepEqual(
    ran("zsh", ["-f", file]).trim().split("\n"),
    TYPED.map(([, offered]) => offered),
  );
});

void test("fish completes commands, options, and the values of options", async () => {
  const calls = TYPED.map(([words]) => `complete -C "cairn ${words.join(" ")}"`);
  const file = join(folder, "completion.fish");
  await writeFile(file, `${completionScript(cairn, "fish")}\n${calls.join("\n")}\n`);
  assert.deepEqual(
    ran("fish", ["--no-config", file])
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]),
    TYPED.map(([, offered]) => offered),
  );
});

void test("workloadmgr's completion is valid in each shell and knows its commands", async () => {
  for (const [shell, check] of [
    ["bash", "-n"],
    ["zsh", "-n"],
    ["fish", "--no-execute"],
  ] as const) {
    const script = completionScript(programPage(), shell);
    assert.ok(script.includes("workload-create"));
    const file = join(folder, `workloadmgr.${shell}`);
    await writeFile(file, script);
    ran(shell, [check, file]);
  }
  assert.throws(() => completionScript(cairn, "tcsh"), /no completion for tcsh/);
});
