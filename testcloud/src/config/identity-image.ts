import { join } from "node:path";
import { LOOPBACK, PORTS, type Settings, urlOf } from "../settings.ts";
import { type ConfigFile, PRIVATE } from "./file.ts";
import { type Ini, renderIni } from "./ini.ts";
import { authTokenSection, databaseSection, lockSection, uwsgiIni } from "./sections.ts";

/** Keystone, Placement and Glance. */
export function identityAndImageFiles(settings: Settings): ConfigFile[] {
  const { conf } = settings.layout;
  const write = (name: string, ini: Ini): ConfigFile => ({
    path: join(conf, name),
    text: renderIni(ini),
    mode: PRIVATE,
  });
  return [
    write("keystone.conf", keystone(settings)),
    write(
      "keystone-uwsgi.ini",
      uwsgiIni(
        {
          port: PORTS.keystone,
          application: "/usr/bin/keystone-wsgi-public",
          processes: 2,
          name: "keystone",
        },
        { "thunder-lock": true },
      ),
    ),
    write("placement/placement.conf", placement(settings)),
    write(
      "placement-uwsgi.ini",
      uwsgiIni({
        port: PORTS.placement,
        application: "/usr/bin/placement-api",
        processes: 1,
        name: "placement",
      }),
    ),
    write("glance-api.conf", glance(settings)),
  ];
}

function keystone(settings: Settings): Ini {
  const { layout } = settings;
  return {
    DEFAULT: { log_file: join(layout.log, "keystone.log"), max_token_size: 255 },
    database: databaseSection(settings, "keystone"),
    token: { provider: "fernet" },
    fernet_tokens: { key_repository: join(layout.data, "keystone/fernet-keys") },
    // Its default lies below /etc/keystone, where fernet_setup would make keys.
    fernet_receipts: { key_repository: join(layout.data, "keystone/receipt-keys") },
    credential: { key_repository: join(layout.data, "keystone/credential-keys") },
    cache: {
      enabled: true,
      backend: "dogpile.cache.memcached",
      memcache_servers: `${LOOPBACK}:${PORTS.memcached}`,
    },
  };
}

function placement(settings: Settings): Ini {
  return {
    DEFAULT: { log_file: join(settings.layout.log, "placement.log") },
    api: { auth_strategy: "keystone" },
    placement_database: databaseSection(settings, "placement"),
    keystone_authtoken: authTokenSection(settings, "placement"),
  };
}

function glance(settings: Settings): Ini {
  const { layout, profile } = settings;
  const images = join(layout.data, "glance");
  const rbd: Ini = {
    rbd: {
      rbd_store_ceph_conf: join(layout.conf, "ceph.conf"),
      rbd_store_user: "cinder",
      rbd_store_pool: "images",
      rbd_store_chunk_size: 8,
    },
  };
  return {
    DEFAULT: {
      bind_host: LOOPBACK,
      bind_port: PORTS.glance,
      workers: 1,
      log_file: join(layout.log, "glance-api.log"),
      enabled_backends: profile === "full" ? "file:file, rbd:rbd" : "file:file",
      show_image_direct_url: true,
      show_multiple_locations: true,
      node_staging_uri: `file://${images}/staging`,
      worker_self_reference_url: urlOf("glance"),
    },
    glance_store: { default_backend: "file" },
    file: { filesystem_store_datadir: join(images, "images") },
    ...(profile === "full" ? rbd : {}),
    os_glance_staging_store: { filesystem_store_datadir: join(images, "staging") },
    os_glance_tasks_store: { filesystem_store_datadir: join(images, "tasks") },
    paste_deploy: { flavor: "keystone", config_file: "/etc/glance/glance-api-paste.ini" },
    database: databaseSection(settings, "glance"),
    oslo_concurrency: lockSection(settings, "glance"),
    keystone_authtoken: authTokenSection(settings, "glance"),
  };
}
