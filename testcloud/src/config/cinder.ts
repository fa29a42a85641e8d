import { join } from "node:path";
import { HOST, LOOPBACK, PORTS, type Settings, urlOf } from "../settings.ts";
import { type ConfigFile, PRIVATE, READABLE } from "./file.ts";
import { type Ini, renderIni } from "./ini.ts";
import {
  authTokenSection,
  clientSection,
  databaseSection,
  lockSection,
  NOTIFICATIONS_ON,
  privsepSections,
  RABBIT_SECTION,
  serviceUserSection,
  transportUrl,
} from "./sections.ts";

/** Volume types; each is a backend of the same name. The first is the default. */
export function volumeTypesOf({ profile }: Pick<Settings, "profile">): readonly string[] {
  return profile === "full" ? ["ceph", "nfs"] : ["nfs"];
}

export function cinderFiles(settings: Settings): ConfigFile[] {
  const { conf } = settings.layout;
  return [
    { path: join(conf, "cinder.conf"), text: renderIni(cinder(settings)), mode: PRIVATE },
    {
      path: join(conf, "nfs_shares"),
      text: `${LOOPBACK}:${exportFolder(settings)}\n`,
      mode: READABLE,
    },
  ];
}

/** The share that Cinder "mounts": a file system of its own (see block-storage.ts). */
export function exportFolder({ layout }: Pick<Settings, "layout">): string {
  return join(layout.data, "nfs-export");
}

function cinder(settings: Settings): Ini {
  const types = volumeTypesOf(settings);
  const { layout, profile } = settings;
  return {
    DEFAULT: {
      transport_url: transportUrl(settings),
      log_dir: layout.log,
      host: HOST,
      my_ip: LOOPBACK,
      state_path: join(layout.data, "cinder"),
      osapi_volume_listen: LOOPBACK,
      osapi_volume_listen_port: PORTS.cinder,
      osapi_volume_workers: 1,
      api_paste_config: "/etc/cinder/api-paste.ini",
      rootwrap_config: "/etc/cinder/rootwrap.conf",
      resource_query_filters_file: "/etc/cinder/resource_filters.json",
      glance_api_servers: urlOf("glance"),
      allowed_direct_url_schemes: "file,cinder",
      enabled_backends: types.join(","),
      default_volume_type: types[0] ?? "",
      enable_force_upload: true,
      periodic_interval: 30,
    },
    ...(profile === "full" ? { ceph: ceph(settings) } : {}),
    nfs: nfs(settings),
    database: databaseSection(settings, "cinder"),
    oslo_concurrency: lockSection(settings, "cinder"),
    nova: { ...clientSection(settings, "nova"), interface: "internal" },
    service_user: serviceUserSection(settings, "cinder"),
    ...privsepSections(join(layout.conf, "cinder.conf"), ["cinder_sys_admin", "privsep_osbrick"]),
    oslo_messaging_rabbit: RABBIT_SECTION,
    ...NOTIFICATIONS_ON,
    keystone_authtoken: authTokenSection(settings, "cinder"),
  };
}

function ceph({ layout, cephSecretId }: Settings): Ini[string] {
  return {
    volume_driver: "cinder.volume.drivers.rbd.RBDDriver",
    volume_backend_name: "ceph",
    rbd_pool: "volumes",
    rbd_ceph_conf: join(layout.conf, "ceph.conf"),
    rbd_user: "cinder",
    rbd_secret_uuid: cephSecretId,
    rbd_flatten_volume_from_snapshot: false,
    rbd_max_clone_depth: 5,
    rbd_store_chunk_size: 4,
    rados_connect_timeout: 10,
    report_discard_supported: true,
  };
}

/** Volumes as qcow2 files on a share; snapshots of attached ones go through Nova. */
function nfs({ layout }: Settings): Ini[string] {
  return {
    volume_driver: "cinder.volume.drivers.nfs.NfsDriver",
    volume_backend_name: "nfs",
    nfs_shares_config: join(layout.conf, "nfs_shares"),
    nfs_mount_point_base: join(layout.data, "cinder/mnt"),
    nfs_qcow2_volumes: true,
    nfs_snapshot_support: true,
    nfs_sparsed_volumes: true,
    nas_secure_file_operations: false,
    nas_secure_file_permissions: false,
  };
}
