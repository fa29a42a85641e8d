import { newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { sha256 } from "../keystone/principal.ts";
import { newResource } from "../neutron/lists.ts";
import { makeNetwork } from "../neutron/networks.ts";
import { makePort } from "../neutron/port-life.ts";
import { makeSubnet } from "../neutron/subnets.ts";
import type { Seed } from "./default.ts";
import { plantPaperInstances } from "./paper.ts";

const hexId = (): string => newId().replaceAll("-", "");

/** Fills an empty cloud; one that holds anything is left as it is. */
export function plant(cloud: Cloud, seed: Seed): void {
  if (cloud.state.roles.all().length > 0) return;
  plantIdentity(cloud, seed);
  plantCatalog(cloud, seed.region);
  for (const flavor of seed.flavors) {
    cloud.state.flavors.put({
      ...flavor,
      ephemeral: 0,
      swap: 0,
      is_public: true,
      description: null,
      extra_specs: {},
    });
  }
  for (const { name, format, backend = "nfs", encrypted = false } of seed.volumeTypes) {
    const rest = { description: null, is_public: true, extra_specs: { volume_backend_name: backend } };
    cloud.state.volumeTypes.put({ id: newId(), name, format, backend, encrypted, ...rest });
  }
  for (const host of seed.hosts) {
    cloud.state.hosts.put({
      id: host.name,
      zone: host.zone,
      images_type: host.imagesType,
      vcpus: 64,
      memory_mb: 262144,
      local_gb: 4096,
      vanished: false,
      service_status: "enabled",
    });
  }
  plantNetworks(cloud, seed);
  for (const [name, limits] of Object.entries(seed.quotas))
    cloud.state.quotas.put({ id: projectId(cloud, name), limits });
  plantPaperInstances(cloud, seed);
}

function projectId(cloud: Cloud, name: string): string {
  const row = cloud.state.projects.where((each) => each.name === name).at(0);
  if (row === undefined) throw new Error(`the seed names a project ${name} that it does not make`);
  return row.id;
}

function plantIdentity(cloud: Cloud, seed: Seed): void {
  const { state } = cloud;
  const roleNames = new Set([
    "admin",
    "member",
    "reader",
    ...seed.users.flatMap((user) => Object.values(user.roles).flat()),
  ]);
  const roles = new Map([...roleNames].map((name) => [name, state.roles.put({ id: hexId(), name }).id]));
  for (const project of seed.projects)
    state.projects.put({ id: project.id ?? hexId(), name: project.name, description: "", enabled: true });
  for (const user of seed.users) {
    const password_sha256 = sha256(user.password ?? `${user.name}-secret`);
    const row = state.users.put({
      id: user.id ?? hexId(),
      name: user.name,
      enabled: true,
      password_sha256,
      federated: user.federated ?? false,
    });
    for (const [scope, names] of Object.entries(user.roles)) {
      const project_id = scope === "system" ? null : projectId(cloud, scope);
      for (const name of names) {
        const role_id = roles.get(name) ?? "";
        const id = `${row.id}:${project_id ?? "system"}:${role_id}`;
        state.assignments.put({ id, user_id: row.id, project_id, role_id });
      }
    }
  }
}

const SERVICES = [
  ["identity", "keystone", "{base}/identity"],
  ["compute", "nova", "{base}/compute/v2.1"],
  ["placement", "placement", "{base}/placement"],
  ["volumev3", "cinderv3", "{base}/volume/v3/$(project_id)s"],
  ["block-storage", "cinder", "{base}/volume/v3/$(project_id)s"],
  ["image", "glance", "{base}/image"],
  ["network", "neutron", "{base}/network"],
  ["key-manager", "barbican", "{base}/key-manager"],
] as const;

function plantCatalog(cloud: Cloud, region: string): void {
  cloud.state.regions.put({ id: region });
  for (const [type, name, url] of SERVICES) {
    const service = cloud.state.services.put({ id: hexId(), type, name, description: "", enabled: true });
    for (const kind of ["public", "internal", "admin"])
      cloud.state.endpoints.put({
        id: hexId(),
        service_id: service.id,
        interface: kind,
        region_id: region,
        url,
        enabled: true,
      });
  }
}

function plantNetworks(cloud: Cloud, seed: Seed): void {
  for (const each of seed.networks) {
    const network = makeNetwork(cloud, projectId(cloud, each.project), {
      name: each.name,
      shared: each.shared ?? false,
      "router:external": each.external ?? false,
    });
    const subnet = makeSubnet(cloud, network, { name: `${each.name}-subnet`, cidr: each.cidr });
    const outside = cloud.state.networks.where((row) => row.name === each.router).at(0);
    if (outside === undefined) continue;
    const fresh = newResource(cloud, network.project_id);
    const ownerOf = (owner: string) =>
      ({ device_id: fresh.id, device_owner: owner, status: "ACTIVE" }) as const;
    const gateway = makePort(cloud, outside, "", ownerOf("network:router_gateway"));
    const inside = [{ subnet_id: subnet.id, ip_address: subnet.gateway_ip ?? "" }];
    makePort(cloud, network, network.project_id, {
      ...ownerOf("network:router_interface"),
      wantedIps: inside,
    });
    cloud.state.routers.put({
      ...fresh,
      name: `${each.name}-router`,
      description: "",
      admin_state_up: true,
      external_gateway_info: {
        network_id: outside.id,
        enable_snat: true,
        external_fixed_ips: gateway.fixed_ips,
      },
      routes: [],
    });
  }
}
