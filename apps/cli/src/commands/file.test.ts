import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { FileSearch } from "@cairn/contract";
import { systemClock } from "@cairn/kernel";
import { type FakeApi, startFakeApi } from "../fake-api.ts";
import { runCommandLine } from "../program.ts";
import type { Screen } from "../shell.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const INSTANCE = "22222222-2222-4222-8222-222222222222";
const TIME = "2026-11-23T12:00:00";

const facts = {
  permissions: "-rw-r--r--",
  mode: 33188,
  size: 20,
  uid: 0,
  gid: 0,
  links: 1,
  inode: 12,
  accessed: TIME,
  modified: TIME,
  changed: TIME,
};
const begun: FileSearch = {
  id: 14,
  status: "executing",
  vm_id: INSTANCE,
  filepath: "/etc/h*",
  error_msg: null,
  json_resp: null,
  created_at: `${TIME}.000000`,
  updated_at: null,
  deleted_at: null,
};
const completed: FileSearch = {
  ...begun,
  status: "completed",
  error_msg: "vda2 has no file system that can be searched (luks)",
  json_resp: JSON.stringify([{ [ID]: [{ vda1: { "/etc/hosts": facts } }, { vdb: {} }] }]),
};

let api: FakeApi;
let folder: string;

before(async () => {
  api = await startFakeApi();
  folder = await mkdtemp(join(tmpdir(), "cairn-file-"));
  const volumes = [{ label: "vda1", format: "ext4", readable: true }];
  api.handlers = {
    searchFiles: () => ({ body: { file_search: begun } }),
    showFileSearch: () => ({ body: { file_search: completed } }),
    listFiles: ({ query }) => {
      const isFirst = query.get("marker") === null;
      const path = isFirst ? "/etc/hosts" : "/etc/passwd";
      return { body: { volumes, files: [{ path, ...facts }], more: isFirst } };
    },
    getFile: () => ({ body: "bytes" }),
  };
});

after(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The command line in this process. */
async function cairn(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: false,
    columns: undefined,
  });
  api.asked.length = 0;
  const code = await runCommandLine(argv, {
    env: { OS_AUTH_URL: api.url, OS_USERNAME: "anna", OS_PASSWORD: "x", OS_PROJECT_NAME: "demo" },
    out: screen("out"),
    err: screen("err"),
    clock: systemClock,
    cwd: folder,
    home: "/",
    signal: new AbortController().signal,
    readFile: () => Promise.resolve(undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...texts };
}

test("a search waits for its end and shows a row for each file, and what is missing", async () => {
  const { code, out, err } = await cairn(
    "file",
    "search",
    INSTANCE,
    "/etc/h*",
    "--latest",
    "2",
    "-f",
    "json",
  );
  assert.equal(code, 0, err);
  const [asked] = api.asked;
  assert.deepEqual(asked?.body, { file_search: { vm_id: INSTANCE, filepath: "/etc/h*", end: 2 } });
  const [row, ...others] = JSON.parse(out) as Record<string, unknown>[];
  assert.deepEqual(others, []);
  assert.deepEqual(
    [row?.["snapshot"], row?.["volume"], row?.["path"], row?.["size"]],
    [ID, "vda1", "/etc/hosts", 20],
  );
  assert.match(err, /Warning: vda2 has no file system/);
});

test("a folder is listed over all its pages", async () => {
  const { code, out, err } = await cairn("file", "list", ID, "vda1:/etc", "-f", "json");
  assert.equal(code, 0, err);
  const rows = JSON.parse(out) as { path: string }[];
  assert.deepEqual(
    rows.map(({ path }) => path),
    ["/etc/hosts", "/etc/passwd"],
  );
  assert.equal(api.asked.at(-1)?.query.get("marker"), "hosts");
});

test("without a place, the volumes of the disks are listed", async () => {
  const { out } = await cairn("file", "list", ID, "-f", "json");
  assert.deepEqual(JSON.parse(out), [{ label: "vda1", format: "ext4", readable: true }]);
});

test("a file is written whole under its name, over none that is there", async () => {
  const get = async (...more: string[]) => cairn("file", "get", ID, "vda1:/etc/hosts", "-o", "mine", ...more);
  assert.equal((await get()).code, 0);
  assert.equal(await readFile(join(folder, "mine"), "utf8"), '"bytes"');
  const again = await get();
  assert.equal(again.code, 2);
  assert.match(again.err, /is there already/);
  assert.equal((await get("--force")).code, 0);
  assert.deepEqual(await readdir(folder), ["mine"]);
});

test("a place without a volume is refused with how to write one", async () => {
  const { code, err } = await cairn("file", "get", ID, "/etc/hosts");
  assert.equal(code, 2);
  assert.match(err, /VOLUME:\/PATH/);
});
