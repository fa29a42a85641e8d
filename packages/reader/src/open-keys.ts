import { type FileHandle, open } from "node:fs/promises";
import { Fault, Rejection } from "@cairn/kernel";
import { type Credential, parseEscrowPrivate, parseKeyFile } from "@cairn/repository";

/** Where the keys are that open a repository without any service: files that a person keeps. */
export interface KeyOptions {
  /** File with 32 random bytes, or their base64. */
  readonly keyFile?: string;
  /** File whose first line is a passphrase. */
  readonly passphraseFile?: string;
  /** File with the payload of an encrypted workload's secret, as Barbican gives it out. */
  readonly secretFile?: string;
  /** File with an escrow's private key. */
  readonly escrowKey?: string;
  /** File whose first line is the passphrase of that private key. */
  readonly escrowPassphraseFile?: string;
}

const FILE_MAX_BYTES = 64 * 1024;
/** Rights that nobody but the owner (and, to read, the group) may have. */
const FORBIDDEN_MODE = 0o037;

/**
 * What the options open key sets with, in the order: secret, key file, passphrase, escrow. Rejections: no
 * option at all, a file that others can read. Faults: `key-file`, `escrow-key`.
 */
export async function readCredentials(options: KeyOptions): Promise<Credential[]> {
  const { keyFile, passphraseFile, secretFile, escrowKey, escrowPassphraseFile } = options;
  const credentials: Credential[] = [];
  if (secretFile !== undefined) {
    const content = await readSecretFile(secretFile);
    credentials.push(...payloadsIn(content).map((payload) => ({ kind: "secret", payload }) as const));
  }
  if (keyFile !== undefined) {
    credentials.push({ kind: "key-file", key: parseKeyFile(keyFile, await readSecretFile(keyFile)) });
  }
  if (passphraseFile !== undefined) {
    credentials.push({ kind: "passphrase", passphrase: await readPassphrase(passphraseFile) });
  }
  if (escrowKey !== undefined) {
    const text = (await readSecretFile(escrowKey)).toString("utf8");
    const opens = escrowPassphraseFile === undefined ? undefined : await readPassphrase(escrowPassphraseFile);
    credentials.push({ kind: "escrow", privateKey: await parseEscrowPrivate(escrowKey, text, opens) });
  }
  if (credentials.length > 0) return credentials;
  throw new Rejection("nothing was given that opens the repository", {
    status: 400,
    field: "--key-file",
    remedy: "give --key-file, --passphrase-file, --secret-file or --escrow-key",
  });
}

/**
 * What a file may say that the payload is: its bytes; without the line end that an editor adds; or what they
 * are the base64 of, as `openstack secret get` shows octets.
 */
function payloadsIn(content: Buffer): Buffer[] {
  const text = content.toString("latin1").replace(/\r?\n$/, "");
  const decoded = Buffer.from(text, "base64");
  const isBase64 = decoded.length > 0 && decoded.toString("base64") === text;
  const candidates = [content, Buffer.from(text, "latin1"), ...(isBase64 ? [decoded] : [])];
  return candidates.filter((each, index) => candidates.findIndex((other) => other.equals(each)) === index);
}

/** The first line of a file that only its owner can read. */
export async function readPassphrase(path: string): Promise<string> {
  const [line = ""] = (await readSecretFile(path)).toString("utf8").split(/\r?\n/);
  if (line !== "") return line;
  throw new Fault("key-file", `reading a passphrase from ${path}: its first line is empty`, "after-operator");
}

/** A small file that only its owner can read; its group may, too, if it cannot write. */
export async function readSecretFile(path: string): Promise<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    throw new Fault("key-file", `opening ${path}`, "after-operator", cause);
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & FORBIDDEN_MODE) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(3, "0");
      const remedy = `chmod 600 ${path}`;
      const message = `others can read or change the secret in ${path} (mode ${found})`;
      throw new Rejection(message, { status: 400, field: "file", value: path, remedy });
    }
    if (size > FILE_MAX_BYTES)
      throw new Fault("key-file", `reading ${path}: it is too long`, "after-operator");
    return await file.readFile();
  } finally {
    await file.close();
  }
}
