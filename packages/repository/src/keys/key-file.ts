import { Fault } from "@cairn/kernel";
import { type Randomness, systemRandomness } from "../random.ts";
import { KEY_BYTES } from "./set-codec.ts";

/** More than a file of this kind has with all its line ends. */
const TEXT_MAX = 256;

/** A fresh key file's text: the base64 of 32 random bytes, and a line end. */
export function formatKeyFile(random: Randomness = systemRandomness): string {
  return `${random(KEY_BYTES).toString("base64")}\n`;
}

/**
 * The key in a key file: base64 of 32 bytes, or these bytes alone. The Fault `key-file` shows nothing of it.
 */
export function parseKeyFile(where: string, content: Buffer): Buffer {
  if (content.length === KEY_BYTES) return content;
  const text = content.length > TEXT_MAX ? "" : content.toString("latin1").trim();
  const key = Buffer.from(text, "base64");
  // Node ignores what is no base64; a key must not come from an accident.
  if (key.length === KEY_BYTES && key.toString("base64") === text) return key;
  const message = `reading the key file ${where}: it must hold ${KEY_BYTES} random bytes, or their base64`;
  throw new Fault("key-file", message, "after-operator");
}
