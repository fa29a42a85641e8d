import { mkdirSync } from "node:fs";
import type { FlavorRow, HostRow, KeypairRow, QuotaRow, ServerGroupRow, ServerRow } from "./compute-rows.ts";
import type {
  ApplicationCredentialRow,
  AssignmentRow,
  EndpointRow,
  ProjectRow,
  RegionRow,
  RoleRow,
  ServiceRow,
  TokenRow,
  TrustRow,
  UserRow,
} from "./identity-rows.ts";
import { Journal } from "./journal.ts";
import type {
  FloatingIpRow,
  NetworkRow,
  PortRow,
  RouterRow,
  SecurityGroupRow,
  SecurityGroupRuleRow,
  SubnetRow,
} from "./network-rows.ts";
import type { ContainerRow, OrderRow, SecretRow } from "./secret-rows.ts";
import type { AttachmentRow, ImageRow, SnapshotRow, VolumeRow, VolumeTypeRow } from "./storage-rows.ts";
import { type Change, Table } from "./table.ts";

/** All that the sandbox knows, one table a resource. */
export type State = ReturnType<typeof makeTables>;

function makeTables(record: (change: Change) => void) {
  return {
    projects: new Table<ProjectRow>("projects", record),
    users: new Table<UserRow>("users", record),
    roles: new Table<RoleRow>("roles", record),
    assignments: new Table<AssignmentRow>("assignments", record),
    tokens: new Table<TokenRow>("tokens", record),
    trusts: new Table<TrustRow>("trusts", record),
    applicationCredentials: new Table<ApplicationCredentialRow>("applicationCredentials", record),
    regions: new Table<RegionRow>("regions", record),
    services: new Table<ServiceRow>("services", record),
    endpoints: new Table<EndpointRow>("endpoints", record),
    flavors: new Table<FlavorRow>("flavors", record),
    keypairs: new Table<KeypairRow>("keypairs", record),
    serverGroups: new Table<ServerGroupRow>("serverGroups", record),
    servers: new Table<ServerRow>("servers", record),
    hosts: new Table<HostRow>("hosts", record),
    quotas: new Table<QuotaRow>("quotas", record),
    volumeTypes: new Table<VolumeTypeRow>("volumeTypes", record),
    volumes: new Table<VolumeRow>("volumes", record),
    attachments: new Table<AttachmentRow>("attachments", record),
    snapshots: new Table<SnapshotRow>("snapshots", record),
    images: new Table<ImageRow>("images", record),
    networks: new Table<NetworkRow>("networks", record),
    subnets: new Table<SubnetRow>("subnets", record),
    ports: new Table<PortRow>("ports", record),
    routers: new Table<RouterRow>("routers", record),
    securityGroups: new Table<SecurityGroupRow>("securityGroups", record),
    securityGroupRules: new Table<SecurityGroupRuleRow>("securityGroupRules", record),
    floatingIps: new Table<FloatingIpRow>("floatingIps", record),
    secrets: new Table<SecretRow>("secrets", record),
    orders: new Table<OrderRow>("orders", record),
    containers: new Table<ContainerRow>("containers", record),
  };
}

/** The state in a folder, with its journal, which the caller disposes of. */
export function openState(directory: string): { readonly state: State; readonly journal: Journal } {
  mkdirSync(directory, { recursive: true });
  const recorded = Journal.read(directory);
  const journal = new Journal(directory);
  const state = makeTables((change) => {
    journal.append(change);
  });
  const tables = new Map(Object.values(state).map((table) => [table.name, table]));
  for (const change of recorded) tables.get(change.table)?.replay(change);
  const rows = [...tables.values()].flatMap((table) =>
    table.all().map((row): Change => ({ table: table.name, id: row.id, row })),
  );
  journal.compact(rows);
  return { state, journal };
}
