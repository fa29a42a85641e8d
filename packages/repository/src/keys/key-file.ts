import { Fault } from "@cairn/kernel";
import { type Randomness, systemRandomness } from "../random.ts";
import { KEY_BYTES } from "./set-codec.ts";

export const KEY_FILE_BYTES = KEY_BYTES;
/** A byte more than a file of this kind can have with all its line ends. */
const TEXT_MAX = 256;

/** A fresh key file's text: the base64 of 32 random bytes, and a line end. */
export function formatKeyFile(random: Randomness = systemRandomness): string {
  return `${random(KEY_BYTES).toString("base64")}\n`;
}

/** The key in a key file's text. The Fault `key-file` never shows what the file holds. */
export function parseKeyFile(where: string, text: string): Buffer {
  const key = text.length > TEXT_MAX ? Buffer.alloc(0) : Buffer.from(text.trim(), "base64");
  if (key.length === KEY_BYTES) return key;
  const message = `reading the key file ${where}: it must hold the base64 of ${KEY_BYTES} bytes`;
  throw new Fault("key-file", message, "after-operator");
}
