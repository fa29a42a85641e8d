import type { UserId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** An SSH key pair of the token's user; Nova knows it by name. */
export interface KeyPair {
  readonly name: string;
  readonly type: "ssh" | "x509";
  readonly fingerprint: string;
  readonly publicKey: string;
}

export interface KeyPairs {
  list(signal?: AbortSignal): Promise<readonly KeyPair[]>;
  find(name: string, signal?: AbortSignal): Promise<KeyPair | undefined>;
  /** Another user's; admin only. */
  findOf(userId: UserId, name: string, signal?: AbortSignal): Promise<KeyPair | undefined>;
  /** Imports a public key; 409 when the name is taken. */
  create(keyPair: Omit<KeyPair, "fingerprint">, signal?: AbortSignal): Promise<KeyPair>;
  delete(name: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about key pairs. */
export function keyPairs(client: ServiceClient): KeyPairs {
  return {
    list: async (signal) =>
      client.list({
        doing: "listing key pairs",
        path: ["os-keypairs"],
        field: "keypairs",
        read: (fields) => fields.object("keypair", readKeyPair),
        signal,
      }),
    find: async (name, signal) => {
      const answer = await client.find({
        doing: `reading key pair ${name}`,
        path: ["os-keypairs", name],
        signal,
      });
      return answer === undefined ? undefined : theOnly(answer, "keypair", readKeyPair);
    },
    findOf: async (userId, name, signal) => {
      const answer = await client.find({
        doing: `reading key pair ${name} of user ${userId}`,
        path: ["os-keypairs", name],
        query: { user_id: userId },
        signal,
      });
      return answer === undefined ? undefined : theOnly(answer, "keypair", readKeyPair);
    },
    create: async ({ name, type, publicKey }, signal) => {
      const answer = await client.post({
        doing: `importing key pair ${name}`,
        path: ["os-keypairs"],
        body: { keypair: { name, type, public_key: publicKey } },
        signal,
      });
      return theOnly(answer, "keypair", readKeyPair);
    },
    delete: async (name, signal) => {
      await client.remove({ doing: `deleting key pair ${name}`, path: ["os-keypairs", name], signal });
    },
  };
}

function readKeyPair(fields: Fields): KeyPair {
  return {
    name: fields.string("name"),
    type: fields.optionalString("type") === "x509" ? "x509" : "ssh",
    fingerprint: fields.string("fingerprint"),
    publicKey: fields.string("public_key"),
  };
}
