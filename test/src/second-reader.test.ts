import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { createEscrow, formatEscrow, repositoryNames } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { type RichRepository, richRepository } from "./second-reader-target.ts";

/** The distribution's Python: that is where its packages of libraries go. */
const PYTHON = "/usr/bin/python3";
const READER = resolve(import.meta.dirname, "../second-reader/reader.py");
const PASSPHRASE = "Schlüssel unter der Fußmatte";
const run = promisify(execFile);

let folder = "";
let target = "";
let repository: RichRepository;
let secrets: Readonly<Record<string, readonly string[]>> = {};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-second-reader-"));
  target = join(folder, "target");
  await mkdir(target);
  const key = Buffer.alloc(32, 0x4b);
  const escrow = createEscrow();
  repository = await richRepository(directoryStore(target), [
    { kind: "key-file", label: "the master key", key },
    // Cheap, so that the test is quick; the reader takes the cost from the slot.
    { kind: "passphrase", label: "in the safe", passphrase: PASSPHRASE, costLog2: 12 },
    { kind: "escrow", label: "the operator's escrow", publicKey: escrow.publicKey },
  ]);
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  secrets = {
    "a key file": ["--key-file", await write("key", `${key.toString("base64")}\n`)],
    "a passphrase": ["--passphrase-file", await write("passphrase", `${PASSPHRASE}\n`)],
    "a passphrase in another form of Unicode": [
      "--passphrase-file",
      await write("decomposed", PASSPHRASE.normalize("NFD")),
    ],
    "an escrow's private key": ["--escrow-key", await write("escrow.pem", await formatEscrow(escrow))],
  };
});
after(async () => rm(folder, { recursive: true, force: true }));

async function extract(secret: readonly string[], diskId: string, output: string): Promise<Buffer> {
  const { repositoryId, snapshotId } = repository;
  const place = ["--target", target, "--repository", repositoryId, "--snapshot", snapshotId];
  await run(PYTHON, [READER, "extract", ...place, ...secret, "--disk", diskId, "-o", output]);
  return readFile(output);
}

for (const how of [
  "a key file",
  "a passphrase",
  "a passphrase in another form of Unicode",
  "an escrow's private key",
]) {
  test(`a reader written from the document alone extracts every disk with ${how}`, async () => {
    for (const { diskId, content } of repository.disks) {
      const output = join(folder, `${how.replaceAll(" ", "-")}-${diskId}.raw`);
      const found = await extract(secrets[how] ?? [], diskId, output);
      assert.ok(found.equals(content), `${diskId} differs`);
      await rm(output);
    }
  });
}

test("it reads what a commit says, and refuses a wrong key and damaged bytes", async () => {
  const key = secrets["a key file"] ?? [];
  const place = ["--target", target, "--repository", repository.repositoryId];
  const { stdout } = await run(PYTHON, [READER, "list", ...place, ...key]);
  const commits = JSON.parse(stdout) as { readonly metadata: unknown }[];
  assert.equal(commits.length, 2);
  assert.deepEqual(commits[0]?.metadata, { workload: { name: "läden" }, note: null });
  const wrong = join(folder, "wrong");
  await writeFile(wrong, Buffer.alloc(32, 1), { mode: 0o600 });
  await assert.rejects(
    run(PYTHON, [READER, "list", ...place, "--key-file", wrong]),
    /none of the 2 key sets of aaaaaaaa-0000-4000-8000-00000000000a opens/,
  );
  const store = directoryStore(target);
  const [pack = ""] = await Array.fromAsync(
    store.list(repositoryNames(repository.repositoryId).packs("chunk")),
  );
  const bytes = await readFile(join(target, pack));
  await writeFile(
    join(target, pack),
    bytes.map((byte, at) => (at % 50_000 === 60 ? byte ^ 1 : byte)),
  );
  const outcomes = await Promise.allSettled(
    repository.disks.map(async ({ diskId }) => extract(key, diskId, join(folder, `damaged-${diskId}`))),
  );
  assert.ok(outcomes.some(({ status }) => status === "rejected"));
});
