import { ByteReader, ByteWriter, damaged } from "../bytes.ts";

const MAGIC = "CAIRNDES";
const VERSION = 1;

/** Who had the keys of a repository destroyed, when and why. It is no secret, and nothing seals it. */
export interface Destruction {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  readonly why: string;
  /** Names of the key sets that were there. */
  readonly keySets: readonly string[];
  /** Ids of the Barbican secrets that opened them. */
  readonly secrets: readonly string[];
}

/** `magic 8 | version u16 | zero u16 | repository id 16 | JSON`. */
export function encodeDestruction(repositoryId: string, destruction: Destruction): Buffer {
  const json = Buffer.from(JSON.stringify(destruction));
  return new ByteWriter().text(MAGIC).u16(VERSION).u16(0).uuid(repositoryId).bytes(json).finish();
}

/** Reads a record whose checksum has been checked and cut off. */
export function decodeDestruction(name: string, repositoryId: string, bytes: Buffer): Destruction {
  const reader: ByteReader = new ByteReader(name, bytes);
  reader.magic(MAGIC);
  reader.version(VERSION);
  reader.expect(reader.u16("reserved bytes") === 0, "reserved bytes are not zero");
  const found = reader.uuid("the repository's id");
  reader.expect(found === repositoryId, `it belongs to repository ${found}`);
  const fields = parse(name, reader.bytes(reader.left, "the body"));
  const text = (key: string): string => {
    const value = fields[key];
    if (typeof value !== "string") throw damaged(name, 28, `${key} is no text`);
    return value;
  };
  const texts = (key: string): string[] => {
    const value = fields[key];
    if (!Array.isArray(value)) throw damaged(name, 28, `${key} is no list`);
    return value.map((each) => {
      if (typeof each !== "string") throw damaged(name, 28, `${key} holds something that is no text`);
      return each;
    });
  };
  return {
    at: text("at"),
    by: text("by"),
    why: text("why"),
    keySets: texts("keySets"),
    secrets: texts("secrets"),
  };
}

function parse(name: string, bytes: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw damaged(name, 28, `its JSON does not parse (${cause instanceof Error ? cause.message : "?"})`);
  }
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw damaged(name, 28, "an object is expected in its JSON");
}
