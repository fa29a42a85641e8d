import { assert } from "@cairn/kernel";

const NAME_MAX = 512;
const PART = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/**
 * Object names are paths of parts of lower-case letters, digits, `.`, `_`, `-`, each beginning with a letter
 * or digit: the same on every file system and in every bucket, never hidden, never `..`. We make all names
 * ourselves, so a bad one is a bug.
 */
export function assertName(name: string): void {
  assert(isName(name), `bad object name ${JSON.stringify(name.slice(0, 100))}`);
}

/** Whether a text can be the name of an object. */
export function isName(name: string): boolean {
  return name.length <= NAME_MAX && name.split("/").every((part) => PART.test(part));
}

/** A prefix is empty, or a path of whole parts that ends in `/`. */
export function assertPrefix(prefix: string): void {
  assert(prefix === "" || (prefix.endsWith("/") && isName(prefix.slice(0, -1))), `bad prefix ${prefix}`);
}
