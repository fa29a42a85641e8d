import { isUuid } from "@cairn/kernel";
import { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What an id or an address of Barbican's names. */
export interface SecretReference {
  readonly kind: "secret" | "order" | "container";
  readonly id: string;
}

const KINDS = { secrets: "secret", orders: "order", containers: "container" } as const;

/**
 * Reads an id, or the address of a secret, an order or a container; behind a proxy its host is often wrong,
 * and is not looked at. `undefined` for anything else.
 */
export function readSecretReference(text: string): SecretReference | undefined {
  if (isUuid(text.toLowerCase())) return { kind: "secret", id: text.toLowerCase() };
  const [, collection, id] =
    /^https?:\/\/\S+\/(secrets|orders|containers)\/([0-9a-f-]{36})(?:\/payload)?\/?$/i.exec(text) ?? [];
  if (collection === undefined || id === undefined || !isUuid(id.toLowerCase())) return undefined;
  return { kind: KINDS[collection.toLowerCase() as keyof typeof KINDS], id: id.toLowerCase() };
}

/** Orders make secrets, containers hold some: here they are asked for them, and nothing else. */
export interface SecretHolders {
  /** Ids of the secrets; `undefined` when it is not there. None in an order that has not ended. */
  secretsOf(id: string, signal?: AbortSignal): Promise<readonly string[] | undefined>;
}

/** The calls about orders (docs.openstack.org/barbican, api/reference/orders). */
export function orders(client: ServiceClient): SecretHolders {
  return {
    secretsOf: async (id, signal) => {
      const doing = `reading order ${id}`;
      const answer = await client.find({ doing, path: ["orders", id], signal });
      if (answer === undefined) return undefined;
      return idsIn([new Fields(answer.body, "order").optionalString("secret_ref")]);
    },
  };
}

/** The calls about containers (docs.openstack.org/barbican, api/reference/containers). */
export function containers(client: ServiceClient): SecretHolders {
  return {
    secretsOf: async (id, signal) => {
      const doing = `reading container ${id}`;
      const answer = await client.find({ doing, path: ["containers", id], signal });
      if (answer === undefined) return undefined;
      const held = new Fields(answer.body, "container").list("secret_refs", (fields) =>
        fields.optionalString("secret_ref"),
      );
      return idsIn(held);
    },
  };
}

function idsIn(references: readonly (string | undefined)[]): string[] {
  return references.flatMap((each) => {
    const reference = each === undefined ? undefined : readSecretReference(each);
    return reference?.kind === "secret" ? [reference.id] : [];
  });
}
