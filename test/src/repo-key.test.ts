import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createKeySet, initRepository, parseEscrowPublic } from "@cairn/repository";
import { directoryStore } from "@cairn/store";

/*
 * `cairn repo key` as an operator runs it: a target and key files, nothing else.
 */

const CLI = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));
const repositoryId = randomUUID();
const masterKey = Buffer.alloc(32, 3);
let folder: string;
let publicKey: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-repo-key-"));
  const made = await cairn("escrow-create", "-o", "escrow.pem");
  publicKey = made.out.trim();
  await writeFile(join(folder, "master.key"), masterKey.toString("base64"), { mode: 0o600 });
  await mkdir(join(folder, "target"));
  const set = await createKeySet({
    repositoryId,
    slots: [
      { kind: "key-file", label: "engine", key: masterKey },
      { kind: "escrow", label: "escrow", publicKey: parseEscrowPublic(publicKey) },
    ],
    at: Date.now(),
  });
  await initRepository(directoryStore(join(folder, "target")), { repositoryId, keySet: set.bytes });
});

after(async () => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cairn(...parameters: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: folder, timeout: 60_000 };
    execFile(process.execPath, [CLI, "repo", "key", ...parameters], options, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

/** Labels of the slots, as `list` prints them. */
async function labels(): Promise<string[]> {
  const { out, code, err } = await cairn("list", "--target", "target", "-f", "json");
  assert.equal(code, 0, err);
  return (JSON.parse(out) as { label: string }[]).map(({ label }) => label);
}

test("escrow-create keeps the private key in a file of its own and never writes over one", async () => {
  assert.equal((await stat(join(folder, "escrow.pem"))).mode & 0o777, 0o600);
  assert.match(await readFile(join(folder, "escrow.pem"), "utf8"), /BEGIN PRIVATE KEY/);
  assert.equal(Buffer.from(publicKey, "base64").length, 32);
  const again = await cairn("escrow-create", "-o", "escrow.pem");
  assert.notEqual(again.code, 0);
  assert.match(again.err, /escrow\.pem/);
});

test("slots are added, listed without a key, and removed; keys are rotated", async () => {
  const key = ["--target", "target", "--key-file", "master.key"];
  await writeFile(join(folder, "words"), "nine stones upon a hill\n", { mode: 0o600 });
  const added = await cairn("add", ...key, "--label", "night", "--new-passphrase-file", "words");
  assert.equal(added.code, 0, added.err);
  const sweep = await cairn(
    "add",
    ...key,
    "--label",
    "sweep",
    "--rights",
    "structure",
    "--new-key-file",
    "s.key",
  );
  assert.equal(sweep.code, 0, sweep.err);
  assert.deepEqual(await labels(), ["engine", "escrow", "night", "sweep"]);
  const rotated = await cairn("rotate", "--target", "target", "--passphrase-file", "words");
  assert.match(rotated.err, /key set 4, key epoch 1/);
  const refused = await cairn("rotate", "--target", "target", "--key-file", "s.key");
  assert.match(refused.err, /right to the structure alone/);
  const removed = await cairn("remove", "night", ...key, "--rotate", "--remove-old");
  assert.match(removed.err, /key set 5, key epoch 2; 4 older removed/);
  assert.deepEqual(await labels(), ["engine", "escrow", "sweep"]);
  const late = await cairn("rotate", "--target", "target", "--passphrase-file", "words");
  assert.notEqual(late.code, 0);
  assert.match(late.err, /its slots are .*none opens/);
});

test("a lost key file is replaced through the escrow", async () => {
  const by = ["--target", "target", "--escrow-key", "escrow.pem"];
  const added = await cairn("add", ...by, "--label", "new engine", "--new-key-file", "fresh.key");
  assert.equal(added.code, 0, added.err);
  const removed = await cairn("remove", "engine", ...by);
  assert.equal(removed.code, 0, removed.err);
  const rotated = await cairn("rotate", "--target", "target", "--key-file", "fresh.key");
  assert.equal(rotated.code, 0, rotated.err);
});

test("what would lose backups wants to be said: an open file, the last escrow, destruction", async () => {
  const key = ["--target", "target", "--key-file", "fresh.key"];
  assert.match((await cairn("rotate", "--target", "target")).err, /--key-file/);
  await chmod(join(folder, "master.key"), 0o644);
  assert.match((await cairn("rotate", "--target", "target", "--key-file", "master.key")).err, /chmod 600/);
  assert.match((await cairn("remove", "escrow", ...key)).err, /no escrow/);
  const destroy = ["destroy", "--target", "target", "--repository", repositoryId, "--why", "test"];
  assert.match((await cairn(...destroy, "--confirm", "yes")).err, /must both name the repository/);
  const gone = await cairn(...destroy, "--confirm", repositoryId);
  assert.equal(gone.code, 0, gone.err);
  assert.match((await cairn("list", "--target", "target")).err, /were destroyed at .*: test/);
});
