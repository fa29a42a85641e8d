/** Rows of the sandbox's Neutron: nearly the bodies of its API. */
interface NetworkResource {
  readonly id: string;
  readonly name: string;
  readonly project_id: string;
  readonly description: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision_number: number;
}

export interface NetworkRow extends NetworkResource {
  readonly admin_state_up: boolean;
  readonly shared: boolean;
  readonly "router:external": boolean;
  readonly port_security_enabled: boolean;
  readonly mtu: number;
  readonly segment: number;
  readonly dns_domain: string;
  readonly availability_zone_hints: readonly string[];
}

export interface AllocationPool {
  readonly start: string;
  readonly end: string;
}

export interface SubnetRow extends NetworkResource {
  readonly network_id: string;
  readonly cidr: string;
  readonly gateway_ip: string | null;
  readonly enable_dhcp: boolean;
  readonly allocation_pools: readonly AllocationPool[];
  readonly dns_nameservers: readonly string[];
  readonly host_routes: readonly { readonly destination: string; readonly nexthop: string }[];
}

export interface FixedIp {
  readonly subnet_id: string;
  readonly ip_address: string;
}

export interface PortRow extends NetworkResource {
  readonly network_id: string;
  readonly mac_address: string;
  readonly fixed_ips: readonly FixedIp[];
  readonly admin_state_up: boolean;
  readonly status: "ACTIVE" | "DOWN";
  readonly device_id: string;
  readonly device_owner: string;
  readonly security_groups: readonly string[];
  readonly allowed_address_pairs: readonly unknown[];
  readonly extra_dhcp_opts: readonly unknown[];
  readonly port_security_enabled: boolean;
  readonly "binding:vnic_type": string;
  readonly "binding:host_id": string;
  readonly "binding:profile": Readonly<Record<string, unknown>>;
}

export interface RouterRow extends NetworkResource {
  readonly admin_state_up: boolean;
  readonly external_gateway_info: {
    readonly network_id: string;
    readonly enable_snat: boolean;
    readonly external_fixed_ips: readonly FixedIp[];
  } | null;
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[];
}

export interface SecurityGroupRow extends NetworkResource {
  readonly stateful: boolean;
}

export interface SecurityGroupRuleRow {
  readonly id: string;
  readonly project_id: string;
  readonly security_group_id: string;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_ip_prefix: string | null;
  readonly remote_group_id: string | null;
  /** Null in the rules that Neutron makes with a group. */
  readonly description: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision_number: number;
}

export interface FloatingIpRow {
  readonly id: string;
  readonly project_id: string;
  readonly description: string;
  readonly floating_network_id: string;
  readonly floating_ip_address: string;
  readonly fixed_ip_address: string | null;
  readonly port_id: string | null;
  readonly router_id: string | null;
  readonly status: "ACTIVE" | "DOWN";
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision_number: number;
}
