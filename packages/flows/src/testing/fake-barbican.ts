import { randomUUID } from "node:crypto";
import { asId, Fault, Secret, type UserId } from "@cairn/kernel";
import type { Cloud, Secrets } from "@cairn/openstack";

interface StoredSecret {
  readonly name: string;
  readonly payload: Buffer;
  users: readonly UserId[];
}

/** A Barbican that a test may switch off, or let fail once. */
export interface FakeBarbican {
  readonly secrets: Map<string, StoredSecret>;
  isAway: boolean;
  /** The next change of a list of readers fails: what a crash leaves between two calls. */
  failsAtReaders: boolean;
  /** The cloud as the tenant or the service user sees it; it has nothing but Barbican. */
  view(as: "tenant" | "service"): Cloud;
}

const SERVICE_USER = asId<"user">("service-user");

export function fakeBarbican(): FakeBarbican {
  const barbican: FakeBarbican = {
    secrets: new Map(),
    isAway: false,
    failsAtReaders: false,
    view: (as) => {
      const services = { barbican: { secrets: secretsOf(barbican, as) }, userId: async () => SERVICE_USER };
      return services as unknown as Cloud;
    },
  };
  return barbican;
}

function secretsOf(barbican: FakeBarbican, as: "tenant" | "service"): Partial<Secrets> {
  const find = (id: string): StoredSecret => {
    if (barbican.isAway) throw new Fault("openstack-unavailable", "asking Barbican", "later");
    const found = barbican.secrets.get(id);
    if (found === undefined) throw new Fault("openstack-not-found", `getting secret ${id}`, "never");
    const isReader = as === "tenant" || found.users.includes(SERVICE_USER);
    if (!isReader) throw new Fault("openstack-forbidden", `reading secret ${id}`, "never");
    return found;
  };
  return {
    create: async ({ name, payload }) => {
      const id = randomUUID();
      barbican.secrets.set(id, { name, payload: payload.reveal(), users: [] });
      return id;
    },
    list: async ({ name }) =>
      [...barbican.secrets]
        .filter(([, secret]) => secret.name === name)
        .map(([id]) => ({ id, name, status: "ACTIVE", secretType: "symmetric", creatorId: "u" })),
    payload: async (id) => new Secret(find(id).payload),
    setReaders: async (id, { users }) => {
      if (barbican.failsAtReaders) {
        barbican.failsAtReaders = false;
        throw new Fault("openstack-outcome-unknown", "changing readers", "later");
      }
      find(id).users = users;
    },
    delete: async (id) => {
      barbican.secrets.delete(id);
    },
  };
}
