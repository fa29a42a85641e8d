import { join } from "node:path";
import { HOST, LOOPBACK, NETWORKS, PORTS, type Settings } from "../settings.ts";
import { type ConfigFile, PRIVATE } from "./file.ts";
import { type Ini, renderIni } from "./ini.ts";
import {
  authTokenSection,
  clientSection,
  databaseSection,
  lockSection,
  NOTIFICATIONS_OFF,
  privsepSections,
  RABBIT_SECTION,
  transportUrl,
} from "./sections.ts";

/** Neutron with Linux bridges: the mechanism that needs neither a kernel module nor a daemon of its own. */
export function neutronFiles(settings: Settings): ConfigFile[] {
  const { conf } = settings.layout;
  const files: Readonly<Record<string, Ini>> = {
    "neutron.conf": neutron(settings),
    "ml2.ini": ML2,
    "linuxbridge.ini": LINUX_BRIDGE,
    "dhcp.ini": DHCP,
    "l3.ini": L3,
    "metadata.ini": metadata(settings),
  };
  return Object.entries(files).map(([name, ini]) => ({
    path: join(conf, name),
    text: renderIni(ini),
    mode: PRIVATE,
  }));
}

function neutron(settings: Settings): Ini {
  const { layout } = settings;
  return {
    DEFAULT: {
      transport_url: transportUrl(settings),
      log_dir: layout.log,
      host: HOST,
      bind_host: LOOPBACK,
      bind_port: PORTS.neutron,
      core_plugin: "ml2",
      service_plugins: "router",
      api_paste_config: "/etc/neutron/api-paste.ini",
      state_path: join(layout.data, "neutron"),
      api_workers: 1,
      rpc_workers: 1,
      rpc_state_report_workers: 0,
      dhcp_agents_per_network: 1,
      notify_nova_on_port_status_changes: true,
      notify_nova_on_port_data_changes: true,
      dhcp_lease_duration: 86_400,
    },
    ...privsepSections(join(layout.conf, "neutron.conf"), [
      "privsep",
      "privsep_dhcp_release",
      "privsep_ovs_vsctl",
      "privsep_namespace",
      "privsep_conntrack",
      "privsep_link",
    ]),
    agent: {
      root_helper: "neutron-rootwrap /etc/neutron/rootwrap.conf",
      root_helper_daemon: "neutron-rootwrap-daemon /etc/neutron/rootwrap.conf",
      report_interval: 20,
    },
    database: databaseSection(settings, "neutron"),
    oslo_concurrency: lockSection(settings, "neutron"),
    // Zed's Neutron ends with "Feature 'linuxbridge' is experimental" without this.
    experimental: { linuxbridge: true },
    nova: clientSection(settings, "nova"),
    placement: clientSection(settings, "placement"),
    oslo_messaging_rabbit: RABBIT_SECTION,
    ...NOTIFICATIONS_OFF,
    keystone_authtoken: authTokenSection(settings, "neutron"),
  };
}

const ML2: Ini = {
  ml2: {
    type_drivers: "flat,local,vxlan",
    tenant_network_types: "vxlan",
    mechanism_drivers: "linuxbridge",
    extension_drivers: "port_security",
  },
  ml2_type_flat: { flat_networks: "ext" },
  ml2_type_vxlan: { vni_ranges: "1:1000" },
  securitygroup: { enable_ipset: true },
};

const LINUX_BRIDGE: Ini = {
  linux_bridge: { bridge_mappings: `ext:${NETWORKS.external.bridge}` },
  vxlan: { enable_vxlan: true, local_ip: NETWORKS.tunnel.address, l2_population: false },
  securitygroup: { enable_security_group: true, firewall_driver: "iptables", enable_ipset: true },
};

const DHCP: Ini = {
  DEFAULT: {
    interface_driver: "linuxbridge",
    enable_isolated_metadata: true,
    force_metadata: true,
    dhcp_driver: "neutron.agent.linux.dhcp.Dnsmasq",
  },
};

const L3: Ini = { DEFAULT: { interface_driver: "linuxbridge", agent_mode: "legacy" } };

function metadata({ secrets }: Settings): Ini {
  return {
    DEFAULT: {
      nova_metadata_host: LOOPBACK,
      nova_metadata_port: PORTS.novaMetadata,
      metadata_proxy_shared_secret: secrets.metadataSecret,
      metadata_workers: 0,
    },
  };
}
