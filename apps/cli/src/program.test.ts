import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { faultBody } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, startFakeApi } from "./fake-api.ts";
import { runCommandLine } from "./program.ts";
import type { Screen } from "./shell.ts";

let api: FakeApi;

before(async () => {
  api = await startFakeApi();
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line in this process, with text for screens. */
async function cairn(...argv: string[]): Promise<Ended> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: false,
    columns: undefined,
  });
  const code = await runCommandLine(argv, {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...texts };
}

const ANSWERS = [
  { status: 400, code: 2 },
  { status: 401, code: 4 },
  { status: 403, code: 4 },
  { status: 404, code: 3 },
  { status: 409, code: 5 },
  { status: 413, code: 2 },
  { status: 500, code: 1 },
  { status: 503, code: 69 },
];

for (const { status, code } of ANSWERS) {
  void test(`an answer of ${status} is exit code ${code}, and one line on standard error`, async () => {
    const detail = { code: status, message: "It cannot be", remedy: "Do otherwise." };
    api.handlers.unlockWorkload = () => ({ status, body: faultBody(detail) });
    const refused = await cairn("workload", "unlock", "11111111-1111-4111-8111-111111111111");
    assert.equal(refused.code, code, refused.err);
    assert.match(refused.err, /^cairn: It cannot be\..*\n$/);
    assert.equal(refused.out, "");
  });
}

void test("every command's help has examples", async () => {
  const commands = [
    "workload create|list|show|modify|delete|reset|pause|resume|unlock",
    "scheduler show|enable|disable",
    "trust list|show|validate|create|delete",
    "setting list|show|create|update|delete",
    "email show|set|test",
    "webhook list|show|create|update|delete|test|deliveries|retry",
    "target list|show|create|update|delete|set-default",
    "target-type list|show|create|update|delete|add-projects|remove-projects",
    "snapshot create|list|show|watch|cancel|delete",
    "restore oneclick|selective|topology|security-groups|inplace|list|show|watch|cancel|delete",
  ];
  for (const line of commands) {
    const [group = "", verbs = ""] = line.split(" ");
    for (const verb of verbs.split("|")) {
      const help = await cairn(group, verb, "--help");
      assert.equal(help.code, 0);
      assert.match(help.out, /Examples:\n {2}cairn /, `${group} ${verb}`);
    }
  }
});
