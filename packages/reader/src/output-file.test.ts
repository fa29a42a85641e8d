import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Fault, Rejection } from "@cairn/kernel";
import { makeFile } from "./output-file.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-output-"));
});
after(async () => rm(folder, { recursive: true, force: true }));

test("a file appears whole, under its name, and nothing else does", async () => {
  const path = join(folder, "a.raw");
  await makeFile({ path, force: false }, async (partial) => {
    await writeFile(partial, "bytes");
    assert.deepEqual(
      (await readdir(folder)).filter((name) => !name.startsWith(".")),
      [],
    );
  });
  assert.equal(await readFile(path, "utf8"), "bytes");
  assert.deepEqual(await readdir(folder), ["a.raw"]);
});

test("what somebody else makes meanwhile is not replaced", async () => {
  const path = join(folder, "raced");
  const made = makeFile({ path, force: false }, async (partial) => {
    await writeFile(partial, "ours");
    await writeFile(path, "theirs");
  });
  await assert.rejects(made, (error) => error instanceof Rejection && error.status === 409);
  assert.equal(await readFile(path, "utf8"), "theirs");
  await rm(path);
});

test("a full disk is a clear error, and leaves nothing", async () => {
  const path = join(folder, "full.raw");
  const made = makeFile({ path, force: false }, async (partial) => {
    await writeFile(partial, "half");
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
  });
  await assert.rejects(
    made,
    (error) =>
      error instanceof Fault && error.code === "destination-full" && /no space is left/.test(error.message),
  );
  assert.deepEqual(await readdir(folder), ["a.raw"]);
});

test("a folder in its place, or none around it, is refused before anything is read", async () => {
  await mkdir(join(folder, "sub"));
  const never = async (): Promise<void> => assert.fail("it was written to");
  for (const path of [join(folder, "sub"), join(folder, "none", "a.raw")]) {
    await assert.rejects(
      makeFile({ path, force: true }, never),
      (error) => error instanceof Rejection && error.field === "--output",
    );
  }
});
