import { open } from "node:fs/promises";
import { Fault, Secret } from "@cairn/kernel";

const KEY_BYTES = 32;
/** Rights that nobody but the owner (and, to read, the group) may have. */
const FORBIDDEN_MODE = 0o037;

/**
 * The master key: a file that holds the base64 of 32 bytes, and that nobody but its owner and group can read.
 * The Fault never shows what the file holds.
 */
export async function readKeyFile(path: string): Promise<Secret<Buffer>> {
  const key = Buffer.from((await readPrivateFile(path)).trim(), "base64");
  if (key.length === KEY_BYTES) return new Secret(key);
  const what = `must hold the base64 of ${KEY_BYTES} bytes`;
  throw new Fault("key-file", `the key file ${path} ${what}`, "after-operator");
}

/**
 * The text of a file that nobody but its owner and group can read. The Fault `key-file` never shows what it
 * holds.
 */
export async function readPrivateFile(path: string): Promise<string> {
  let mode: number;
  let text: string;
  try {
    await using file = await open(path, "r");
    ({ mode } = await file.stat());
    text = await file.readFile("utf8");
  } catch (cause) {
    throw new Fault("key-file", `reading the key file ${path}`, "after-operator", cause);
  }
  if ((mode & FORBIDDEN_MODE) === 0) return text;
  const found = (mode & 0o777).toString(8).padStart(3, "0");
  const what = `can be read or changed by others (mode ${found}); chmod 600 it`;
  throw new Fault("key-file", `the key file ${path} ${what}`, "after-operator");
}
