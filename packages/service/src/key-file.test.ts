import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasCode } from "@cairn/kernel";
import { readKeyFile } from "./key-file.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-key-"));
});
after(async () => rm(folder, { recursive: true, force: true }));

const key = Buffer.alloc(32, 5);

async function keyFile(text: string, mode: number): Promise<string> {
  const path = join(folder, `key-${mode.toString(8)}-${text.length}`);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

test("a key file is the base64 of 32 bytes, for its owner and at most for reading by its group", async () => {
  for (const mode of [0o600, 0o400, 0o640]) {
    const secret = await readKeyFile(await keyFile(`${key.toString("base64")}\n`, mode));
    assert.deepEqual(secret.reveal(), key);
  }
});

test("a key file that others can read or change is refused, and so is one that holds no key", async () => {
  const cases: [string, number, RegExp][] = [
    [key.toString("base64"), 0o644, /mode 644.*chmod 600/],
    [key.toString("base64"), 0o660, /mode 660/],
    ["too short", 0o600, /base64 of 32 bytes/],
  ];
  for (const [text, mode, words] of cases) {
    const path = await keyFile(text, mode);
    await assert.rejects(readKeyFile(path), (error: Error) => {
      assert.match(error.message, words);
      assert.ok(!error.message.includes(key.toString("base64")));
      return hasCode(error, "key-file");
    });
  }
  await assert.rejects(readKeyFile(join(folder, "none")), (error) => hasCode(error, "key-file"));
});
