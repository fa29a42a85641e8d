import { join } from "node:path";
import { HOST, LOOPBACK, PORTS, REGION, type Settings, urlOf } from "../settings.ts";
import { type ConfigFile, PRIVATE } from "./file.ts";
import { type Ini, renderIni } from "./ini.ts";
import {
  authTokenSection,
  clientSection,
  databaseSection,
  lockSection,
  NOTIFICATIONS_ON,
  passwordAuth,
  privsepSections,
  RABBIT_SECTION,
  serviceUserSection,
  transportUrl,
} from "./sections.ts";

/**
 * Two files: nova-compute refuses to work ("No DB access allowed in nova-compute") where it sees a database.
 */
export function novaFiles(settings: Settings): ConfigFile[] {
  const { conf } = settings.layout;
  const compute = nova(settings);
  const controller: Ini = {
    ...compute,
    api_database: databaseSection(settings, "nova_api"),
    database: databaseSection(settings, "nova"),
  };
  return [
    { path: join(conf, "nova.conf"), text: renderIni(controller), mode: PRIVATE },
    { path: join(conf, "nova-compute.conf"), text: renderIni(compute), mode: PRIVATE },
  ];
}

function nova(settings: Settings): Ini {
  return {
    DEFAULT: novaDefaults(settings),
    ...novaNotifications(),
    api: { auth_strategy: "keystone" },
    wsgi: { api_paste_config: "/etc/nova/api-paste.ini" },
    conductor: { workers: 1 },
    scheduler: { workers: 1, discover_hosts_in_cells_interval: 30 },
    vnc: { enabled: false },
    spice: { enabled: false },
    libvirt: libvirt(settings),
    ...privsepSections(join(settings.layout.conf, "nova-compute.conf"), [
      "nova_sys_admin",
      "privsep_osbrick",
      "vif_plug_linux_bridge_privileged",
      "vif_plug_ovs_privileged",
    ]),
    oslo_concurrency: lockSection(settings, "nova"),
    oslo_messaging_rabbit: RABBIT_SECTION,
    keystone_authtoken: authTokenSection(settings, "nova"),
    ...novaClients(settings),
  };
}

function novaDefaults(settings: Settings): Ini[string] {
  const { layout } = settings;
  return {
    transport_url: transportUrl(settings),
    log_dir: layout.log,
    host: HOST,
    my_ip: LOOPBACK,
    state_path: join(layout.data, "nova"),
    instances_path: join(layout.data, "nova/instances"),
    enabled_apis: "osapi_compute,metadata",
    osapi_compute_listen: LOOPBACK,
    osapi_compute_workers: 1,
    metadata_listen: LOOPBACK,
    metadata_listen_port: PORTS.novaMetadata,
    metadata_workers: 1,
    compute_driver: "libvirt.LibvirtDriver",
    allow_resize_to_same_host: true,
    rootwrap_config: "/etc/nova/rootwrap.conf",
    vif_plugging_timeout: 60,
    vif_plugging_is_fatal: true,
    reserved_host_memory_mb: 512,
    cpu_allocation_ratio: "16.0",
    ram_allocation_ratio: "1.0",
    disk_allocation_ratio: "10.0",
    force_config_drive: false,
    shutdown_timeout: 15,
    block_device_allocate_retries: 120,
  };
}

/** Every change of an instance's state or task, as versioned notifications on the bus. */
function novaNotifications(): Ini {
  return {
    ...NOTIFICATIONS_ON,
    notifications: {
      notification_format: "versioned",
      notify_on_state_change: "vm_and_task_state",
      versioned_notifications_topics: "versioned_notifications",
    },
  };
}

/** Where Nova mounts the shares that guests' volumes lie on. */
export function attachedVolumesFolder({ layout }: Pick<Settings, "layout">): string {
  return join(layout.data, "nova/mnt");
}

/**
 * QEMU without KVM, so that the same cloud runs in any virtual machine; `cpu_mode = none` because libvirt
 * cannot compute a host model then.
 */
function libvirt({ layout, profile, cephSecretId }: Settings): Ini[string] {
  const rbd = {
    images_rbd_pool: "vms",
    images_rbd_ceph_conf: join(layout.conf, "ceph.conf"),
    rbd_user: "cinder",
    rbd_secret_uuid: cephSecretId,
  };
  return {
    virt_type: "qemu",
    cpu_mode: "none",
    images_type: "qcow2",
    ...(profile === "full" ? rbd : {}),
    disk_cachemodes: "network=writeback,file=writeback",
    hw_disk_discard: "unmap",
    // Not Cinder's: Nova unmounts a share that no instance uses any more, and Cinder would look in vain.
    nfs_mount_point_base: attachedVolumesFolder({ layout }),
    volume_use_multipath: false,
    wait_soft_reboot_seconds: 20,
  };
}

function novaClients(settings: Settings): Ini {
  return {
    glance: { api_servers: urlOf("glance"), num_retries: 3 },
    cinder: {
      ...passwordAuth(settings, "cinder"),
      os_region_name: REGION,
      catalog_info: "volumev3:cinderv3:internalURL",
    },
    neutron: {
      ...clientSection(settings, "neutron"),
      service_metadata_proxy: true,
      metadata_proxy_shared_secret: settings.secrets.metadataSecret,
    },
    placement: clientSection(settings, "placement"),
    service_user: serviceUserSection(settings, "nova"),
  };
}
