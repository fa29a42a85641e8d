import { readFile } from "node:fs/promises";
import { Fault, Secret } from "@cairn/kernel";

const KEY_BYTES = 32;

/** The master key: a file that holds the base64 of 32 bytes. The Fault never shows what the file holds. */
export async function readKeyFile(path: string): Promise<Secret<Buffer>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new Fault("key-file", `reading the key file ${path}`, "after-operator", cause);
  }
  const key = Buffer.from(text.trim(), "base64");
  if (key.length === KEY_BYTES) return new Secret(key);
  throw new Fault(
    "key-file",
    `the key file ${path} must hold the base64 of ${KEY_BYTES} bytes`,
    "after-operator",
  );
}
