import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePolicyFile } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { runCommandLine } from "./program.ts";

/** The command line with one file in its world. */
async function cairn(file: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err") => ({
    write: (text: string) => void (texts[name] += text),
    isTerminal: false,
    columns: undefined,
  });
  const code = await runCommandLine(argv, {
    env: {},
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: (path) => Promise.resolve(path === "policy.yaml" ? file : undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...texts };
}

const CREATE = "workload:workload_create";

test("the sample is printed, and is right as it stands", async () => {
  const sample = await cairn("", "policy-file", "sample");
  assert.equal(sample.out, samplePolicyFile());
  assert.equal((await cairn(sample.out, "policy-file", "check", "policy.yaml")).code, 0);
});

test("what a role may do is told before the file counts", async () => {
  const file = `"${CREATE}": role:backup\n`;
  const asked = ["policy-file", "check", "policy.yaml", "--action", CREATE, "-f", "json"];
  const allowed = async (...roles: string[]): Promise<unknown> => {
    const { out } = await cairn(file, ...asked, ...roles.flatMap((role) => ["--role", role]));
    return (JSON.parse(out) as { allowed: boolean }[])[0]?.allowed;
  };
  assert.deepEqual([await allowed("admin"), await allowed("member", "backup")], [false, true]);
});

test("a file that is wrong, not there or asked about nothing known is refused with a sentence", async () => {
  const wrong = await cairn(`"${CREATE}": rule:none\n`, "policy-file", "check", "policy.yaml");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /refers to rule:none, which there is not/);
  assert.equal((await cairn("- a\n", "policy-file", "check", "policy.yaml")).code, 2);
  assert.equal((await cairn('"a: [', "policy-file", "check", "policy.yaml")).code, 2);
  assert.match((await cairn("", "policy-file", "check", "other.yaml")).err, /other\.yaml cannot be read/);
  assert.equal((await cairn("", "policy-file", "check", "--action", "x:y")).code, 3);
});
