import { asId, type InstanceId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
  readonly members: readonly InstanceId[];
}

export interface ServerGroups {
  list(signal?: AbortSignal): Promise<readonly ServerGroup[]>;
  find(id: string, signal?: AbortSignal): Promise<ServerGroup | undefined>;
  create(
    group: { readonly name: string; readonly policy: string },
    signal?: AbortSignal,
  ): Promise<ServerGroup>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about server groups, in the form of microversion 2.64. */
export function serverGroups(client: ServiceClient): ServerGroups {
  return {
    list: async (signal) =>
      client.list({
        doing: "listing server groups",
        path: ["os-server-groups"],
        field: "server_groups",
        read: readGroup,
        versions: SINGLE_POLICY,
        signal,
      }),
    find: async (id, signal) => {
      const doing = `reading server group ${id}`;
      const path = ["os-server-groups", id];
      const answer = await client.find({ doing, path, versions: SINGLE_POLICY, signal });
      return answer === undefined ? undefined : theOnly(answer, "server_group", readGroup);
    },
    create: async ({ name, policy }, signal) => {
      const answer = await client.post({
        doing: `creating server group ${name}`,
        path: ["os-server-groups"],
        body: { server_group: { name, policy } },
        versions: SINGLE_POLICY,
        signal,
      });
      return theOnly(answer, "server_group", readGroup);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting server group ${id}`, path: ["os-server-groups", id], signal });
    },
  };
}

/** Before 2.64 the one policy was a list. */
const SINGLE_POLICY = { least: "2.64", most: "2.79" };

function readGroup(fields: Fields): ServerGroup {
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    policy: fields.text("policy"),
    members: fields.strings("members").map((id) => asId<"instance">(id)),
  };
}
