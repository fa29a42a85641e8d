import { scrypt } from "node:crypto";
import { Rejection } from "@cairn/kernel";

/** The parameters of scrypt (RFC 7914), as a slot stores them. N is 2 to the `costLog2`. */
export interface PassphraseCost {
  readonly salt: Buffer;
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallel: number;
}

export const SALT_BYTES = 16;
/** 128 MiB and about half a second: guesses at a stolen target cost as much. */
export const COST_LOG2 = 17;
export const BLOCK_SIZE = 8;
const PARALLEL_MAX = 4;
const COST_LOG2_MIN = 10;
const COST_LOG2_MAX = 20;
const BLOCK_SIZE_MAX = 32;
/** What an object of a stranger may make us spend: memory, and blocks of 64 bytes that are mixed. */
const MEMORY_MAX_BYTES = 512 * 1024 * 1024;
const WORK_MAX = 2 ** 23;
/** Shorter ones are found by machines, whatever scrypt costs. */
export const PASSPHRASE_MIN = 12;

/** Why parameters are not used: they cost too much or nothing; `undefined` when they are sane. */
export function costProblem(cost: PassphraseCost): string | undefined {
  const { costLog2, blockSize, parallel } = cost;
  if (costLog2 < COST_LOG2_MIN || costLog2 > COST_LOG2_MAX) return `scrypt's cost is 2^${costLog2}`;
  if (blockSize < 1 || blockSize > BLOCK_SIZE_MAX) return `scrypt's block size is ${blockSize}`;
  if (parallel < 1 || parallel > PARALLEL_MAX) return `scrypt's parallelism is ${parallel}`;
  const blocks = 2 ** costLog2 * blockSize;
  if (128 * blocks > MEMORY_MAX_BYTES) return `scrypt would take ${128 * blocks} bytes of memory`;
  if (blocks * parallel > WORK_MAX) return "scrypt would take too long";
  return undefined;
}

/** Refuses a passphrase that is too short to protect anything. */
export function requirePassphrase(passphrase: string): void {
  const characters = Array.from(passphrase.normalize("NFC")).length;
  if (characters >= PASSPHRASE_MIN) return;
  throw new Rejection(`the passphrase has ${characters} characters, it must have ${PASSPHRASE_MIN}`, {
    status: 400,
    field: "passphrase",
    remedy: "take several random words",
  });
}

/** 32 bytes of a passphrase, in Unicode's form C as UTF-8, so that every keyboard gives the same. */
export async function stretchPassphrase(passphrase: string, cost: PassphraseCost): Promise<Buffer> {
  return stretchBytes(Buffer.from(passphrase.normalize("NFC"), "utf8"), cost);
}

/** 32 bytes of any bytes. */
export async function stretchBytes(secret: Uint8Array, cost: PassphraseCost): Promise<Buffer> {
  const { salt, costLog2, blockSize: r, parallel: p } = cost;
  const N = 2 ** costLog2;
  // OpenSSL wants a little more than the 128·N·r bytes of the table.
  const options = { N, r, p, maxmem: 128 * r * (N + p + 2) };
  const done = Promise.withResolvers<Buffer>();
  scrypt(secret, salt, 32, options, (error, key) => {
    if (error === null) done.resolve(key);
    else done.reject(error);
  });
  return done.promise;
}
