import type { QmpClient } from "@cairn/qmp";
import type { Cloud } from "../cloud.ts";
import { imageInfo } from "../hosts/qemu-img.ts";
import { type Answer, ApiError, type Call, ok, type Route, route } from "../http/answer.ts";
import { isJson, type Json } from "../http/reading.ts";
import { instanceAt } from "./disks.ts";

const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isJson) : []);

/** What goes on in a running QEMU, as far as a leftover could show there. */
async function askQemu(client: QmpClient): Promise<object> {
  const nodes = listOf(await client.execute("query-named-block-nodes", { flat: true }));
  const bitmaps = nodes.flatMap((node) =>
    listOf(node["dirty-bitmaps"]).map((bitmap) => ({
      node: node["node-name"],
      name: bitmap["name"],
      persistent: bitmap["persistent"],
      recording: bitmap["recording"],
      inconsistent: bitmap["inconsistent"] ?? false,
    })),
  );
  return {
    nodes: nodes.map((node) => node["node-name"]),
    bitmaps,
    jobs: listOf(await client.execute("query-jobs")),
    exports: listOf(await client.execute("query-block-exports")),
  };
}

/** The bitmaps that stopped disks carry. */
async function askFiles(cloud: Cloud, id: string, host: string): Promise<object> {
  const disks = cloud.hypervisors.domain(host, id)?.disks ?? [];
  const found = await Promise.all(
    disks.map(async (disk) => {
      const { bitmaps } = await imageInfo(disk.path, disk.format);
      return bitmaps.map((bitmap) => ({
        node: disk.device,
        name: bitmap.name,
        persistent: true,
        recording: bitmap.flags.includes("auto"),
        inconsistent: bitmap.flags.includes("in-use"),
      }));
    }),
  );
  return { nodes: [], bitmaps: found.flat(), jobs: [], exports: [] };
}

async function nodes(call: Call): Promise<Answer> {
  const { id, host } = instanceAt(call);
  const client = call.cloud.hypervisors.monitor(id);
  return ok(client === undefined ? await askFiles(call.cloud, id, host) : await askQemu(client));
}

function domain(call: Call): Answer {
  const { id, host } = instanceAt(call);
  const found = call.cloud.hypervisors.domain(host, id);
  if (found === undefined) throw new ApiError(404, `no instance ${id} on ${host}`);
  return ok({ host, ...found });
}

/** The whole inventory, without secrets. */
function inventory(call: Call): Answer {
  const { state } = call.cloud;
  return ok({
    servers: state.servers.all(),
    volumes: state.volumes.all(),
    attachments: state.attachments.all(),
    snapshots: state.snapshots.all(),
    images: state.images.all(),
    ports: state.ports.all(),
    networks: state.networks.all(),
    subnets: state.subnets.all(),
    routers: state.routers.all(),
    floatingips: state.floatingIps.all(),
    security_groups: state.securityGroups.all(),
    trusts: state.trusts.all(),
    application_credentials: state.applicationCredentials
      .all()
      .map(({ secret_sha256: _secret, ...shown }) => shown),
    keypairs: state.keypairs.all(),
    server_groups: state.serverGroups.all(),
    hosts: state.hosts.all(),
    projects: state.projects.all(),
    users: state.users.all().map(({ id, name }) => ({ id, name })),
  });
}

function processes(call: Call): Answer {
  const { hypervisors, state } = call.cloud;
  return ok(
    hypervisors.processes().map((each) => ({
      ...each,
      state: state.servers.find(each.instance_id)?.vm_state ?? "unknown",
    })),
  );
}

/** Looking at what is there. */
export const inspectionHooks: readonly Route[] = [
  route("GET /state", "", "open", inventory),
  route("GET /qemu", "", "open", processes),
  route("GET /instances/:id", "", "open", domain),
  route("GET /instances/:id/nodes", "", "open", nodes),
];
