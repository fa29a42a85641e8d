import { asId, type InstanceId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import { hasReached } from "../wire/microversion.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
  /** Of `anti-affinity`; undefined: one. */
  readonly maxServersPerHost: number | undefined;
  readonly members: readonly InstanceId[];
}

export interface ServerGroups {
  list(signal?: AbortSignal): Promise<readonly ServerGroup[]>;
  find(id: string, signal?: AbortSignal): Promise<ServerGroup | undefined>;
  create(
    group: {
      readonly name: string;
      readonly policy: string;
      /** Left out before microversion 2.64, which knows no rules. */
      readonly maxServersPerHost?: number;
    },
    signal?: AbortSignal,
  ): Promise<ServerGroup>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about server groups. */
export function serverGroups(client: ServiceClient): ServerGroups {
  return {
    list: async (signal) =>
      client.list({
        doing: "listing server groups",
        path: ["os-server-groups"],
        field: "server_groups",
        read: readGroup,
        // Nova has pages here, and no links (nova/api/openstack/compute/server_groups.py).
        paging: { by: "offset", limit: PAGE_LIMIT },
        signal,
      }),
    find: async (id, signal) => {
      const doing = `reading server group ${id}`;
      const answer = await client.find({ doing, path: ["os-server-groups", id], signal });
      return answer === undefined ? undefined : theOnly(answer, "server_group", readGroup);
    },
    create: async ({ name, policy, maxServersPerHost }, signal) => {
      const doing = `creating server group ${name}`;
      const rules =
        maxServersPerHost === undefined ? {} : { rules: { max_server_per_host: maxServersPerHost } };
      const isSingle = hasReached(await client.version({ doing, signal }), SINGLE_POLICY);
      const answer = await client.post({
        doing,
        path: ["os-server-groups"],
        body: { server_group: isSingle ? { name, policy, ...rules } : { name, policies: [policy] } },
        signal,
      });
      return theOnly(answer, "server_group", readGroup);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting server group ${id}`, path: ["os-server-groups", id], signal });
    },
  };
}

const PAGE_LIMIT = 500;
/** Rocky; before, the one policy was a list. */
const SINGLE_POLICY = "2.64";

function readGroup(fields: Fields): ServerGroup {
  return {
    id: fields.string("id"),
    name: fields.string("name"),
    policy: fields.optionalString("policy") ?? fields.strings("policies")[0] ?? "",
    maxServersPerHost: fields.optionalObject("rules", (rules) =>
      rules.optionalInteger("max_server_per_host"),
    ),
    members: fields.strings("members").map((id) => asId<"instance">(id)),
  };
}
